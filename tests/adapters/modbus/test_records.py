"""Records of files at work: pymodbus judges what is asked and written, a device of the standard answers."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from pymodbus.pdu import DecodePDU
from pymodbus.pdu.file_message import FileRecord, ReadFileRecordRequest, ReadFileRecordResponse, WriteFileRecordRequest

from adapters.modbus import pdu
from adapters.modbus.answers import ask, block, readings
from adapters.modbus.plan import FILE_BYTES, Request, plan
from adapters.modbus.replay import decode
from adapters.modbus.session import Poller
from adapters.modbus.settings import Address, Connect
from adapters.modbus.writes import job
from gateway.adapter import GOOD, NotWritten, Point, Quality, Value
from tests.adapters.modbus.device import Device, Unit
from tests.adapters.modbus.lines import line

Points = list[Point[Connect, Address]]


def points(settings: Mapping[str, Any], connect: Connect | None = None, every_s: float = 1.0) -> Points:
    """Named points, each written as ``file/record[:type]`` or with all its settings."""
    found = connect or Connect(modbus="tcp://plc")
    return [Point("d", found, name, address(said), every_s) for name, said in settings.items()]


def address(said: str | Mapping[str, Any]) -> Address:
    if not isinstance(said, str):
        return Address.model_validate(said)
    at, _, type_ = said.partition(":")
    file, _, record = at.partition("/")
    return Address.model_validate({"file": file, "record": record, "type": type_ or "uint16"})


def requests(of: Points) -> list[Request]:
    return [request for scan in plan(of) for request in scan.requests]


def as_pymodbus_asks(*groups: tuple[int, int, int]) -> bytes:
    """Of file, record and length of each group. (Its length is in bytes.)"""
    records = [FileRecord(file, record, record_length=2 * count) for file, record, count in groups]
    return ReadFileRecordRequest(records=records).encode()


def groups_of(asked: pdu.Ask) -> list[tuple[int, int, int]]:
    groups = (asked.body[at : at + 7] for at in range(1, len(asked.body), 7))
    numbers = ([int.from_bytes(group[at : at + 2], "big") for at in (1, 3, 5)] for group in groups)
    return [(file, record, count) for file, record, count in numbers]


def test_neighbours_are_one_group_and_others_go_along_in_the_same_request() -> None:
    (request,) = requests(points({"a": "4/7:uint32", "b": "4/9", "c": "4/20", "d": "3/0", "e": "5/7"}))
    assert request.where == "file 3 record 0, file 4 record 7..9, file 4 record 20, file 5 record 7"
    assert ask(request).body == as_pymodbus_asks((3, 0, 1), (4, 7, 3), (4, 20, 1), (5, 7, 1))


def test_pymodbus_answers_are_read_by_file_and_record() -> None:
    (request,) = requests(
        points({"a": "4/7:uint32", "b": "4/9:int16", "c": "3/0", "d": {"file": 4, "record": 7, "bits": "0..3"}})
    )
    records = [
        FileRecord(record_data=bytes.fromhex("0102")),
        FileRecord(record_data=bytes.fromhex("00010203fffe")),
    ]
    answer = bytes((20,)) + ReadFileRecordResponse(records=records).encode()
    made = block("d", request)
    found = readings([(made, made.ask.judge(answer))], 17)
    assert {one.point: one.value for one in found} == {0: 0x10203, 1: -2, 2: 0x102, 3: 1}


def test_an_answer_is_never_longer_than_the_standard_allows() -> None:
    many = {f"p{place}": f"1/{3 * place}:uint32" for place in range(100)}
    asked = requests(points(many))
    groups = [groups_of(ask(request)) for request in asked]
    assert sum(map(len, groups)) == 100
    for request, parts in zip(asked, groups, strict=True):
        assert 7 * len(parts) <= FILE_BYTES
        assert sum(2 + 2 * length for _, _, length in parts) <= FILE_BYTES
        assert ask(request).size == 2 + sum(2 + 2 * length for _, _, length in parts)


def test_the_longest_point_takes_a_whole_request() -> None:
    text = {"file": 1, "record": 0, "type": "string", "length": 121}
    first, second = requests(points({"a": text, "b": "1/121"}))
    assert (first.where, second.where) == ("file 1 record 0..120", "file 1 record 121")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"one_by_one": True}, ["file 1 record 0", "file 1 record 1", "file 1 record 5"]),
        ({"max_registers": 2}, ["file 1 record 0..1", "file 1 record 5"]),
        ({"forbidden": [[0, 65535]]}, ["file 1 record 0..1, file 1 record 5"]),  # of registers, not of records
    ],
)
def test_the_limits_of_a_device_hold_for_its_records(settings: dict[str, Any], told: list[str]) -> None:
    connect = Connect.model_validate({"modbus": "tcp://plc", **settings})
    assert [request.where for request in requests(points({"a": "1/0", "b": "1/1", "c": "1/5"}, connect))] == told


def test_a_part_of_a_request_asks_for_its_groups_only() -> None:
    (request,) = requests(points({"a": "4/7:uint32", "b": "4/9", "c": "4/20", "d": "5/7"}))
    part = request.of(request.pieces[1:3])
    assert ask(part).body == as_pymodbus_asks((4, 9, 1), (4, 20, 1))
    assert [(field.point, field.offset) for field in part.fields] == [(1, 0), (2, 1)]


@pytest.mark.parametrize(
    ("settings", "value", "data"),
    [
        ({}, 3, "0003"),
        ({"type": "float32"}, 230.2, "43663333"),
        ({"type": "float32", "order": "CDAB"}, 230.2, "33334366"),
        ({"type": "string", "length": 3}, "ACME", "41434d450000"),
    ],
)
def test_pymodbus_reads_what_is_written_as_it_was_meant(settings: dict[str, Any], value: Value, data: str) -> None:
    (point,) = points({"p": {"file": 4, "record": 7, **settings}})
    (way,) = job(point, value).ways
    assert isinstance(way, pdu.Ask)
    message: Any = DecodePDU(True).decode(bytes((way.function,)) + way.body)
    assert isinstance(message, WriteFileRecordRequest)
    (record,) = message.records
    assert (record.file_number, record.record_number, record.record_data) == (4, 7, bytes.fromhex(data))


def test_what_does_not_fit_is_not_written() -> None:
    (point,) = points({"p": "4/7"})
    with pytest.raises(NotWritten, match="70000 does not fit into uint16"):
        job(point, 70000)


# ---- at work -------------------------------------------------------------------------------------------------------


class Filing(Unit):
    """A unit that has files too: what is not there is an illegal address."""

    def __init__(self) -> None:
        super().__init__()
        self.records: dict[tuple[int, int], int] = {}
        self.groups_at_most = 99

    def reply(self, pdu: bytes) -> bytes:
        if pdu[0] == 20:
            return self._read(pdu)
        if pdu[0] == 21:
            return self._write(pdu)
        return super().reply(pdu)

    def _read(self, pdu: bytes) -> bytes:
        if 20 in self.unknown:
            return b"\x94\x01"
        groups = [pdu[at : at + 7] for at in range(2, len(pdu), 7)]
        if len(groups) > self.groups_at_most:
            return b"\x94\x03"
        data = b""
        for group in groups:
            file, first, count = (int.from_bytes(group[at : at + 2], "big") for at in (1, 3, 5))
            held = [self.records.get((file, first + place)) for place in range(count)]
            if None in held:
                return b"\x94\x02"
            words = b"".join(word.to_bytes(2, "big") for word in held if word is not None)
            data += bytes((1 + len(words), 6)) + words
        return bytes((20, len(data))) + data

    def _write(self, pdu: bytes) -> bytes:
        file, first, count = (int.from_bytes(pdu[at : at + 2], "big") for at in (3, 5, 7))
        for place in range(count):
            self.records[file, first + place] = int.from_bytes(pdu[9 + 2 * place : 11 + 2 * place], "big")
        return pdu


@pytest.fixture
def unit() -> Filing:
    return Filing()


@pytest.fixture
async def filing(unit: Filing) -> AsyncIterator[Device]:
    made = Device({1: unit})
    await made.plug()
    yield made
    await made.unplug()


def at(device: Device, settings: Mapping[str, Any], every_s: float = 0.05) -> Points:
    return points(settings, Connect(modbus=device.endpoint, timeout=0.5), every_s)


async def test_records_are_read_written_and_read_again(unit: Filing, filing: Device) -> None:
    unit.records = {(4, 7): 1, (4, 8): 2, (9, 0): 3}
    async with line(at(filing, {"a": "4/7:uint32", "b": "9/0"})) as session:
        assert isinstance(session, Poller)
        assert {one.point: one.value for one in (await session.read()).readings} == {0: 0x10002, 1: 3}
        await session.write(0, 0xABCD1234)
        assert (unit.records[4, 7], unit.records[4, 8]) == (0xABCD, 0x1234)
        assert (await session.fetch(0)).value == 0xABCD1234


async def test_bits_of_a_record_are_changed_and_the_others_kept(unit: Filing, filing: Device) -> None:
    unit.records = {(4, 7): 0xFF0F}
    async with line(at(filing, {"a": {"file": 4, "record": 7, "bits": "4..7"}})) as session:
        assert isinstance(session, Poller)
        await session.write(0, 0xA)
    assert unit.records[4, 7] == 0xFFAF


async def test_a_wrong_echo_is_no_confirmation(unit: Filing, filing: Device) -> None:
    unit.records = {(4, 7): 1}
    filing.mangle = lambda request, answer: [answer[:-1] + b"\x63" if request[7] == 21 else answer]
    async with line(at(filing, {"a": "4/7"})) as session:
        assert isinstance(session, Poller)
        with pytest.raises(NotWritten, match=r"wrong answer: echo .* unknown whether it was carried out"):
            await session.write(0, 5)


async def test_a_record_that_is_not_there_is_bad_alone_and_not_asked_again(unit: Filing, filing: Device) -> None:
    unit.records = {(4, place): place for place in range(8)}
    named = {f"p{place}": f"4/{place}" for place in range(9)}
    async with line(at(filing, named)) as session:
        for _ in range(8):
            last = await session.read()
        before = len(filing.requests)
        last = await session.read()
        assert len(filing.requests) == before + 1
    bad = {one.point: one.status for one in last.readings if one.status is not GOOD}
    assert {point: status.reason for point, status in bad.items()} == {8: "exception 2: illegal data address"}


async def test_a_device_that_takes_one_group_at_a_time_is_asked_so(unit: Filing, filing: Device) -> None:
    unit.records = {(file, 0): file for file in range(1, 5)}
    unit.groups_at_most = 1
    async with line(at(filing, {"a": "1/0", "b": "2/0", "c": "3/0", "d": "4/0"})) as session:
        for _ in range(8):
            last = await session.read()
    assert {one.point: one.value for one in last.readings} == {0: 1, 1: 2, 2: 3, 3: 4}


async def test_a_device_without_files_is_not_asked_each_time(unit: Filing, filing: Device) -> None:
    unit.unknown = {20}
    unit.registers[3] = {0: 5}
    async with line(at(filing, {"a": "1/0", "b": "2/0", "r": {"at": 0}})) as session:
        for _ in range(4):
            last = await session.read()
    assert [frame[7] for frame in filing.requests] == [20, 3, 3, 3, 3]
    assert {one.point: (one.value, one.status.reason) for one in last.readings} == {
        0: (None, "exception 1: illegal function"),
        1: (None, "exception 1: illegal function"),
        2: (5, ""),
    }


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-2] + b"\x00",  # a byte is missing
        lambda data: data.replace(b"\x03\x06", b"\x03\x07", 1),  # another reference type
        lambda data: data.replace(b"\x03\x06", b"\x05\x06", 1),  # another length
    ],
)
async def test_an_answer_that_contradicts_itself_is_no_value(unit: Filing, filing: Device, spoil: Any) -> None:
    unit.records = {(1, 0): 0x1111, (2, 0): 0x2222}
    filing.mangle = lambda request, answer: [answer[:9] + spoil(answer[9:])]
    async with line(at(filing, {"a": "1/0", "b": "2/0"})) as session:
        async with asyncio.timeout(5):
            batch = await session.read()
    assert [one.value for one in batch.readings] == [None, None]
    assert all(one.status.quality is Quality.BAD for one in batch.readings)


async def test_a_look_names_each_group_and_is_read_again(unit: Filing, filing: Device) -> None:
    unit.records = {(4, 7): 1, (4, 8): 2, (9, 0): 3}
    wanted = at(filing, {"a": "4/7:uint32", "b": "9/0"}, math.inf)
    async with line(wanted) as session:
        assert isinstance(session, Poller)
        seen = await session.look()
    assert [(one.key, one.data.hex()) for one in seen] == [
        ("file 4 record 7..8", "00010002"),
        ("file 9 record 0", "0003"),
    ]
    assert [one.value for one in decode(wanted, seen)] == [0x10002, 3]
