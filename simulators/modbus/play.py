"""Moving the values of simulated devices on a fixed tick, and recording what their registers then hold."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Container, Sequence
from typing import BinaryIO

import msgspec

from simulators.modbus.meaning import meaning
from simulators.modbus.memory import Memory
from simulators.modbus.points import Device, Raw
from simulators.modbus.raw import BEGINNING, raws


def entry(device: Device, held: Sequence[Raw], at_ns: int, without: Container[int] = ()) -> bytes:
    """One line of the record: what a correct client publishes from now on; ``without``: points by index."""
    by_name = {point.name: raw for point, raw in zip(device.points, held, strict=True)}
    values = {}
    for index, (point, raw) in enumerate(zip(device.points, held, strict=True)):
        power = by_name[point.scale_from] if point.scale_from is not None else 0
        if index not in without and isinstance(power, int):
            values[point.name] = meaning(point, raw, power)
    return msgspec.json.encode({"at_ns": at_ns, "device": device.name, "values": values}) + b"\n"


class Player:
    """Plays devices into their memories."""

    def __init__(self, units: Sequence[tuple[Device, Memory]], tick_s: float, record: BinaryIO | None) -> None:
        self._units = units
        self._tick_s = tick_s
        self._record = record
        # The wall clock says where the counters stand, the other one how they go on: it is never set back.
        self._ahead_s = time.time() - BEGINNING.timestamp() - time.monotonic()

    def step(self) -> None:
        """Show the values of this moment; each device's change all at once."""
        t_s = time.monotonic() + self._ahead_s
        for device, memory in self._units:
            held = raws(device, t_s)
            memory.show(held)
            if self._record is not None:
                self._record.write(entry(device, held, time.time_ns(), memory.covered | memory.written))
        if self._record is not None:
            self._record.flush()

    async def run(self) -> None:
        """Step on every tick; a late step moves no other."""
        clock = asyncio.get_running_loop().time
        due = clock()
        while True:
            due += self._tick_s
            await asyncio.sleep(max(0.0, due - clock()))
            self.step()
