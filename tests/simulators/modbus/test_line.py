"""A line, asked by pymodbus' client and by frames made by hand."""

from __future__ import annotations

import asyncio
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pymodbus import FramerType
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient, AsyncModbusUdpClient

from simulators.listening import CannotListen
from simulators.modbus.endpoint import Endpoint, Kind, tcp
from simulators.modbus.line import Line
from simulators.modbus.memory import Memory
from simulators.modbus.points import Address, Point
from simulators.modbus.server import FRAME_GAP_S
from simulators.modbus.units import Absent
from tests.simulators.modbus.frames import asked, request
from tests.simulators.modbus.lines import plugged
from tests.simulators.modbus.ports import opened

HOST = "127.0.0.1"
SILENT_S = 0.2


def units() -> dict[int, Memory]:
    first = Memory(
        [
            Point("a", Address(100, "holding", "float32", "CDAB")),
            Point("b", Address(7, "input", "int16")),
            Point("c", Address(3, "coil", "bool")),
            Point("d", Address(4, "coil", "bool")),
            Point("e", Address(20, "discrete", "bool")),
        ]
    )
    first.show([230.2, -2, True, False, True])
    second = Memory([Point("a", Address(0))])
    second.show([42])
    return {1: first, 17: second}


@asynccontextmanager
async def line(absent: Absent = Absent.SILENCE) -> AsyncIterator[Line]:
    one = Line(tcp(HOST, 0), units(), absent)
    async with plugged(one):
        yield one


async def test_pymodbus_client_reads_all_tables_and_units() -> None:
    async with line() as one, AsyncModbusTcpClient(HOST, port=one.port) as client:
        float32 = (await client.read_holding_registers(100, count=2)).registers
        assert client.convert_from_registers(float32, client.DATATYPE.FLOAT32, "little") == pytest.approx(230.2)
        assert (await client.read_input_registers(7)).registers == [0xFFFE]
        assert (await client.read_coils(3, count=2)).bits[:2] == [True, False]
        assert (await client.read_discrete_inputs(20)).bits[0] is True
        assert (await client.read_holding_registers(0, device_id=17)).registers == [42]


async def test_answers_byte_by_byte_as_in_the_standard() -> None:
    async with line() as one:
        assert await asked(
            HOST,
            one.port,
            request(1, 3, 100, 2),
            request(1, 4, 7, 1),
            request(1, 1, 3, 2),
            request(17, 3, 0, 1),
        ) == [
            bytes.fromhex("03 04 3333 4366"),
            bytes.fromhex("04 02 fffe"),
            bytes.fromhex("01 01 01"),
            bytes.fromhex("03 02 002a"),
        ]


async def test_addresses_that_are_not_in_the_list_get_exception_2() -> None:
    async with line() as one:
        frames = [request(1, 3, 99, 1), request(1, 3, 101, 2), request(1, 4, 100, 1), request(1, 1, 5, 1)]
        frames += [request(1, 1, 2, 3), request(17, 4, 0, 1), request(1, 2, 19, 1)]
        assert await asked(HOST, one.port, *frames) == [
            bytes((function | 0x80, 2)) for function in (3, 3, 4, 1, 1, 4, 2)
        ]


async def test_nothing_can_be_written() -> None:
    async with line() as one, AsyncModbusTcpClient(HOST, port=one.port) as client:
        answer = await client.write_register(100, 5)
        assert answer.isError()
        assert answer.exception_code == 1
        assert (await client.write_coil(3, False)).isError()
        assert (await client.read_coils(3)).bits[0] is True


async def test_an_unknown_unit_is_silent_and_the_line_goes_on() -> None:
    async with line() as one:
        frames = (request(9, 3, 0, 1), request(1, 4, 7, 1))
        assert await asked(HOST, one.port, *frames, wait_s=SILENT_S) == [b"", bytes.fromhex("04 02 fffe")]


async def test_an_unknown_unit_gets_exception_11_where_that_is_wanted() -> None:
    async with line(Absent.EXCEPTION) as one:
        assert await asked(HOST, one.port, request(9, 3, 0, 1)) == [b"\x83\x0b"]


@pytest.mark.parametrize("absent", Absent)
async def test_a_unit_falls_silent_and_answers_again(absent: Absent) -> None:
    async with line(absent) as one:
        one.silent.add(1)
        frames = (request(1, 3, 100, 2), request(17, 3, 0, 1))
        assert await asked(HOST, one.port, *frames, wait_s=SILENT_S) == [b"", bytes.fromhex("03 02 002a")]
        one.silent.discard(1)
        assert await asked(HOST, one.port, request(1, 4, 7, 1)) == [bytes.fromhex("04 02 fffe")]


