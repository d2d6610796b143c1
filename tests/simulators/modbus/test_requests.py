"""File records and identification: byte by byte as in the standard, and as foreign clients ask for them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.pdu.file_message import FileRecord

from simulators.modbus.endpoint import tcp
from simulators.modbus.files import Files
from simulators.modbus.line import Line
from simulators.modbus.memory import Memory
from simulators.modbus.points import Address, Point
from tests.simulators.modbus.frames import asked
from tests.simulators.modbus.lines import plugged

HOST = "127.0.0.1"
STANDARD = {0: b"Company identification", 1: b"Product code XX", 2: b"V2.11"}
LONG = {0: b"ACME", 1: b"PM1", 2: b"2.14"} | {0x80 + place: bytes([97 + place]) * 100 for place in range(5)}


@asynccontextmanager
async def line(identity: Mapping[int, bytes] = STANDARD, *, writable: bool = True) -> AsyncIterator[Line]:
    files = Files({4: [0, 0x0DFE, 0x0020, *range(20)], 3: [*range(9), 0x33CD, 0x0040]}, writable=writable)
    memories = {
        1: Memory([Point("a", Address(0))], identity=identity, files=files),
        2: Memory([Point("a", Address(0))]),
    }
    one = Line(tcp(HOST, 0), memories)
    async with plugged(one):
        yield one


def request(pdu: str, unit: int = 1) -> bytes:
    data = bytes.fromhex(pdu)
    return b"\0\7\0\0" + (len(data) + 1).to_bytes(2, "big") + bytes((unit,)) + data


async def test_files_are_read_and_written_as_in_the_examples_of_the_standard() -> None:
    async with line() as one:
        frames = [
            request("14 0E 06 0004 0001 0002 06 0003 0009 0002"),
            request("15 0D 06 0004 0007 0003 06AF 04BE 100D"),
        ]
        frames.append(request("14 07 06 0004 0007 0003"))
        assert await asked(HOST, one.port, *frames) == [
            bytes.fromhex("14 0C 05 06 0DFE 0020 05 06 33CD 0040"),
            bytes.fromhex("15 0D 06 0004 0007 0003 06AF 04BE 100D"),
            bytes.fromhex("14 08 07 06 06AF 04BE 100D"),
        ]


@pytest.mark.parametrize(
    ("pdu", "unit", "answer"),
    [
        ("14 07 06 0004 0016 0002", 1, "94 02"),
        ("14 07 06 0009 0000 0001", 1, "94 02"),
        ("14 07 06 0004 0000 0000", 1, "94 02"),
        ("14 07 05 0004 0000 0001", 1, "94 03"),
        ("14 06 06 0004 0000 00", 1, "94 03"),
        ("14 00", 1, "94 03"),
        ("14 07 06 0004 0000 00FF", 1, "94 03"),
        ("14 07 06 0004 0000 0001", 2, "94 02"),
        ("15 09 06 0004 0099 0001 0007", 1, "95 02"),
        ("15 09 06 0004 0001 0002 0007", 1, "95 03"),
        ("15 09 07 0004 0001 0001 0007", 1, "95 03"),
        ("15 09 06 0004 0001 0001 0007", 2, "95 01"),
        ("2B 0E 01 00", 2, "AB 01"),
        ("2B 0E 05 00", 1, "AB 03"),
        ("2B 0E 04 07", 1, "AB 02"),
        ("2B 0D 01 00", 1, "AB 01"),
    ],
)
async def test_what_is_not_there_or_wrong_gets_its_exception(pdu: str, unit: int, answer: str) -> None:
    async with line() as one:
        assert await asked(HOST, one.port, request(pdu, unit)) == [bytes.fromhex(answer)]


async def test_a_device_says_who_it_is_as_in_the_example_of_the_standard() -> None:
    async with line() as one:
        (answer,) = await asked(HOST, one.port, request("2B 0E 01 00"))
    # The example's device has no single access, and so conformity 01.
    said = b"\0\x16Company identification\1\x0fProduct code XX\2\5V2.11"
    assert answer == bytes.fromhex("2B 0E 01 81 00 00 03") + said


async def test_a_foreign_client_reads_a_stream_that_goes_on_and_single_objects() -> None:
    found: dict[int, bytes] = {}
    async with line(LONG) as one, AsyncModbusTcpClient(HOST, port=one.port) as client:
        following, answers = 0, 0
        while True:
            answer = await client.read_device_information(read_code=3, object_id=following)
            found |= answer.information
            answers += 1
            if not answer.more_follows:
                break
            following = answer.next_object_id
        assert answer.conformity == 0x83
        alone = await client.read_device_information(read_code=4, object_id=0x82)
    assert (found, answers) == (LONG, 3)
    assert alone.information == {0x82: b"c" * 100}


async def test_a_foreign_client_reads_and_writes_files() -> None:
    async with line() as one, AsyncModbusTcpClient(HOST, port=one.port) as client:
        answer = await client.read_file_record([FileRecord(file_number=4, record_number=1, record_length=4)])
        assert [record.record_data.hex() for record in answer.records] == ["0dfe0020"]
        written = FileRecord(file_number=4, record_number=1, record_data=b"\x12\x34")
        assert not (await client.write_file_record([written])).isError()
        answer = await client.read_file_record([FileRecord(file_number=4, record_number=1, record_length=2)])
        assert answer.records[0].record_data == b"\x12\x34"


async def test_a_meter_keeps_its_files() -> None:
    async with line(writable=False) as one:
        assert await asked(HOST, one.port, request("15 09 06 0004 0001 0001 0007")) == [b"\x95\1"]


async def test_a_silent_unit_says_nothing_of_itself() -> None:
    async with line() as one:
        one.silent.add(1)
        frames = request("2B 0E 01 00"), request("14 07 06 0004 0000 0001"), request("2B 0E 01 00", 9)
        assert await asked(HOST, one.port, *frames, wait_s=0.1) == [b"", b"", b""]
