"""The devices of a plant, on their ports, and what they can be told."""

from __future__ import annotations

import asyncio
import json
import socket
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from pymodbus.client import AsyncModbusTcpClient

from simulators import modbus
from simulators.control import RequestInvalid
from simulators.listening import CannotListen
from simulators.modbus import Bench, Meters, Settings
from simulators.modbus.endpoint import tcp
from simulators.modbus.points import Address, Device, Point
from tests.simulators.modbus.frames import asked, request

HOST = "127.0.0.1"
POINTS = (
    Point("voltage_l1", Address(0, "holding", "uint32", "CDAB"), "V", Fraction(1, 10)),
    Point("power", Address(2, "holding", "float32"), "W"),
)


def free_ports(count: int) -> list[int]:
    probes = [socket.create_server((HOST, 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def devices() -> list[Device]:
    first, second = free_ports(2)
    return [
        Device("a", tcp(HOST, first), 1, POINTS),
        Device("b", tcp(HOST, first), 2, POINTS),
        Device("c", tcp(HOST, second), 1, POINTS),
    ]


async def tell(meters: Meters, command: str, **more: Any) -> Any:
    return await modbus.commands(meters)[command]({"command": command} | more)


async def test_a_client_reads_what_the_record_says(tmp_path: Path) -> None:
    plant, record = devices(), tmp_path / "served.jsonl"
    reads: list[tuple[float, float]] = []
    async with (
        modbus.serve(Settings(devices=plant, tick_s=0.05, record=record)),
        AsyncModbusTcpClient(HOST, port=plant[1].line.port) as client,
    ):
        for _ in range(40):
            answer = (await client.read_holding_registers(0, count=4, device_id=2)).registers
            power = client.convert_from_registers(answer[2:], client.DATATYPE.FLOAT32)
            assert isinstance(power, float)
            reads.append(((answer[1] << 16 | answer[0]) / 10, power))
            await asyncio.sleep(0.01)
    lines = [json.loads(line) for line in record.read_text().splitlines()]
    # Both values of a read are of the same tick: registers change all at once.
    served = {(entry["values"]["voltage_l1"], entry["values"]["power"]) for entry in lines if entry["device"] == "b"}
    assert len({volts for volts, _ in reads}) > 1
    for volts, watts in reads:
        assert any(volts == v and watts == pytest.approx(w, rel=1e-6) for v, w in served)


async def test_units_share_a_port_and_devices_have_values_of_their_own() -> None:
    plant = devices()
    async with modbus.serve(Settings(devices=plant)) as meters:
        assert [line.address for line in meters.lines] == [
            f"{HOST}:{plant[0].line.port}",
            f"{HOST}:{plant[2].line.port}",
        ]
        answers = await asked(HOST, plant[0].line.port, request(1, 3, 2, 2), request(2, 3, 2, 2))
        answers += await asked(HOST, plant[2].line.port, request(1, 3, 2, 2))
        assert len(set(answers)) == 3


async def test_silences_units_on_one_line_or_on_all() -> None:
    plant = devices()
    async with modbus.serve(Settings(devices=plant)) as meters:
        await tell(meters, "silence", unit=1, line=f"{HOST}:{plant[0].line.port}")
        assert [sorted(line.silent) for line in meters.lines] == [[1], []]
        await tell(meters, "silence", unit=1)
        assert [sorted(line.silent) for line in meters.lines] == [[1], [1]]
        assert await asked(HOST, plant[2].line.port, request(1, 3, 0, 1), wait_s=0.2) == [b""]
        await tell(meters, "answer", unit=1)
        assert (await asked(HOST, plant[2].line.port, request(1, 3, 0, 1)))[0][:2] == b"\x03\x02"


async def test_unplugs_and_plugs() -> None:
    plant = devices()
    async with modbus.serve(Settings(devices=plant)) as meters:
        address = f"{HOST}:{plant[2].line.port}"
        await tell(meters, "unplug", line=address)
        with pytest.raises(ConnectionRefusedError):
            await asked(HOST, plant[2].line.port)
        told = (await tell(meters, "stats"))["lines"][address]
        assert (told["plugged"], told["units"], told["silent"], told["connections"]) == (False, [1], [], 0)
        assert await asked(HOST, plant[0].line.port, request(1, 3, 0, 1))
        with socket.create_server((HOST, plant[2].line.port)), pytest.raises(RequestInvalid, match="is taken"):
            await tell(meters, "plug")
        await tell(meters, "plug")
        assert await asked(HOST, plant[2].line.port, request(1, 3, 0, 1))


async def test_what_is_not_there_is_said() -> None:
    plant = devices()[:2]
    async with modbus.serve(Settings(devices=plant)) as meters:
        with pytest.raises(RequestInvalid, match="no unit 9; there are: 1, 2"):
            await tell(meters, "silence", unit=9)
        with pytest.raises(RequestInvalid, match=f"no line x; there are: {HOST}:{plant[0].line.port}"):
            await tell(meters, "unplug", line="x")
        with pytest.raises(RequestInvalid, match="name the unit"):
            await tell(meters, "answer")


async def test_a_taken_port_is_named_and_the_others_are_given_back() -> None:
    plant = devices()
    with socket.create_server((HOST, plant[2].line.port)):
        with pytest.raises(CannotListen, match=f"{HOST}:{plant[2].line.port} is taken .* point list"):
            async with modbus.serve(Settings(devices=plant)):
                pass
        with pytest.raises(ConnectionRefusedError):
            await asked(HOST, plant[0].line.port)


async def test_bench_devices_each_have_a_port() -> None:
    first = free_ports(1)[0]
    bench = Bench(host="127.0.0.62", first_port=first, ports=3, tags=100)
    async with modbus.serve(Settings(bench=bench)) as meters:
        assert meters.bench == [f"127.0.0.62:{first + number}" for number in range(3)]
        for number in range(3):
            (answer,) = await asked("127.0.0.62", first + number, request(1, 3, 0, 125))
            assert len(answer) == 252


async def test_stops_within_a_second_with_clients_connected() -> None:
    plant = devices()
    clock = asyncio.get_running_loop().time
    async with modbus.serve(Settings(devices=plant)):
        reader, writer = await asyncio.open_connection(HOST, plant[0].line.port)
        began = clock()
    assert clock() - began < 1
    async with asyncio.timeout(1):
        assert await reader.read() == b""
    writer.close()


async def test_a_record_that_cannot_be_written_is_not_passed_over() -> None:
    with pytest.raises(OSError, match="No space left"):
        async with modbus.serve(Settings(devices=devices(), record=Path("/dev/full"))):
            pass