async def test_unplugged_connections_end_and_new_ones_are_refused() -> None:
    async with line() as one:
        reader, writer = await asyncio.open_connection(HOST, one.port)
        writer.write(request(17, 3, 0, 1))
        async with asyncio.timeout(5):
            await reader.readexactly(11)
            one.unplug()
            assert await reader.read() == b""
        writer.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(HOST, one.port)
        port = one.port
        await one.plug()
        assert one.port == port
        assert await asked(HOST, port, request(17, 3, 0, 1)) == [bytes.fromhex("03 02 002a")]


async def test_a_taken_port_is_named() -> None:
    async with line() as one:
        with pytest.raises(CannotListen, match=f"{HOST}:{one.port} is taken"):
            await Line(tcp(HOST, one.port), units()).plug()


REQUEST = bytes.fromhex("11 03 0000 0001 869a")
ANSWER = bytes.fromhex("11 03 02 002a f858")
"""Unit 17's only register; the checksums are those of the npm package crc."""


@asynccontextmanager
async def serial(path: Path, kind: Kind = "rtu", *, timed: bool = False) -> AsyncIterator[Line]:
    one = Line(Endpoint(kind, path=str(path)), units(), timed=timed)
    await one.plug()
    try:
        yield one
    finally:
        one.unplug()


async def test_a_serial_port_answers_byte_by_byte_as_in_the_standard(tmp_path: Path) -> None:
    async with serial(tmp_path / "bus"):
        with opened(tmp_path / "bus") as port:
            assert await port.asked(REQUEST, 7) == ANSWER
    async with serial(tmp_path / "bus", "ascii"):
        with opened(tmp_path / "bus") as port:
            assert await port.asked(b":110300000001EB\r\n", 15) == b":110302002AC0\r\n"


async def test_pymodbus_client_reads_all_units_of_a_serial_line(tmp_path: Path) -> None:
    framers: dict[Kind, FramerType] = {"rtu": FramerType.RTU, "ascii": FramerType.ASCII}
    for kind, framer in framers.items():
        async with (
            serial(tmp_path / "bus", kind, timed=True),
            AsyncModbusSerialClient(str(tmp_path / "bus"), framer=framer, baudrate=19200) as client,
        ):
            float32 = (await client.read_holding_registers(100, count=2)).registers
            assert client.convert_from_registers(float32, client.DATATYPE.FLOAT32, "little") == pytest.approx(230.2)
            assert (await client.read_coils(3, count=2)).bits[:2] == [True, False]
            assert (await client.read_holding_registers(0, device_id=17)).registers == [42]


async def test_frames_of_others_and_broken_ones_are_met_with_silence(tmp_path: Path) -> None:
    async with serial(tmp_path / "bus"):
        with opened(tmp_path / "bus") as port:
            for request in ("09 03 0000 0001 8542", "11 03 0000 0001 869b", "00 06 0000 0001 49db", "11 63 0000"):
                assert await port.asked(bytes.fromhex(request.replace(" ", "")), 1, 0.1) == b""
            assert await port.asked(REQUEST, 7) == ANSWER


async def test_after_a_pause_a_serial_device_begins_anew(tmp_path: Path) -> None:
    async with serial(tmp_path / "bus"):
        with opened(tmp_path / "bus") as port:
            assert await port.asked(REQUEST[:5], 1, 2 * FRAME_GAP_S) == b""
            assert await port.asked(REQUEST, 7) == ANSWER
            port.say(REQUEST[:5])
            assert await port.asked(REQUEST[5:], 7) == ANSWER


async def test_a_timed_line_takes_its_time_and_understands_one_rate(tmp_path: Path) -> None:
    clock = asyncio.get_running_loop().time
    async with serial(tmp_path / "bus", timed=True):
        with opened(tmp_path / "bus") as port:
            began = clock()
            assert await port.asked(REQUEST, 7) == ANSWER
            assert clock() - began >= 15 * 11 / 19200
        with opened(tmp_path / "bus", termios.B9600) as port:
            assert await port.asked(REQUEST, 1, 0.1) == b""


async def test_a_serial_port_is_pulled_out_and_plugged_in_again(tmp_path: Path) -> None:
    async with serial(tmp_path / "bus") as one:
        one.unplug()
        assert not (tmp_path / "bus").exists()
        assert not one.plugged
        await one.plug()
        with opened(tmp_path / "bus") as port:
            assert await port.asked(REQUEST, 7) == ANSWER
        assert one.connections == 1


async def test_rtu_over_tcp_and_packets_over_udp() -> None:
    over_tcp = Line(Endpoint("rtu+tcp", HOST), units())
    await over_tcp.plug()
    reader, writer = await asyncio.open_connection(HOST, over_tcp.port)
    async with asyncio.timeout(5):
        writer.write(REQUEST)
        assert await reader.readexactly(7) == ANSWER
    writer.close()
    over_tcp.unplug()
    over_udp = Line(Endpoint("udp", HOST), units())
    await over_udp.plug()
    async with AsyncModbusUdpClient(HOST, port=over_udp.port) as client:
        assert (await client.read_holding_registers(0, device_id=17)).registers == [42]
    over_udp.unplug()
    await asyncio.sleep(0)
