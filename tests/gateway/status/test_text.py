"""Why there is no data, since when, and what to do: as an operator reads it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.status.text import duration, lines, size

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


def entry(name: str, **more: Any) -> dict[str, Any]:
    plain = {"name": name, "state": "flowing", "since": "2026-11-24T11:58:00.000Z", "reason": "", "remedy": ""}
    return plain | {"counters": {}} | more


def buffer_entry(**more: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {"messages": 0, "bytes": 20_480, "quota_bytes": 10_000_000_000, "oldest": None}
    plain |= {"dropped": {}, "classes": {}, "full": {}, "parked": {}, "quarantined": 0}
    return entry("buffer", **(plain | more))


def report(**more: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "gateway": "tampere-gw1",
        "plant": "/etc/plant",
        "pid": 4711,
        "since": "2026-11-24T09:00:00.000Z",
        "parts": 4,
        "stopped": 0,
        "lines": [entry("tcp://10.20.0.15:502")],
        "devices": [entry("meter-mcc1", counters={"accepted": 120, "bad_values": 0})],
        "upstream_name": "hub (contoso.azure-devices.net:8883)",
        "upstream": [entry("meter-mcc1", waiting=0)],
        "buffer": buffer_entry(),
    }
    return plain | more


def test_says_first_whether_data_flows() -> None:
    assert lines(report(), NOW)[0] == "tampere-gw1: data flows; running for 3 h 0 min (pid 4711)"


def test_names_the_part_the_reason_the_time_and_the_remedy() -> None:
    stopped = entry(
        "meter-mcc1", state="stopped", reason="the hub refused this device", remedy="register it", waiting=37
    )
    page = "\n".join(lines(report(stopped=1, upstream=[stopped]), NOW))
    assert page.startswith("tampere-gw1: 1 of 4 parts stopped")
    assert "STOP meter-mcc1  stopped for 2 min; 37 messages wait on disk" in page
    assert "why:  the hub refused this device" in page
    assert "do:   register it" in page


def test_counts_only_what_happened() -> None:
    page = "\n".join(lines(report(), NOW))
    assert "120 accepted" in page
    assert "bad values" not in page


def test_names_points_without_value() -> None:
    device = entry("meter-mcc1", bad=["power", "energy_import"])
    assert "2 points without value: power, energy_import" in "\n".join(lines(report(devices=[device]), NOW))


def test_a_point_without_value_is_told_with_its_reason_and_in_the_singular() -> None:
    why = {"power": "exception 2: illegal data address"}
    device = entry("meter-mcc1", bad=["power"], bad_reasons=why)
    page = "\n".join(lines(report(devices=[device]), NOW))
    assert "1 point without value: power (exception 2: illegal data address)" in page


def test_tells_losses_and_the_age_of_the_oldest() -> None:
    buffer = buffer_entry(
        messages=12,
        bytes=1_250_000,
        quota_bytes=20_000_000_000,
        oldest="2026-11-24T11:00:00.000Z",
        dropped={"quota": 5},
    )
    page = "\n".join(lines(report(buffer=buffer), NOW))
    assert "12 messages wait, 1.2 MB of 20.0 GB, the oldest is 1 h 0 min old" in page
    assert "lost: 5 messages dropped (quota)" in page
    assert "do:   bring the upstream back, or raise buffer: quota: in gateway.yaml" in page


@pytest.mark.parametrize(
    ("reason", "what", "remedy"),
    [
        ("thinned", "left out to save room", "raise buffer: quota:"),
        ("expired", "older than they may become", "raise buffer: keep:"),
        ("damaged", "that could not be read", "check the disk"),
    ],
)
def test_each_loss_has_its_remedy(reason: str, what: str, remedy: str) -> None:
    page = lines(report(buffer=buffer_entry(dropped={reason: 7})), NOW)
    assert page[-2].startswith(f"       lost: 7 messages {what}")
    assert remedy in page[-1]


def test_tells_alarms_that_wait_and_what_is_aside() -> None:
    buffer = buffer_entry(
        messages=12,
        classes={"alarm": 2, "telemetry": 10, "bulk": 0},
        parked={"meter-1": "refused"},
        quarantined=3,
    )
    page = "\n".join(lines(report(buffer=buffer), NOW))
    assert "12 messages wait (2 alarm), 20.5 kB" in page
    assert "aside: 1 identity is parked" in page
    assert "kept: 3 messages that the hub will never take, in the quarantine" in page
    assert "do:   fieldgate buffer quarantine list /etc/plant" in page


def test_tells_a_class_that_is_full_once() -> None:
    told = "\n".join(lines(report(buffer=buffer_entry(full={"bulk": "quota", "telemetry": "disk"})), NOW))
    assert "full: no bulk is taken, the quota is at its end" in told
    assert "do:   free space on the disk of the state directory" in told
    stopped = {"state": "stopped", "reason": "the disk is full", "remedy": "free space"}
    full = {"telemetry": "disk", "bulk": "disk", "alarm": "quota"}
    told = "\n".join(lines(report(buffer=buffer_entry(full=full) | stopped), NOW))
    assert [line.strip() for line in told.splitlines() if "is taken" in line] == [
        "full: no alarm is taken, the quota is at its end"
    ]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59.9, "59 s"), (60, "1 min"), (3660, "1 h 1 min"), (187_200, "2 d 4 h"), (-5, "0 s")],
)
def test_duration(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"), [(812, "812 B"), (1250, "1.2 kB"), (3.5e12, "3.5 TB"), (2e16, "20000.0 TB")]
)
def test_size(count: float, words: str) -> None:
    assert size(count) == words


def test_says_at_the_end_whether_devices_are_recorded() -> None:
    assert "record" not in lines(report(), NOW)
    recorded = entry("devices", state="stopped", reason="no room", remedy="free some", counters={"not_recorded": 3})
    assert lines(report(record=[recorded]), NOW)[-4:] == [
        "record",
        "  STOP devices  stopped for 2 min; 3 not recorded",
        "       why:  no room",
        "       do:   free some",
    ]
