"""An operator looks into the buffer during an outage, with every command there is, and what he saw still arrives."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.buffer.quarantine import Quarantine
from gateway.model import Stored
from tests.journeys.rig import Appliance, appliance, fieldgate, wait_for
from tests.journeys.test_way import drained, enough, judge

pytestmark = pytest.mark.slow


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Appliance]:
    with appliance(tmp_path) as running:
        yield running


def waiting(rig: Appliance, count: int) -> bool:
    report = rig.status()
    return report is not None and report["buffer"]["messages"] >= count


def exported(rig: Appliance) -> list[dict[str, Any]]:
    return [json.loads(line) for line in fieldgate("buffer", "export", rig.plant).stdout.splitlines()]


def facts(rig: Appliance) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(fieldgate("buffer", rig.plant, "--json").stdout)
    return found


def bodies(messages: list[dict[str, Any]]) -> dict[str, Any]:
    return {message["system"]["message-id"]: message["body"] for message in messages}


def test_what_waits_is_seen_while_it_runs_and_while_it_stands_still_and_arrives(rig: Appliance) -> None:
    wait_for("data to flow", lambda: enough(rig, 3))
    rig.hub("away")
    wait_for("messages to wait on disk", lambda: waiting(rig, 10))
    told, page = facts(rig), fieldgate("buffer", rig.plant).stdout
    assert (told["running"], sorted(told["waiting"])) == (True, ["meter-hvac", "meter-mcc1"])
    assert told["messages"] >= 10
    assert told["fsync_ms"]["p99"] > 0
    assert told["in_per_s"] > 0
    assert "messages wait" in page
    assert "without upstream" in page or "full in about" in page or "not known yet" in page
    live = exported(rig)
    assert len(live) >= told["messages"]

    rig.stop()
    place = rig.plant / "state" / "buffer"
    before = {path.name: path.read_bytes() for path in place.iterdir()}
    still = facts(rig)
    kept = exported(rig)
    assert (still["running"], still["messages"]) == (False, len(kept))
    assert "the gateway is not running" in fieldgate("buffer", rig.plant).stdout
    assert {path.name: path.read_bytes() for path in place.iterdir()} == before
    assert [one["id"] for one in kept if one["id"] in {old["id"] for old in live}] == [one["id"] for one in live]

    rig.start()
    rig.hub("back")
    wait_for("the buffer to drain", lambda: drained(rig), 60)
    received = bodies(rig.received())
    assert {one["id"]: one["body"] for one in kept}.items() <= received.items()
    judge(rig, breaks=2)


def test_what_was_refused_is_looked_at_tried_again_and_dropped(rig: Appliance) -> None:
    wait_for("data to flow", lambda: enough(rig, 2))
    rig.stop()
    asyncio.run(_refuse(rig.plant / "state" / "buffer"))
    rig.start()
    (listed, other) = messages(fieldgate("buffer", "quarantine", "list", rig.plant, "--json").stdout)
    assert (listed["identity"], listed["reason"]) == ("meter-mcc1", "larger than 256 KB")
    report = rig.status()
    assert report is not None
    assert report["buffer"]["quarantined"] == 2
    assert f"fieldgate buffer quarantine list {rig.plant}" in fieldgate("status", rig.plant, check=False).stdout
    shown = json.loads(fieldgate("buffer", "quarantine", "show", rig.plant, listed["id"]).stdout)
    assert shown["body"] == '{"again":true}'

    fieldgate("buffer", "quarantine", "retry", rig.plant, listed["id"])
    (arrived,) = wait_for("it to arrive", lambda: [one for one in rig.received() if one["body"] == {"again": True}])
    assert arrived["properties"]["retried"] == listed["id"]
    assert fieldgate("buffer", "quarantine", "drop", rig.plant, other["id"]).stdout == "1 message dropped\n"
    assert messages(fieldgate("buffer", "quarantine", "list", rig.plant, "--json").stdout) == []
    judge(rig, breaks=1)


async def _refuse(place: Path) -> None:
    quarantine = Quarantine(place)
    await quarantine.open()
    refused = [
        Stored("meter-mcc1", 0xBEEF, number, 10**18, "kind=telemetry", b'{"again":true}') for number in range(1, 3)
    ]
    await quarantine.put(refused, "larger than 256 KB")
    await quarantine.close()


def messages(text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(text)["messages"]
    return found
