"""Looking at a device once: raw words, other orders, and what would be published."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import look, plugins
from gateway.adapter import Candidate
from gateway.model import GOOD, NOT_A_NUMBER, Quality, RawBlock, Status
from gateway.plant import Device as PlantDevice
from gateway.plant import read
from gateway.vault import Vault
from tests.adapters.modbus.device import Device
from tests.gateway.field import PROFILE, field, plant

ADAPTERS = plugins.find().adapters
MODBUS = ADAPTERS["modbus"]


@pytest.fixture
def served() -> Iterator[Device]:
    with field() as device:
        yield device


def device_in(folder: Path) -> PlantDevice:
    return read(folder, ADAPTERS).devices[0]


def seen(folder: Path) -> dict[str, look.Seen]:
    device = device_in(folder)
    found = asyncio.run(look.blocks([device], MODBUS, Vault(folder)))
    return {row.name: row for row in look.seen(device, MODBUS, found)}


def test_shows_words_value_and_derived_points(served: Device, tmp_path: Path) -> None:
    rows = seen(plant(tmp_path, served.endpoint))
    assert list(rows) == ["voltage", "power", "state", "energy", "load"]
    assert [(row.raw, row.value, row.unit) for row in rows.values()] == [
        ("08fe", 230.2, "V"),
        ("44be 1000", 1520.5, "W"),
        ("0001", "running", ""),
        ("1170 0001", 70000, "kWh"),
        ("", 1.5205, "kW"),
    ]
    assert all(row.status is GOOD for row in rows.values())
    assert len(served.requests) == 2  # one for each rate, and nothing twice


def test_a_wrong_order_is_seen_at_once_with_the_right_one_beside_it(served: Device, tmp_path: Path) -> None:
    wrong = PROFILE.replace("power: {at: 1, type: float32", "power: {at: 1, type: float32, order: CDAB")
    row = seen(plant(tmp_path, served.endpoint, wrong))["power"]
    assert row.candidates[0].setting == "order: CDAB"
    assert dict(row.candidates)["order: ABCD"] == 1520.5
    assert row.doubt == "T03: order? power reads 2.529651e-29; with ABCD it would be 1520.5"


def test_other_orders_are_scaled_as_the_point_is_and_other_types_are_not(served: Device, tmp_path: Path) -> None:
    candidates = dict(seen(plant(tmp_path, served.endpoint))["voltage"].candidates)
    assert candidates["order: ABCD"] == 230.2
    assert candidates["order: BADC"] == 6503.2  # 0xFE08 times 0.1
    assert candidates["type: int16, order: ABCD"] == 2302


def test_an_exception_is_said_in_its_words(served: Device, tmp_path: Path) -> None:
    served.units[7].refuses = 2
    rows = seen(plant(tmp_path, served.endpoint))
    assert {row.status.reason for name, row in rows.items() if name != "load"} == {"exception 2: illegal data address"}
    assert rows["load"].status.reason == "power: exception 2: illegal data address"


def test_a_device_that_is_not_there_is_said_with_what_to_do(tmp_path: Path) -> None:
    device = device_in(plant(tmp_path, "tcp://127.0.0.1:1"))
    with pytest.raises(look.Missed, match="connection refused") as missed:
        asyncio.run(look.blocks([device], MODBUS, Vault(tmp_path)))
    assert "nobody listens" in missed.value.remedy


def test_blocks_of_another_device_are_not_taken_for_its_own(tmp_path: Path) -> None:
    device = device_in(plant(tmp_path, "tcp://127.0.0.1:1"))
    other = [RawBlock("press-8", "input 0", bytes(12), 5)]
    assert look.published(device, MODBUS, other) == {}
    assert {row.status.reason for row in look.seen(device, MODBUS, other)} == {"not read"}


@pytest.mark.parametrize(
    ("value", "others", "doubt"),
    [
        (4.17e-08, [230.2], "T03: order? power reads 4.17e-08; with CDAB it would be 230.2"),
        (None, [230.2], "T03: order? power reads nothing; with CDAB it would be 230.2"),
        (230.2, [4.17e-08], ""),
        (0.0, [230.2], ""),  # a machine that stands still
        (4.17e-08, [5e-20], ""),  # the others are no better
    ],
)
def test_only_a_number_that_can_hardly_be_meant_is_doubted(
    value: float | None, others: list[float], doubt: str
) -> None:
    candidates = [Candidate("order: ABCD", value), *(Candidate("order: CDAB", other) for other in others)]
    status = GOOD if value is not None else NOT_A_NUMBER
    assert look.doubt("power", value, status, candidates) == doubt


def test_what_the_mapping_calls_no_value_is_no_wrong_order() -> None:
    candidates = [Candidate("order: ABCD", None), Candidate("order: BADC", 12.8)]
    assert look.doubt("t", None, Status(Quality.BAD, "no value (nan 0x8000)"), candidates) == ""
