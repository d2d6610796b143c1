"""Modbus programs of others, as servers for our adapter and as clients of our simulator.

They are told memory and orders in the words of ``libmodbus_client.c``; so a test says once what all of them do.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, NamedTuple

import pytest
from pymodbus import FramerType, ModbusException
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.server import ModbusBaseServer, ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from simulators.modbus.terminal import Terminal

HERE = Path(__file__).parent
NODE = HERE.parents[2] / "node"
HOST = "127.0.0.1"
LIMIT_S = 20.0
BAUD = 19200
OLDEST_NODE = 18
SIZE = 1024
"""Registers and bits of a table that pymodbus' server holds."""

Memory = Mapping[tuple[str, int], int]
"""Registers and bits by table and address."""


class Where(NamedTuple):
    """One end of a line."""

    kind: str
    """tcp or rtu"""
    place: str
    """A host or a path."""
    number: int
    """A port or a baud rate."""
    unit: int

    @property
    def words(self) -> list[str]:
        """As the programs take it."""
        return [self.kind, self.place, str(self.number), str(self.unit)]

    @property
    def endpoint(self) -> str:
        """As our mapping has it."""
        return f"{self.kind}://{self.place}" + (f":{self.number}" if self.kind == "tcp" else "")


@cache
def _compiled(name: str) -> str:
    """The path of a C program of this folder. Skips the test where it cannot be made."""
    if shutil.which("cc") is None or not Path("/usr/include/modbus/modbus.h").exists():
        pytest.skip("libmodbus is not installed: apt-get install gcc libc6-dev libmodbus-dev")
    target = Path(mkdtemp(prefix="fieldgate-foreign-")) / name
    command = ["cc", "-O1", "-Wall", "-Werror", "-o", str(target), str(HERE / f"{name}.c"), "-lmodbus"]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return str(target)


def _command(program: str, role: str) -> list[str]:
    if program == "libmodbus":
        return [_compiled(f"libmodbus_{role}")]
    return [_node(), str(NODE / f"{program}.mjs"), role]


@cache
def _node() -> str:
    """The path of Node. Skips the test where it is missing, or too old for the libraries."""
    node = shutil.which("node")
    if node is None or not (NODE / "node_modules" / "serialport").is_dir():
        pytest.skip("tests/node is not installed: apt-get install nodejs npm, then npm ci in that folder")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < OLDEST_NODE:
        pytest.skip(f"Node {version} is too old, it must be {OLDEST_NODE} or newer: apt-get install nodejs")
    return node


@asynccontextmanager
async def cable(folder: Path) -> AsyncIterator[tuple[str, str]]:
    """The two ends of a serial line."""

    def across(data: bytes) -> None:
        second.write(data)

    first = Terminal(str(folder / "a"), across)
    second = Terminal(str(folder / "b"), first.write)
    try:
        yield str((folder / "a").resolve()), str((folder / "b").resolve())
    finally:
        first.close()
        second.close()


