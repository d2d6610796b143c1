"""Recorded scans read with two mappings: what differs, and which messages put it right."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gateway.model import GOOD, Message
from gateway.plant import Device
from gateway.record import ring
from gateway.record.frames import Damaged, Scan
from gateway.record.replay import Moment, Replay, Shown, run
from tests.gateway.field import PROFILE
from tests.gateway.record.making import (
    FAST,
    MODBUS,
    SLOW,
    WRONG,
    at,
    described,
    fast,
    press,
    record,
    refused,
    scan,
    slow,
)

EVER = -(2**63), 2**63 - 1


def replayed(old: Device, new: Device, scans: Sequence[Scan], **more: Any) -> tuple[Replay, list[Message]]:
    made = Replay(new, MODBUS, **more)
    made.begin(old)
    return made, [message for one in scans for message in made.take(one)]


@pytest.fixture
def right(tmp_path: Path) -> Device:
    return press(tmp_path / "right")


@pytest.fixture
def wrong(tmp_path: Path) -> Device:
    return press(tmp_path / "wrong", WRONG)


def other(folder: Path, old: str, new: str, of: str = PROFILE) -> Device:
    assert old in of
    return press(folder / "other", of.replace(old, new))


def bodies(messages: Sequence[Message]) -> list[dict[str, Any]]:
    return [json.loads(message.body) for message in messages]


def differing(made: Replay) -> dict[str, int]:
    return {name: point.differ for name, point in made.points.items() if point.differ}


def test_the_same_mapping_differs_in_nothing(right: Device) -> None:
    made, messages = replayed(right, right, [fast(0), slow(0), refused(1), fast(2)])
    assert (differing(made), messages) == ({}, [])
    assert {name: point.scans for name, point in made.points.items()} == {
        "voltage": 3,
        "power": 3,
        "state": 3,
        "load": 3,
        "energy": 1,
    }
    assert (made.scans, made.first_ns, made.last_ns) == (4, at(0), at(2))


def test_a_wrong_order_is_put_right_and_nothing_else_is_told_again(wrong: Device, right: Device) -> None:
    made, messages = replayed(wrong, right, [fast(0), slow(0), fast(1, power=1530.25)], properties="&corrected=now")
    assert differing(made) == {"power": 2, "load": 2}
    assert [body["values"] for body in bodies(messages)] == [
        {"power": 1520.5, "load": 1.5205},
        {"power": 1530.25, "load": 1.53025},
    ]
    assert [message.created_ns for message in messages] == [at(0), at(1)]
    assert messages[0].properties == "profile=acme-pm1&kind=telemetry&corrected=now"
    power = made.points["power"]
    assert power.first is not None
    assert power.first.old is not None
    assert 2.529e-29 < float(str(power.first.old.value)) < 2.53e-29
    assert power.last == Moment(at(1), power.last.old if power.last else None, Shown(1530.25, "W", GOOD))
    assert (power.new.lowest, power.new.highest, power.new.unit) == (1520.5, 1530.25, "W")


def test_only_points_that_are_asked_for_are_told(wrong: Device, right: Device) -> None:
    made, messages = replayed(wrong, right, [fast(0)], only=["power"])
    assert list(made.points) == ["power"]
    assert bodies(messages)[0]["values"] == {"power": 1520.5}


def test_another_unit_is_another_value(right: Device, tmp_path: Path) -> None:
    made, messages = replayed(right, other(tmp_path, "unit: V}", "unit: kV}"), [fast(0)])
    assert differing(made) == {"voltage": 1}
    assert bodies(messages)[0]["units"] == {"voltage": "kV"}


def test_a_raw_value_that_means_none_takes_the_value_back(right: Device, tmp_path: Path) -> None:
    made, messages = replayed(
        right, other(tmp_path, "scale: 0.1,", "scale: 0.1, nan: [0xFFFF],"), [fast(0), fast(1, voltage=0xFFFF)]
    )
    assert differing(made) == {"voltage": 1}
    [body] = bodies(messages)
    assert body["values"] == {"voltage": None}
    assert body["quality"]["voltage"][0] == "bad"
    assert (made.points["voltage"].old.bad, made.points["voltage"].new.bad) == (0, 1)


def test_a_text_of_an_enum_and_a_doubt_are_put_right(right: Device, tmp_path: Path) -> None:
    made, messages = replayed(
        right, other(tmp_path, "1: running}", "1: running, 2: fault}"), [fast(0), fast(1, state=2)]
    )
    assert differing(made) == {"state": 1}
    assert [body["values"] for body in bodies(messages)] == [{"state": "fault"}]


def test_what_nobody_had_described_is_found_where_its_register_was_read_along(right: Device, tmp_path: Path) -> None:
    new = other(tmp_path, "  state:", "  high: {at: 1, unit: W}\n  beyond: {at: 9, unit: W}\n  state:")
    made, messages = replayed(right, new, [fast(0), slow(0), refused(1)])
    assert [body["values"] for body in bodies(messages)] == [{"high": 0x44BE}]
    assert "beyond" not in made.points
    high = made.points["high"]
    assert (high.scans, high.differ, high.unread) == (2, 2, 0), "of the refusal it is no news that there is none"


def test_registers_that_were_not_read_are_told(right: Device, tmp_path: Path) -> None:
    made, messages = replayed(right, other(tmp_path, "voltage: {at: 0", "voltage: {at: 7"), [fast(0), fast(1)])
    assert messages == []
    assert made.points["voltage"].unread == 2


def test_a_point_belongs_to_the_scans_that_it_was_read_in(right: Device, tmp_path: Path) -> None:
    """The energy's registers lie behind the others here, and come along with every fast scan."""
    along = scan(FAST, 0, ("input 0..5", fast(0).blocks[0].data + slow(0).blocks[0].data))
    new = other(tmp_path, "type: uint32, order: CDAB", "type: uint32")
    made, messages = replayed(right, new, [along])
    assert (made.points.keys() & {"energy"}, messages) == (set(), [])
    made, messages = replayed(right, new, [slow(60)])
    assert bodies(messages)[0]["values"] == {"energy": 0x11700001}


