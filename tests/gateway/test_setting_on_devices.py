"""Points of every kind are set on Modbus devices, ours and a foreign server, as a foreign client sees it."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from adapters.modbus import ADAPTER
from gateway.adapter import Session, Value
from gateway.audit import Audit, Caller
from gateway.before import Target
from gateway.mapping.refused import Wanted
from gateway.pace import Pace
from gateway.plant import Device as Described
from gateway.setting import Order, set_point
from tests.adapters.modbus.device import Device
from tests.gateway.machine import HELD, machine
from tests.gateway.setpoints import described


@asynccontextmanager
async def raw_device() -> AsyncIterator[int]:
    device = Device({7: machine()})
    await device.plug()
    yield device.port
    await device.unplug()


@asynccontextmanager
async def pymodbus_server() -> AsyncIterator[int]:
    logging.getLogger("pymodbus_internal").setLevel(logging.CRITICAL)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    words = dict.fromkeys(range(50), 0) | HELD
    registers = [SimData(0, values=list(words.values()), datatype=DataType.REGISTERS)]
    bits = [SimData(0, values=[False] * 16, datatype=DataType.BITS)]
    server = ModbusTcpServer([SimDevice(7, (bits, bits, registers, registers))], address=("127.0.0.1", port))
    await server.serve_forever(background=True)
    yield port
    await server.shutdown()  # type: ignore[no-untyped-call]  # pymodbus
    await asyncio.sleep(0)


async def _memory(port: int, at: int, count: int) -> list[int]:
    client = AsyncModbusTcpClient("127.0.0.1", port=port)
    await client.connect()
    answer = await client.read_holding_registers(at, count=count, device_id=7)
    client.close()
    return list(answer.registers)


async def _coil(port: int, at: int) -> bool:
    client = AsyncModbusTcpClient("127.0.0.1", port=port)
    await client.connect()
    answer = await client.read_coils(at, count=1, device_id=7)
    client.close()
    return answer.bits[0]


@pytest.mark.parametrize("server", [raw_device, pymodbus_server], ids=["raw", "pymodbus"])
async def test_points_of_every_kind_are_set_on_a_device(server: Any, tmp_path: Path) -> None:
    async with asyncio.timeout(20), server() as port:
        device = described(tmp_path, f"tcp://127.0.0.1:{port}")
        assert ADAPTER.connect is not None
        async with ADAPTER.connect([spec.point for spec in device.points]) as session:
            order = Order(Caller("a test"), Pace(tmp_path / "state"), Audit(tmp_path / "state"))
            told = [await _set(session, device, order, name, wanted) for name, wanted in WANTED]
        assert told == TOLD
        assert await _memory(port, 10, 1) == [1]
        assert await _memory(port, 12, 2) == [0x0000, 0x41CC], "25.5 is 41cc0000, its registers swapped"
        assert await _memory(port, 21, 2) == [0x1294, 500], "the other bits of the register stay"
        assert await _memory(port, 30, 1) == [0xFFE7]
        assert await _coil(port, 3) is True


WANTED: Sequence[tuple[str, Wanted]] = (
    ("relay", True),
    ("mode", "slow"),
    ("setpoint", Decimal("25.5")),
    ("step", 9),
    ("speed", Decimal("50.0")),
    ("speed", Decimal("0")),
    ("speed", Decimal("50.0")),
    ("limit", -2500),
)
TOLD = [
    (False, True),
    ("fast", "slow"),
    (20.0, 25.5),
    (3, 9),
    (20.0, 50.0),
    (50.0, 0.0),
    (0.0, 50.0),
    (1500, -2500),
]


async def _set(session: Session, device: Described, order: Order, name: str, wanted: Wanted) -> tuple[Value, Value]:
    done = await set_point(Target(session, device), name, wanted, order)
    return done.old, done.new