@asynccontextmanager
async def served(program: str, where: Where, memory: Memory) -> AsyncIterator[None]:
    """A device that holds this."""
    if program == "pymodbus":
        server = _pymodbus_server(where, memory)
        await server.serve_forever(background=True)
        try:
            yield
        finally:
            await server.shutdown()  # type: ignore[no-untyped-call]  # pymodbus
        return
    process = await asyncio.create_subprocess_exec(
        *_command(program, "server"), *where.words, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        lines = [f"{table} {at} {value}" for (table, at), value in memory.items()]
        process.stdin.write("\n".join([*lines, "serve", ""]).encode())
        async with asyncio.timeout(LIMIT_S):
            assert await process.stdout.readline() == b"ready\n"
        yield
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def asked(program: str, where: Where, *orders: str) -> list[str]:
    """What a client says to orders, a line each."""
    if program == "pymodbus":
        return await _pymodbus_asked(where, orders)
    if program == "mbpoll":
        return [await _mbpoll(where, order.split()) for order in orders]
    said = await _run([*_command(program, "client"), *where.words], "\n".join([*orders, ""]))
    return said.splitlines()


async def _run(command: Sequence[str], text: str = "") -> str:
    process = await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(LIMIT_S):
            said, _ = await process.communicate(text.encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return said.decode()


_MBPOLL_TYPES = {"float": ":float", "float32": ":float", "int32": ":int"}


async def _mbpoll(where: Where, order: Sequence[str]) -> str:
    """mbpoll takes one order, and has options for the types: 32 bits as CDAB, with -B as ABCD; 16 have both signs."""
    if shutil.which("mbpoll") is None:
        pytest.skip("mbpoll is not installed: apt-get install mbpoll")
    what, *rest = order
    kind = rest.pop(0) if what in ("float", "as") else ""
    table, at, *values = rest
    type_ = {"coil": "0", "discrete": "1", "input": "3", "holding": "4"}[table]
    type_ += _MBPOLL_TYPES.get("float" if what == "float" else kind, "")
    line = ["-m", where.kind, "-a", str(where.unit), "-0", "-1", "-q", "-r", at, "-t", type_]
    line += ["-p", str(where.number)] if where.kind == "tcp" else ["-b", str(where.number), "-P", "even"]
    line += ["-B"] if kind == "abcd" or what == "as" else []
    line += ["-c", values[0]] if what == "read" else []
    said = await _run(["mbpoll", *line, where.place, *(["--", *values] if what in ("set", "write") else [])])
    if "Written" in said:
        return "ok"
    # "[7]: \t42", and of what is negative as 16 bits "65535 (-1)".
    place = -1 if kind == "int16" else 0
    found = [text.split("\t")[1].split()[place].strip("()") for text in said.splitlines() if text.startswith("[")]
    return " ".join(found) or "error " + " ".join(said.split())


# pyserial is refused a parity by a pseudo-terminal the second time that it asks for one.


def _pymodbus_server(where: Where, memory: Memory) -> ModbusBaseServer:
    def held(table: str) -> list[int]:
        return [memory.get((table, at), 0) for at in range(SIZE)]

    bits = [
        [SimData(0, values=[bit == 1 for bit in held(table)], datatype=DataType.BITS)] for table in ("coil", "discrete")
    ]
    words = [[SimData(0, values=held(table), datatype=DataType.REGISTERS)] for table in ("holding", "input")]
    device = SimDevice(where.unit, (bits[0], bits[1], words[0], words[1]))
    if where.kind == "tcp":
        return ModbusTcpServer(device, address=(where.place, where.number))
    return ModbusSerialServer(device, port=where.place, baudrate=where.number)


async def _pymodbus_asked(where: Where, orders: Sequence[str]) -> list[str]:
    client: AsyncModbusTcpClient | AsyncModbusSerialClient = (
        AsyncModbusTcpClient(where.place, port=where.number)
        if where.kind == "tcp"
        else AsyncModbusSerialClient(where.place, framer=FramerType.RTU, baudrate=where.number)
    )
    async with client:
        return [await _pymodbus_order(client, where.unit, order.split()) for order in orders]


async def _pymodbus_order(client: Any, unit: int, order: Sequence[str]) -> str:
    what, *rest = order
    kind = rest.pop(0) if what == "as" else ""
    table, given = (
        ("", [int(word) for word in rest])
        if what in ("mask", "exchange")
        else (rest[0], [int(word) for word in rest[1:]])
    )
    bits = table in ("coil", "discrete")
    at, *values = given
    calls = {
        "coil": client.read_coils,
        "discrete": client.read_discrete_inputs,
        "holding": client.read_holding_registers,
        "input": client.read_input_registers,
    }
    try:
        if what in ("read", "as"):
            answer = await calls[table](at, count=values[0], device_id=unit)
        elif what == "set":
            answer = await (client.write_coil if bits else client.write_register)(at, values[0], device_id=unit)
        elif what == "mask":
            answer = await client.mask_write_register(address=at, and_mask=values[0], or_mask=values[1], device_id=unit)
        elif what == "exchange":
            answer = await client.readwrite_registers(
                read_address=at, read_count=values[0], write_address=values[1], values=values[2:], device_id=unit
            )
        else:
            answer = await (client.write_coils if bits else client.write_registers)(at, values, device_id=unit)
    except ModbusException as error:
        return f"error {error}"
    if answer.isError():
        return f"error exception {answer.exception_code}"
    if what == "as":
        return str(client.convert_from_registers(answer.registers, client.DATATYPE[kind.upper()]))
    if what not in ("read", "exchange"):
        return "ok"
    return " ".join(str(int(value)) for value in (answer.bits[: values[0]] if bits else answer.registers))