def test_a_deadband_holds_no_correction_back(wrong: Device, tmp_path: Path) -> None:
    new = other(tmp_path, "type: float32", "type: float32, deadband: 100 W")
    _, messages = replayed(wrong, new, [fast(second) for second in range(3)], only=["power"])
    assert [body["values"] for body in bodies(messages)] == [{"power": 1520.5}] * 3


def test_what_is_published_only_sometimes_is_not_called_back(right: Device, tmp_path: Path) -> None:
    new = other(tmp_path, "unit: V}", "unit: V, when: state == 'running'}")
    made, messages = replayed(right, new, [fast(0), fast(1, state=0)])
    assert messages == []
    voltage = made.points["voltage"]
    assert (voltage.differ, voltage.last and voltage.last.new) == (1, None)


def test_a_rollover_is_counted_within_the_record(tmp_path: Path, right: Device) -> None:
    text = PROFILE.replace("  energy:", "  turns: {at: 0, kind: counter, rollover: 65536}\n  energy:")
    text = text.replace("voltage: {at: 0, type: uint16, scale: 0.1, unit: V}", "voltage: {at: 3, unit: V}")
    old = press(tmp_path / "old", text.replace("rollover: 65536", "rollover: 65536, scale: 10"))
    scans = [fast(second, voltage=raw)._replace(positions=(3,)) for second, raw in enumerate((65_000, 200))]
    _, messages = replayed(old, press(tmp_path / "new", text), scans, only=["turns"])
    assert [body["values"] for body in bodies(messages)] == [{"turns": 65_000}, {"turns": 65_736}]


def test_true_is_not_1(right: Device, tmp_path: Path) -> None:
    plain = press(tmp_path / "plain", PROFILE.replace("state: {at: 3, enum: {0: off, 1: running}}", "state: {at: 3}"))
    flag = press(
        tmp_path / "flag", PROFILE.replace("state: {at: 3, enum: {0: off, 1: running}}", "state: {at: 3, type: bool}")
    )
    _, messages = replayed(plain, flag, [fast(0)])
    assert bodies(messages)[0]["values"] == {"state": True}


def from_files(
    state: Path, new: Device, mapping: dict[str, Device], since_ns: int = EVER[0], until_ns: int = EVER[1]
) -> tuple[Replay, list[Message | Damaged]]:
    made = Replay(new, MODBUS)
    files = ring.files(state / "record", "press-7")
    return made, list(run(files, "press-7", since_ns, until_ns, mapping.__getitem__, made))


