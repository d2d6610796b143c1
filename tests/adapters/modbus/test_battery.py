"""The battery of all adapters, on a raw asyncio device and on pymodbus' server as a foreign peer."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import AsyncIterator
from typing import ClassVar

import pytest
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from adapters.modbus import ADAPTER
from adapters.modbus.settings import Address, Connect
from gateway.adapter import Point, Value
from tests.adapters import battery
from tests.adapters.modbus.device import Device, Unit

UNITS = {"meter-a": 1, "meter-b": 2}
HELD: list[tuple[str, Address, bytes, Value]] = [
    ("voltage", Address(at=0, type="float32"), bytes.fromhex("43663333"), struct.unpack(">f", b"\x43\x66\x33\x33")[0]),
    ("swapped", Address(at=2, type="float32", order="CDAB"), bytes.fromhex("33334366"), 230.1999969482422),
    ("energy", Address(at=4, type="uint64"), bytes.fromhex("0020000000000001"), 2**53 + 1),
    ("current", Address(at=20, type="int16"), bytes.fromhex("fffe"), -2),
    ("mode", Address(at=200, table="input"), bytes.fromhex("0007"), 7),
    ("model", Address(at=30, type="string", length=4), b"SDM630\0\0", "SDM630"),
    ("made", Address(at=40, type="datetime"), bytes.fromhex("1a0b19072111"), "2026-11-25T07:33:17"),
    ("running", Address(at=50, type="bool", bits=(3, 3)), bytes.fromhex("0008"), True),
    ("phase", Address(at=51, bits=(4, 7)), bytes.fromhex("00a5"), 10),
]
"""Name, address, bytes in the registers, value."""
SETPOINTS: list[tuple[str, Address, Value]] = [
    ("register", Address(at=100), 7),
    ("registers", Address(at=102, type="float32", order="CDAB"), 230.5),
    ("field", Address(at=105, bits=(4, 7)), 9),
    ("coil", Address(at=12, table="coil", type="bool"), True),
]
"""A write of each kind: functions 6, 16, 22 and 5."""
REFUSED = ("nowhere", Address(at=5000), 1)
"""No device has it: exception 2."""
WRITES = frozenset((5, 6, 15, 16, 22))
BITS = [place in (3, 9, 17) for place in range(32)]
HELD_BITS: list[tuple[str, Address, Value]] = [
    ("relay", Address(at=9, table="coil", type="bool"), True),
    ("door", Address(at=4, table="discrete", type="bool"), False),
    ("alarm", Address(at=17, table="discrete", type="bool"), True),
]


class Rig:
    """One line with two units; subclasses say what it is made of."""

    adapter = ADAPTER
    wrong: ClassVar = {
        "modbus": {"modbus": "127.0.0.1:502"},
        "unit_id": {"modbus": "tcp://127.0.0.1", "unit_id": "0"},
        "timeout": {"modbus": "tcp://127.0.0.1", "timeout": "1"},
        "unit": {"modbus": "tcp://127.0.0.1", "unit": "1"},
    }

    def __init__(self, port: int) -> None:
        connects = {
            name: Connect(modbus=f"tcp://127.0.0.1:{port}", unit_id=unit, timeout=0.1) for name, unit in UNITS.items()
        }
        held = [(name, address, value) for name, address, _, value in HELD] + HELD_BITS
        self.points = [Point(unit, connects[unit], name, address, 0.05) for unit in UNITS for name, address, _ in held]
        self.values = [value for _ in UNITS for _, _, value in held]
        name, connect = next(iter(connects.items()))
        self.setpoints, self.refused = setpoints(name, connect)


def setpoints(device: str, connect: Connect) -> tuple[list[battery.Setpoint], battery.Setpoint]:
    """What can be written to a device, and what it refuses."""
    *made, refused = (
        battery.Setpoint(Point(device, connect, name, address, 0.05), value)
        for name, address, value in (*SETPOINTS, REFUSED)
    )
    return made, refused


class RawRig(Rig):
    """On the raw asyncio device."""

    def __init__(self, device: Device) -> None:
        super().__init__(device.port)
        self.device = device

    async def plug(self) -> None:
        await self.device.plug()

    async def unplug(self) -> None:
        await self.device.unplug()

    def silence(self, device: str) -> None:
        self.device.silent.add(UNITS[device])

    def connections(self) -> int:
        return self.device.connections

    def writes(self) -> int:
        return sum(request[7] in WRITES for request in self.device.requests)


class PymodbusRig(Rig):
    """On pymodbus' server."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self._port = port
        self._silent: set[int] = set()
        self._server: ModbusTcpServer | None = None
        self._open = 0
        self._writes = 0

    async def plug(self) -> None:
        bits = SimData(0, values=BITS, datatype=DataType.BITS)
        self._server = ModbusTcpServer(
            [
                SimDevice(unit, ([bits], [bits], self._block("holding"), self._block("input")))
                for unit in UNITS.values()
            ],
            address=("127.0.0.1", self._port),
            trace_packet=self._packet,
            trace_connect=self._connect,
        )
        await self._server.serve_forever(background=True)

    async def unplug(self) -> None:
        if self._server is not None:
            await self._server.shutdown()  # type: ignore[no-untyped-call]  # pymodbus
            self._server = None
            self._open = 0

    def silence(self, device: str) -> None:
        self._silent.add(UNITS[device])

    def connections(self) -> int:
        return self._open

    def writes(self) -> int:
        return self._writes

    @staticmethod
    def _block(table: str) -> list[SimData]:
        memory: dict[int, int] = dict.fromkeys(range(300), 0)
        for _, address, data, _ in HELD:
            if address.table == table and address.at is not None:
                words = struct.unpack(f">{len(data) // 2}H", data)
                memory.update(zip(range(address.at, address.at + len(words)), words, strict=True))
        return [SimData(0, values=list(memory.values()), datatype=DataType.REGISTERS)]

    def _packet(self, sending: bool, packet: bytes) -> bytes:
        self._writes += not sending and len(packet) > 7 and packet[7] in WRITES
        return b"" if sending and packet[6] in self._silent else packet

    def _connect(self, connected: bool) -> None:
        self._open += 1 if connected else -1


@pytest.fixture(params=["raw", "pymodbus"])
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[battery.WritableRig]:
    made: RawRig | PymodbusRig
    if request.param == "raw":
        device = Device({unit: Unit() for unit in UNITS.values()})
        for unit in device.units.values():
            unit.bits = {function: dict(enumerate(BITS)) for function in (1, 2)}
            for function, table in ((3, "holding"), (4, "input")):
                unit.put(function, 0, bytes(600))
                for _, address, data, _ in HELD:
                    if address.table == table and address.at is not None:
                        unit.put(function, address.at, data)
        await device.plug()
        made = RawRig(device)
    else:
        logging.getLogger("pymodbus_internal").setLevel(logging.CRITICAL)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port: int = free.getsockname()[1]
        made = PymodbusRig(port)
        await made.plug()
    yield made
    await made.unplug()
    await asyncio.sleep(0)


@pytest.mark.parametrize("check", [*battery.CHECKS, *battery.RECORD_CHECKS], ids=lambda check: check.__name__)
async def test_battery(rig: battery.Rig, check: battery.Check) -> None:
    await check(rig)


@pytest.mark.parametrize("check", battery.WRITE_CHECKS, ids=lambda check: check.__name__)
async def test_battery_of_writes(rig: battery.WritableRig, check: battery.WriteCheck) -> None:
    await check(rig)
