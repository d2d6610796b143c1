"""A backlog of hours on the disk: what of it is lost and told, what goes first, what the hub never takes."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.buffer import BufferSettings
from gateway.buffer.store import open_buffer
from gateway.model import Message
from tests.journeys.rig import Appliance, fieldgate, wait_for
from tests.journeys.test_trouble import buffer_state, log_lines
from tests.journeys.test_way import drained, enough, sequence

pytestmark = pytest.mark.slow

MCC1 = "meter-mcc1"


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Appliance]:
    """Meters and a hub that run, and a gateway that does not run yet."""
    made = Appliance(tmp_path)
    try:
        made.set_up()
        made.start_simulators()
        yield made
    finally:
        made.close()


def settings(rig: Appliance, text: str) -> None:
    """Another ``buffer:`` in gateway.yaml."""
    path = rig.plant / "gateway.yaml"
    lines = [f"buffer: {{{text}}}" if line.startswith("buffer:") else line for line in path.read_text().splitlines()]
    path.write_text("\n".join(lines) + "\n")


def fill(rig: Appliance, count: int, size: int, hours: float = 1.0) -> None:
    """So many scans of one meter wait from the last hours, which no gateway has sent."""
    now_ns, step_ns = time.time_ns(), int(hours * 3600e9 / count)
    noise = random.Random(1)
    bodies = [json.dumps({"old": number, "noise": noise.randbytes(size // 2).hex()}) for number in range(count)]
    scans = [
        Message(MCC1, now_ns - (count - number) * step_ns, "kind=telemetry", body.encode())
        for number, body in enumerate(bodies)
    ]
    asyncio.run(_append(rig.plant / "state" / "buffer", scans))


async def _append(place: Path, messages: list[Message]) -> None:
    async with open_buffer(place, BufferSettings(1_000_000_000)) as buffer:
        for begin in range(0, len(messages), 50):
            await buffer.append(messages[begin : begin + 50])


def facts(rig: Appliance) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(fieldgate("buffer", rig.plant, "--json").stdout)
    return found


def events(rig: Appliance) -> list[dict[str, Any]]:
    return [one["body"] for one in rig.received() if one["properties"].get("event") == "data-gap"]


def telemetry(rig: Appliance, device: str) -> list[dict[str, Any]]:
    return [one for one in rig.received() if one["device"] == device and one["properties"]["kind"] == "telemetry"]


def test_what_the_quota_drops_is_shown_to_the_operator_and_told_upstream_once(rig: Appliance) -> None:
    fill(rig, 1500, 24_000)
    settings(rig, "quota: 17 MB, on_full: {telemetry: drop-oldest}")
    rig.hub("away")
    rig.start()
    (loss,) = wait_for("the quota to drop", lambda: facts(rig)["lost"])
    assert (loss["reason"], loss["class"], loss["identities"]) == ("quota", "telemetry", 1)
    assert "dropped (quota)" in fieldgate("status", rig.plant, check=False).stdout
    assert facts(rig)["bytes"] <= 17_000_000 * 1.1
    rig.kill()
    rig.start()
    rig.hub("back")
    wait_for("the event", lambda: events(rig), 60)
    wait_for("the buffer to drain", lambda: drained(rig), 60)
    time.sleep(12)  # more than the time between two events
    (lost,) = facts(rig)["lost"]
    (told,) = events(rig)
    assert (told["reason"], told["messages"], told["first"]) == ("quota", lost["messages"], 1)
    assert (told["from"], told["to"]) == (lost["from"], lost["to"])
    numbers = sorted({sequence(one) for one in telemetry(rig, MCC1)})
    assert numbers == list(range(told["last"] + 1, numbers[-1] + 1)), "what was not dropped has arrived"
    assert numbers[-1] > 1500


def test_with_live_first_what_is_new_overtakes_the_backlog_and_each_keeps_its_order(rig: Appliance) -> None:
    fill(rig, 1000, 200)
    settings(rig, "quota: 2 GB, order: live-first")
    rig.hub("puback_delay", seconds=0.1)
    rig.start()
    wait_for("all to arrive", lambda: len({sequence(one) for one in telemetry(rig, MCC1)}) >= 1010, 90)
    numbers = list(dict.fromkeys(sequence(one) for one in telemetry(rig, MCC1)))
    old, new = ([one for one in numbers if (one <= 1000) is wanted] for wanted in (True, False))
    assert old == list(range(1, 1001))
    assert new == list(range(1001, 1001 + len(new)))
    overtakers = [one for one in new if numbers.index(one) < numbers.index(1000)]
    assert len(overtakers) >= 3, "new scans arrive while the backlog drains"


def test_a_disk_with_less_free_than_shall_stay_so_is_explained_and_goes_on_when_that_is_lowered(rig: Appliance) -> None:
    settings(rig, "quota: 2 GB, min_free: 900 TB")
    rig.start()
    wait_for("the polling to wait", lambda: buffer_state(rig, "stopped"))
    page = fieldgate("status", rig.plant, check=False).stdout
    assert "of the disk are free, and 900.0 TB shall stay free (buffer: min_free): polling waits" in page
    assert "or lower buffer: min_free: in gateway.yaml and reload" in page
    assert "no room is left: polling waits" in fieldgate("buffer", rig.plant).stdout
    assert "but 900.0 TB shall stay free (buffer: min_free)" in fieldgate("buffer", rig.plant).stdout
    assert len(log_lines(rig, "nothing but alarms is stored; free some space, or lower min_free")) == 1
    rig.stop()
    settings(rig, "quota: 2 GB, min_free: 1 MB")
    rig.start()
    wait_for("data to flow", lambda: enough(rig, 2))
    assert buffer_state(rig, "flowing")


def quarantined(rig: Appliance) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(fieldgate("buffer", "quarantine", "list", rig.plant, "--json").stdout)[
        "messages"
    ]
    return found


def test_what_the_hub_never_takes_is_kept_tried_again_exported_and_dropped(rig: Appliance) -> None:
    fill(rig, 3, 300_000)
    rig.start()
    first, second, third = wait_for(
        "three to be put aside", lambda: three if len(three := quarantined(rig)) == 3 else None
    )
    assert "and the hub takes 262144" in first["reason"]
    wait_for("those behind them to arrive", lambda: enough(rig, 2))
    judge_quarantine(rig, [first["id"], second["id"], third["id"]])

    fieldgate("buffer", "quarantine", "retry", rig.plant, first["id"])
    known = {second["id"], third["id"]}
    again = wait_for("it to be refused again", lambda: [one for one in quarantined(rig) if one["id"] not in known])
    assert again[0]["id"] != first["id"]
    assert again[0]["properties"].endswith(f"&retried={first['id']}")
    assert fieldgate("buffer", "quarantine", "drop", rig.plant, again[0]["id"]).stdout == "1 message dropped\n"

    rig.stop()
    judge_quarantine(rig, [second["id"], third["id"]])
    assert fieldgate("buffer", "quarantine", "drop", rig.plant, second["id"]).stdout == "1 message dropped\n"
    fieldgate("buffer", "quarantine", "retry", rig.plant, "--all")
    assert quarantined(rig) == []
    (waits,) = [json.loads(line) for line in fieldgate("buffer", "export", rig.plant).stdout.splitlines()]
    assert waits["properties"].endswith(f"retried={third['id']}")
    rig.start()
    wait_for("it to be refused once more", lambda: len(quarantined(rig)) == 1)


def judge_quarantine(rig: Appliance, ids: list[str]) -> None:
    """Listed, shown and exported, as text and for programs."""
    page = fieldgate("buffer", "quarantine", "list", rig.plant).stdout
    assert [line.split()[0] for line in page.splitlines() if line.startswith(MCC1)] == ids
    exported = [json.loads(line) for line in fieldgate("buffer", "quarantine", "export", rig.plant).stdout.splitlines()]
    shown = json.loads(fieldgate("buffer", "quarantine", "show", rig.plant, ids[-1]).stdout)
    assert [one["id"] for one in exported] == ids
    assert shown == exported[-1]
    assert json.loads(shown["body"])["old"] == 2
    assert facts(rig)["quarantined"] == len(ids)


def test_a_second_process_is_refused_by_the_name_of_the_first(rig: Appliance) -> None:
    rig.start()
    wait_for("data to flow", lambda: enough(rig, 1))
    assert rig.process is not None
    began = (rig.status() or {})["since"]
    first = f'in use by gateway "tampere-gw1": fieldgate run, pid {rig.process.pid}, plant {rig.plant}, since {began}'
    second = fieldgate("run", rig.plant, check=False)
    assert second.returncode == 1
    assert first in second.stderr
    assert "hint: stop that one, or give this one another state:" in second.stderr
    assert "Traceback" not in second.stderr

    rig.process.send_signal(signal.SIGSTOP)  # it holds the directory and answers nobody
    try:
        told = fieldgate("buffer", rig.plant, check=False)
        assert (told.returncode, first in told.stderr) == (1, True)
        told = fieldgate("buffer", "quarantine", "drop", rig.plant, "--all", check=False)
        assert (told.returncode, first in told.stderr) == (1, True)
    finally:
        rig.process.send_signal(signal.SIGCONT)
    before = len(rig.received())
    wait_for("the first to go on", lambda: len(rig.received()) > before + 2)


def test_a_gateway_that_starts_while_a_command_has_the_directory_is_told_which(rig: Appliance) -> None:
    fill(rig, 1, 100)
    script = (
        "import sys, time, pathlib, os\n"
        "from gateway.status.lock import Holder, held\n"
        "me = Holder('gw-1', os.getpid(), 'p', '2026-11-25T10:00:00.000Z', 'fieldgate buffer quarantine retry')\n"
        "with held(pathlib.Path(sys.argv[1]), me):\n"
        "    print('held', flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(rig.plant / "state")], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        told = fieldgate("run", rig.plant, check=False)
        holder.kill()
    assert told.returncode == 1
    assert f": fieldgate buffer quarantine retry, pid {holder.pid}, plant p, since 2026-11-25T10" in told.stderr