def test_the_time_that_was_asked_for_is_taken(tmp_path: Path, wrong: Device, right: Device) -> None:
    packed = record(tmp_path, described(tmp_path / "plant", WRONG), [fast(60 * n) for n in range(180)])
    made, messages = from_files(tmp_path, right, {packed.id: wrong}, at(3600), at(7200))
    assert (made.scans, made.first_ns, made.last_ns) == (61, at(3600), at(7200))
    assert len(messages) == 61


def test_what_a_scan_needs_of_others_is_there_though_it_was_read_long_before(tmp_path: Path) -> None:
    """A scale factor that is read once, when the link is opened; the file that holds that is gone."""
    text = PROFILE.replace(
        "scale: 0.1, unit: V}", "scale_from: factor, unit: V}\n  factor: {at: 4, type: int16, every: start}"
    )
    once = scan((1,), 0, ("input 4", (0xFFFF).to_bytes(2, "big")))
    seconds = [n * 1200.0 for n in range(12)]
    made_scans = [once, *(fast(second)._replace(positions=(0, 2, 3)) for second in seconds)]
    packed = record(tmp_path, described(tmp_path / "plant", text), made_scans)
    files = ring.files(tmp_path / "record", "press-7")
    for file in files[:2]:
        file.path.unlink()
    old = press(tmp_path / "old", text)
    new = press(tmp_path / "new", text.replace("unit: V}", "unit: V, offset: 1}"))
    made, messages = from_files(tmp_path, new, {packed.id: old}, at(7500))
    assert [json.loads(message.body)["values"] for message in messages if isinstance(message, Message)] == [
        {"voltage": 231.2}
    ] * 5
    assert made.scans == 5
    assert "factor" not in made.points, "what was repeated is not counted"


def test_each_scan_is_compared_with_the_mapping_of_its_time(tmp_path: Path, wrong: Device, right: Device) -> None:
    first = record(tmp_path, described(tmp_path / "a", WRONG), [fast(0), fast(1)])
    second = record(tmp_path, described(tmp_path / "b"), [fast(2), slow(2)])
    made, messages = from_files(tmp_path, right, {first.id: wrong, second.id: right})
    assert (made.mappings, made.scans, len(messages)) == (2, 4, 2)
    assert differing(made) == {"power": 2, "load": 2}


def test_what_is_damaged_is_told_and_the_rest_is_read(tmp_path: Path, wrong: Device, right: Device) -> None:
    packed = record(tmp_path, described(tmp_path / "plant", WRONG), [fast(0), fast(1), fast(2)])
    path = ring.files(tmp_path / "record", "press-7")[0].path
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    made, told = from_files(tmp_path, right, {packed.id: wrong})
    assert [type(one) for one in told] == [Message, Damaged, Message]
    assert made.scans == 2


def test_positions_of_the_scans_are_those_of_the_profile(right: Device) -> None:
    names = [spec.point.name for spec in right.points]
    assert [[names[n] for n in positions] for positions in (FAST, SLOW)] == [["voltage", "power", "state"], ["energy"]]


def test_what_is_repeated_at_the_begin_of_a_file_moves_no_counter(tmp_path: Path) -> None:
    """Two kinds of scans hold it, and the older one, with the value before the rollover, is repeated as well."""
    text = PROFILE.replace("voltage: {at: 0, type: uint16, scale: 0.1, unit: V}", "voltage: {at: 3, unit: V}")
    text = text.replace("  energy:", "  turns: {at: 0, kind: counter, rollover: 65536}\n  energy:")
    old = text.replace("rollover: 65536", "rollover: 65536, scale: 10")
    raws = [((0, 3), 0, 65_000), ((3,), 10, 200), ((3,), 3600, 201)]
    made_scans = [fast(second, voltage=raw)._replace(positions=positions) for positions, second, raw in raws]
    packed = record(tmp_path, described(tmp_path / "plant", old), made_scans)
    _, messages = from_files(tmp_path, press(tmp_path / "new", text), {packed.id: press(tmp_path / "old", old)})
    assert [json.loads(one.body)["values"]["turns"] for one in messages if isinstance(one, Message)] == [
        *(65_000, 65_536 + 200, 65_536 + 201)
    ]
