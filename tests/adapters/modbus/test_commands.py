"""fieldgate modbus scan, dump, orders: on a device of our own, on pymodbus' server, and as somebody types them."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import socket
import struct
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pymodbus import ModbusDeviceIdentification
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from adapters.modbus.commands import COMMANDS
from adapters.modbus.settings import Connect
from gateway import plugins
from gateway.adapter import Call, LinkLost, Note, Progress, RawBlock, Row, Said
from simulators.modbus import endpoint
from simulators.modbus.line import Line
from simulators.modbus.memory import Memory
from simulators.modbus.points import Address, Point
from simulators.modbus.units import Absent
from tests.adapters.modbus.device import Device, Unit
from tests.gateway.cli.plant import call as fieldgate
from tests.gateway.field import field, plant

LIMIT_S = 10.0
BY_NAME = {command.name: command for command in COMMANDS}
IDENTITY = {0: b"ACME", 1: b"PM1", 2: b"V2.11", 4: b"Power meter", 5: b"PM1-3", 0x80: b"hall 3"}


class Known(Unit):
    """A unit with device identification, written from the standard; an answer holds at most three objects."""

    def answer(self, function: int, first: int, count: int) -> bytes:
        if function != 43:
            return super().answer(function, first, count)
        kind, level, start = first >> 8, first & 0xFF, count
        assert kind == 14
        highest = {1: 0x02, 2: 0x7F, 3: 0xFF}[level]
        rest = [number for number in sorted(IDENTITY) if start <= number <= highest]
        told, more = rest[:3], rest[3:]
        body = b"".join(bytes((number, len(IDENTITY[number]))) + IDENTITY[number] for number in told)
        return bytes((43, 14, level, 0x83, 0xFF if more else 0, more[0] if more else 0, len(told))) + body


async def run(
    name: str, connect: Connect, limit_s: float = LIMIT_S, **given: str
) -> tuple[list[Said], LinkLost | None]:
    """What a command says, and how it ends; its words and options as typed, the rate without a bound."""
    command = BY_NAME[name]
    typed = {option.name: option.default or "" for option in command.options} | {"rate": "1000/s"} | given
    read = {one.name: one.read(typed[one.name]) for one in (*command.arguments, *command.options)}
    said: list[Said] = []
    try:
        async with asyncio.timeout(limit_s), aclosing(command.run(Call(connect, "press-7", read))) as each:
            async for one in each:
                said.append(one)
    except LinkLost as lost:
        return said, lost
    return said, None


def rows(said: Iterable[Said]) -> list[dict[str, Any]]:
    return [dict(one.cells) for one in said if isinstance(one, Row)]


def notes(said: Iterable[Said]) -> list[str]:
    return [one.text for one in said if isinstance(one, Note)]


def settings(device: Device, unit_id: int = 1, **more: Any) -> Connect:
    return Connect(modbus=device.endpoint, unit_id=unit_id, **{"timeout": 0.05, **more})


async def test_a_scan_finds_who_answers_and_who_refuses_but_no_one_behind_a_gateway(device: Device) -> None:
    device.units |= {4: Unit(refuses=1), 5: Unit(refuses=11), 6: Unit(refuses=10), 7: Unit()}
    said, lost = await run("scan", settings(device), units="1..9", identify="none")
    assert lost is None
    assert {row["unit_id"]: row["answer"] for row in rows(said)} == {
        1: "data",
        2: "data",
        4: "exception 1: illegal function",
        7: "exception 2: illegal data address",
    }
    assert [one for one in said if isinstance(one, Progress)][-1] == Progress(8, 9, "unit 9, 4 found")
    assert device.accepted == 1


async def test_a_scan_asks_what_it_is_told_to(device: Device) -> None:
    await run("scan", settings(device), units="1,2", identify="none", ask="input 30")
    assert [request[6:] for request in device.requests] == [
        bytes.fromhex("01 04 001e 0001"),
        bytes.fromhex("02 04 001e 0001"),
    ]


async def test_devices_say_who_they_are_over_as_many_answers_as_it_takes(device: Device) -> None:
    device.units[3] = Known()
    said, _ = await run("scan", settings(device), units="1..3", identify="extended")
    first, _, third = rows(said)
    assert first["vendor_name"] is None
    assert {
        name: third[name] for name in ("vendor_name", "product_code", "revision", "product_name", "model_name")
    } == {
        "vendor_name": "ACME",
        "product_code": "PM1",
        "revision": "V2.11",
        "product_name": "Power meter",
        "model_name": "PM1-3",
    }
    assert third["others"] == {"0x80": "hall 3"}


async def test_a_device_that_does_not_know_the_question_is_asked_it_once(device: Device) -> None:
    await run("scan", settings(device), units="1")
    assert [request[7] for request in device.requests] == [3, 43]


async def test_a_late_answer_of_one_unit_is_not_taken_for_the_next(device: Device) -> None:
    first = True

    def swap(request: bytes, answer: bytes) -> Iterable[bytes | float]:
        nonlocal first
        wrong, first = first, False
        return [answer[:6] + b"\x09" + answer[7:]] if wrong else [answer]

    device.mangle = swap
    said, lost = await run("scan", settings(device), units="1,2", identify="none")
    assert lost is None
    assert [row["answer"] for row in rows(said)] == ["data", "data"]
    assert notes(said) == ["1 answer was wrong, perhaps late ones of other units: a longer --timeout may help"]


async def test_a_line_on_which_nobody_answers_is_told_with_what_to_do(device: Device) -> None:
    said, lost = await run("scan", settings(device), units="8,9")
    assert not rows(said)
    assert lost is not None
    assert (lost.reason, "--timeout" in lost.remedy) == ("none of 2 units answers", True)


@pytest.mark.parametrize(
    ("name", "words", "says"),
    [
        (
            "dump",
            {"table": "holding", "addresses": "40001..40002"},
            "40001 looks like a number of a manual; on the wire that is holding 0",
        ),
        (
            "orders",
            {"table": "input", "at": "30101"},
            "30101 looks like a number of a manual; on the wire that is input 100",
        ),
    ],
)
async def test_a_number_of_a_manual_is_told_where_it_is_on_the_wire(
    device: Device, name: str, words: dict[str, str], says: str
) -> None:
    said, _ = await run(name, settings(device), LIMIT_S, **words)
    assert says in notes(said)


async def test_a_single_unit_without_an_answer_is_not_said_to_answer(device: Device) -> None:
    _, lost = await run("scan", settings(device), units="8")
    assert lost is not None
    assert lost.reason == "unit 8 does not answer"


async def test_what_answers_but_never_rightly_is_shown_and_is_no_unit(device: Device) -> None:
    device.mangle = lambda request, answer: [answer[:6] + b"\x09" + answer[7:]]
    said, lost = await run("scan", settings(device), units="1")
    assert [row["answer"] for row in rows(said)] == ["wrong answer: unit 9 instead of 1"]
    assert lost is not None


async def test_pymodbus_tells_who_it_is() -> None:
    logging.getLogger("pymodbus_internal").setLevel(logging.CRITICAL)
    names = {"VendorName": "ACME", "ProductCode": "PM1", "MajorMinorRevision": "2.1", "ModelName": "PM1-3"}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    block = SimData(0, values=[7] * 20, datatype=DataType.REGISTERS)
    server = ModbusTcpServer(
        [SimDevice(unit, [block]) for unit in (1, 5)],
        identity=ModbusDeviceIdentification(info_name=names),  # type: ignore[no-untyped-call]  # pymodbus
        address=("127.0.0.1", port),
        trace_packet=lambda sending, packet: b"" if sending and packet[6] not in (1, 5) else packet,
    )
    await server.serve_forever(background=True)
    try:
        said, lost = await run("scan", Connect(modbus=f"tcp://127.0.0.1:{port}", timeout=0.1), units="1..6")
    finally:
        await server.shutdown()  # type: ignore[no-untyped-call]  # pymodbus
    assert lost is None
    assert [(row["unit_id"], row["answer"], row["vendor_name"], row["revision"]) for row in rows(said)] == [
        (1, "data", "ACME", "2.1"),
        (5, "data", "ACME", "2.1"),
    ]
    assert {row["model_name"] for row in rows(said)} == {"PM1-3"}


@pytest.mark.parametrize("kind", [kind for kind in endpoint.KINDS if kind not in ("tls", "listen")])
async def test_units_are_found_on_every_kind_of_line_that_a_person_types_without_files(
    kind: endpoint.Kind, tmp_path: Path
) -> None:
    where = endpoint.Endpoint(kind, path=str(tmp_path / "port"), baud=115200)
    if kind not in ("rtu", "ascii"):
        where = endpoint.Endpoint(kind, host="127.0.0.1")
    held = Memory([Point("a", Address(7))])
    held.show([42])
    line = Line(where, {2: held, 5: held}, Absent.SILENCE)
    await line.plug()
    reached = f"{kind}://{Path(where.path).resolve()}" if where.serial else f"{kind}://127.0.0.1:{line.port}"
    try:
        # A pseudo-terminal has no parity.
        connect = Connect(modbus=reached, timeout=0.2, baud=115200, parity="none")
        said, lost = await run("scan", connect, units="1..5", ask="holding 7")
        dumped, _ = await run("dump", connect.model_copy(update={"unit_id": 5}), table="holding", addresses="0..9")
    finally:
        line.unplug()
        await asyncio.sleep(0)
    assert lost is None, lost
    assert {row["unit_id"]: row["answer"] for row in rows(said)} == {2: "data", 5: "data"}
    assert {"at": 7, "count": 1, "hex": "002a", "decimal": [42], "ascii": ".*"} in rows(dumped)


async def test_a_dump_goes_round_what_is_not_there_and_keeps_it_as_such(device: Device) -> None:
    del device.units[1].registers[3][13]
    said, lost = await run("dump", settings(device), table="holding", addresses="8..45")
    assert lost is None
    found = rows(said)
    assert found[:3] == [
        {"at": 8, "count": 4, "hex": "0457 0457 0457 0457", "decimal": [1111] * 4, "ascii": ".W.W.W.W"},
        {"at": 12, "count": 1, "hex": "0457", "decimal": [1111], "ascii": ".W"},
        {"at": 13, "count": 1, "missing": "exception 2: illegal data address"},
    ]
    assert found[-1] == {"at": 40, "count": 6, "missing": "exception 2: illegal data address"}
    kept = [one for one in said if isinstance(one, RawBlock)]
    assert sum(len(block.data) for block in kept) == 2 * 31
    assert {block.key for block in kept if not block.data} == {"holding 13", "holding 40..45"}
    assert {block.device for block in kept} == {"press-7"}


async def test_a_dump_never_touches_what_is_forbidden_and_asks_no_more_than_a_device_takes(device: Device) -> None:
    connect = settings(device, unit_id=2, max_registers=10, forbidden=((20, 24),))
    said, _ = await run("dump", connect, table="input", addresses="0..39")
    asked = [(request[6], request[7], *struct.unpack(">HH", request[8:12])) for request in device.requests]
    assert asked == [(2, 4, 0, 10), (2, 4, 10, 10), (2, 4, 25, 10), (2, 4, 35, 5)]
    assert {"at": 20, "count": 5, "missing": "forbidden: not asked for"} in rows(said)
    said, _ = await run("dump", connect, table="input", addresses="16..22")
    assert rows(said)[-1] == {"at": 20, "count": 3, "missing": "forbidden: not asked for"}
    assert [block.key for block in said if isinstance(block, RawBlock)] == ["input 16..19", "input 20..22"]


async def test_a_dump_of_bits(device: Device) -> None:
    device.units[1].bits[1] = {at: at % 3 == 0 for at in range(20)}
    said, _ = await run("dump", settings(device), table="coil", addresses="0..19")
    assert rows(said) == [
        {"at": 0, "count": 16, "decimal": [1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1]},
        {"at": 16, "count": 4, "decimal": [0, 0, 1, 0]},
    ]


async def test_a_dump_gives_up_on_a_device_that_is_silent(device: Device) -> None:
    said, lost = await run("dump", settings(device, unit_id=9), table="holding", addresses="0..9999")
    assert lost is not None
    assert lost.reason == "unit 9: timeout"
    assert len(device.requests) == 6
    assert rows(said) == [{"at": 0, "count": 375, "missing": "timeout"}]


async def test_a_dump_of_a_table_that_the_device_does_not_have_ends_soon(device: Device) -> None:
    device.units[1].refuses = 1
    _, lost = await run("dump", settings(device), table="input", addresses="0..9999")
    assert lost is not None
    assert lost.reason == "unit 1: exception 1: illegal function"
    assert len(device.requests) == 3


async def test_a_dump_of_what_is_all_forbidden_asks_for_nothing(device: Device) -> None:
    said, lost = await run("dump", settings(device, forbidden=((0, 99),)), table="holding", addresses="0..9")
    assert lost is not None
    assert lost.reason == "unit 1: all of it is forbidden"
    assert rows(said) == [{"at": 0, "count": 10, "missing": "forbidden: not asked for"}]
    assert not device.requests


async def test_registers_are_shown_in_all_orders_as_far_as_there_are_some(device: Device) -> None:
    device.units[1].put(3, 38, struct.pack("<f", 230.2))
    said, lost = await run("orders", settings(device), table="holding", at="38")
    assert lost is None
    by_type = {row["type"]: row for row in rows(said)}
    assert by_type["float32"]["DCBA"] == pytest.approx(230.2)
    assert max(row["registers"] for row in rows(said)) == 2
    assert notes(said) == ["holding 38..39: 3333 6643"]
    _, lost = await run("orders", settings(device), table="holding", at="99")
    assert lost is not None
    assert lost.reason == "unit 1: exception 2: illegal data address"


async def test_a_command_that_is_left_early_leaves_nothing_open(device: Device) -> None:
    with pytest.raises(TimeoutError):
        await run("scan", settings(device, timeout=5), limit_s=0.1, units="9")
    async with asyncio.timeout(1):
        while device.connections:
            await asyncio.sleep(0.001)


@pytest.fixture
def served() -> Iterator[Device]:
    with field() as made:
        yield made


def test_a_scan_as_somebody_types_it(served: Device) -> None:
    told = fieldgate("modbus", "scan", served.endpoint, "--units", "6..8", "--rate", "500/s", "--timeout", "50ms")
    assert told.exit_code == 0, told.output
    head, row = (line.split() for line in told.stdout.splitlines())
    assert head == ["unit", "id", "answer", "ms"]
    assert row[0] == "7"
    assert "exception 2: illegal data address" in told.stdout


def test_a_dump_is_a_recording_that_diff_takes(served: Device, tmp_path: Path) -> None:
    folder, kept = plant(tmp_path / "plant", served.endpoint), tmp_path / "press-7.json"
    words = ("--plant", folder, "press-7", "input", "0..9", "--record", kept, "--rate", "500/s")
    dumped = fieldgate("modbus", "dump", *words)
    assert dumped.exit_code == 0, dumped.output
    assert "exception 2" in dumped.stdout
    changed = plant(tmp_path / "changed", served.endpoint)
    profile = changed / "acme-pm1.profile.yaml"
    profile.write_text(profile.read_text().replace("scale: 0.1", "scale: 0.01"))
    told = fieldgate("diff", folder, changed, "--recorded", kept)
    assert told.exit_code == 1
    assert "230.2 → 23.02" in told.stdout


def test_orders_for_programs(served: Device) -> None:
    told = json.loads(fieldgate("modbus", "orders", served.endpoint, "7", "input", "1", "--json").stdout)
    assert told["ok"] is True
    assert {row["type"]: row["ABCD"] for row in told["types"]}["float32"] == 1520.5


def test_the_calls_on_the_page_are_taken(served: Device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Path(__file__).parents[3] / "adapters" / "modbus" / "README.md"
    lines = re.findall(r"^fieldgate (modbus .*?)(?:   .*)?$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(lines) >= 5
    taken: list[Call[Connect]] = []

    async def run(call: Call[Connect]) -> AsyncGenerator[Said, None]:
        taken.append(call)
        yield Note("")

    found = plugins.find()
    commands = tuple(replace(command, run=run) for command in COMMANDS)
    modbus = replace(found.adapters["modbus"], commands=commands)
    monkeypatch.setattr(plugins, "find", lambda: plugins.Found({"modbus": modbus}, {}))
    plant(tmp_path / "plant", served.endpoint)
    monkeypatch.chdir(tmp_path)
    for line in lines:
        told = fieldgate(*line.split())
        assert told.exit_code == 0, (line, told.output)
    assert len(taken) == len(lines)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("scan", "10.0.0.5"), "hint: write tcp://10.0.0.5"),
        (("scan", "tcp://h", "--units", "0"), "--units: 0: unit ids are 1 to 255"),
        (("dump", "tcp://h", "0", "holding", "1"), "unit_id 0 is broadcast"),
        (("dump", "tcp://h", "1", "holdings", "1"), 'TABLE: "holdings" is no table'),
        (("orders", "tcp://h", "1", "coil", "1"), "TABLE: coil holds single bits"),
    ],
)
def test_wrong_words_end_with_2(words: tuple[str, ...], says: str) -> None:
    told = fieldgate("modbus", *words)
    assert (told.exit_code, told.stdout) == (2, "")
    assert says in told.stderr
