"""Values on a tick, and the record of them."""

from __future__ import annotations

import asyncio
import io
import json
import time
from fractions import Fraction

import pytest

from simulators.modbus.endpoint import tcp
from simulators.modbus.memory import Memory
from simulators.modbus.play import Player, entry
from simulators.modbus.points import Address, Device, Point
from simulators.modbus.raw import BEGINNING, raws

DEVICE = Device(
    "meter-1",
    tcp("127.0.0.1", 502),
    1,
    (
        Point("voltage_l1", Address(0, "holding", "uint32"), "V", Fraction(1, 10)),
        Point("frequency", Address(2, "holding", "float32"), "Hz"),
        Point("on", Address(0, "coil", "bool")),
    ),
)


def test_a_line_of_the_record_holds_what_a_client_must_publish() -> None:
    assert json.loads(entry(DEVICE, [2302, 50.0, True], 7)) == {
        "at_ns": 7,
        "device": "meter-1",
        "values": {"voltage_l1": 230.2, "frequency": 50.0, "on": True},
    }


def test_raw_values_are_a_function_of_time() -> None:
    assert raws(DEVICE, 100.0) == raws(DEVICE, 100.0)
    assert raws(DEVICE, 100.0) != raws(DEVICE, 130.0)


def test_every_step_shows_and_records_the_same() -> None:
    memory, record = Memory(DEVICE.points), io.BytesIO()
    Player([(DEVICE, memory)], 0.5, record).step()
    line = json.loads(record.getvalue())
    held = memory.read("holding", 0, 2)
    assert held is not None
    assert (held[0] << 16 | held[1]) / 10 == line["values"]["voltage_l1"]
    assert memory.read("coil", 0, 1) == [int(line["values"]["on"])]
    assert abs(line["at_ns"] - time.time_ns()) < 1e9


def test_counters_go_on_where_the_wall_clock_says() -> None:
    counter = Device("m", tcp("h", 1), 1, (Point("energy", Address(0, "holding", "float64"), "Wh", kind="counter"),))
    record = io.BytesIO()
    Player([(counter, Memory(counter.points))], 0.5, record).step()
    now = json.loads(record.getvalue())["values"]["energy"]
    (expected,) = raws(counter, time.time() - BEGINNING.timestamp())
    assert isinstance(expected, float)
    assert now == pytest.approx(expected, abs=10)


def test_a_scale_factor_counts_as_its_register_says() -> None:
    points = (Point("volts", Address(0, type="int16"), "V", scale_from="v_sf"), Point("v_sf", Address(1, type="int16")))
    line = json.loads(entry(Device("m", tcp("h", 1), 1, points), [2302, -1], 7))
    assert line["values"] == {"volts": 230.2, "v_sf": -1}


def test_points_that_lie_on_others_are_not_recorded() -> None:
    points = (Point("word", Address(0), flags={0: "hot"}), Point("hot", Address(0, type="bool", bits=(0, 0))))
    device, record = Device("m", tcp("h", 1), 1, points), io.BytesIO()
    Player([(device, Memory(points))], 0.5, record).step()
    assert list(json.loads(record.getvalue())["values"]) == ["word"]


async def test_steps_on_its_tick() -> None:
    record = io.BytesIO()
    playing = asyncio.create_task(Player([(DEVICE, Memory(DEVICE.points))], 0.02, record).run())
    async with asyncio.timeout(5):
        while record.getvalue().count(b"\n") < 10:
            await asyncio.sleep(0.01)
    playing.cancel()
    times = [json.loads(line)["at_ns"] for line in record.getvalue().splitlines()]
    assert times[9] - times[0] >= 0.02 * 8 * 1e9
