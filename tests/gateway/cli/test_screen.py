"""What the demo shows, from one look at gateway and hub."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from gateway.cli.screen import Facts, plain, screen, shown, totals


def facts(**upstream: Any) -> Facts:
    health = {"state": "flowing", "since": "2026-11-24T10:00:00.000Z", "reason": "", "remedy": "", "counters": {}}
    device = health | {"name": "meter-mcc1", "identity": "meter-mcc1", "profile": "abb-b-series", "asset": "acme/mcc1"}
    buffer = health | {"messages": 7, "bytes": 50_000, "quota_bytes": 10_000_000_000, "dropped": {}}
    status = {
        "gateway": "demo",
        "stopped": 0,
        "parts": 4,
        "devices": [device],
        "upstream": [health | {"name": "meter-mcc1", "waiting": 7} | upstream],
        "buffer": buffer,
    }
    values: dict[str, list[dict[str, Any]]] = {
        "meter-mcc1": [
            {"name": "voltage_l1", "value": 230.2, "unit": "V", "quality": "good", "reason": "", "at": ""},
            {"name": "power", "value": None, "unit": "W", "quality": "bad", "reason": "timeout", "at": ""},
        ]
    }
    counts = {"unique": 42, "duplicates": 3, "out_of_order": 0, "missing": 0}
    return Facts(status, values, {"listening": True, "devices": {"meter-mcc1": counts}}, ["Ctrl-C ends the demo"])


def rendered(given: Facts) -> str:
    console = Console(file=io.StringIO(), width=120)
    console.print(screen(given))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_shows_identity_values_units_quality_and_counts() -> None:
    text = rendered(facts())
    for part in ("meter-mcc1", "abb-b-series", "voltage_l1", "230.2", "V", "BAD timeout", "acknowledged 42"):
        assert part in text
    assert "waiting on disk 7" in text
    assert "Ctrl-C ends the demo" in text


def test_shows_why_nothing_goes_up() -> None:
    assert "connection refused" in rendered(facts(state="stopped", reason="connection refused"))


def test_plain_lines_tell_the_same() -> None:
    text = "\n".join(plain(facts()))
    assert "meter-mcc1: voltage_l1 230.2 V" in text
    assert "7 wait" in text


def test_totals_count_losses_from_both_sides() -> None:
    given = facts()
    given.hub["devices"]["meter-mcc1"]["missing"] = 2
    given.status["buffer"]["dropped"] = {"quota": 3}
    assert totals(given)[0] == "hub there: 42 messages acknowledged, 5 lost, 0 out of order, 3 repeated"


@pytest.mark.parametrize(
    ("value", "text"), [(None, "-"), (230.2, "230.2"), (1e-9, "0"), (5, "5"), (True, "True"), (50.0, "50"), ("x", "x")]
)
def test_values_as_people_read_them(value: object, text: str) -> None:
    assert shown(value) == text
