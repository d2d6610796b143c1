"""Objects of the identification as points: pymodbus' server says who it is, a device of the standard misbehaves."""

from __future__ import annotations

import asyncio
import logging
import math
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pymodbus import ModbusDeviceIdentification
from pymodbus.pdu.mei_message import ReadDeviceInformationRequest, ReadDeviceInformationResponse
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from adapters.modbus.answers import ask, block, readings
from adapters.modbus.pdu import ContentWrong
from adapters.modbus.plan import Request, plan, planned
from adapters.modbus.replay import decode, explain
from adapters.modbus.session import Poller
from adapters.modbus.settings import Address, Connect, ObjectName, every
from gateway import plugins
from gateway.adapter import GOOD, Candidate, Point, Quality, RawBlock, Status
from gateway.plant import PlantInvalid, PointSpec, read
from tests.adapters.modbus.device import Device, Unit
from tests.adapters.modbus.lines import line
from tests.gateway.field import plant

NO_OBJECT = Status(Quality.BAD, "the device has no such object")
Points = list[Point[Connect, Address]]


def points(*objects: ObjectName | int, connect: Connect | None = None, every_s: float = 1.0) -> Points:
    found = connect or Connect(modbus="tcp://plc")
    addresses = [Address(object=name, type="string") for name in objects]
    return [Point("d", found, f"p{place}", address, every_s) for place, address in enumerate(addresses)]


def requests(of: Points) -> list[Request]:
    return [request for scan in plan(of) for request in scan.requests]


def as_pymodbus_asks(level: int, first: int) -> bytes:
    return ReadDeviceInformationRequest(read_code=level, object_id=first).encode()


def answer(level: int, *pages: dict[int, bytes]) -> bytes:
    """The data of answers as pymodbus makes them, all but the last with more to follow."""
    data = b""
    for number, page in enumerate(pages):
        made = ReadDeviceInformationResponse(read_code=level, information=dict(page))
        encoded = bytearray(made.encode())
        if number + 1 < len(pages):
            encoded[3:5] = (0xFF, min(pages[number + 1]))
        data += encoded
    return data


def values(of: Request, data: bytes) -> dict[int, object]:
    found = readings([(block("d", of), data)], 17)
    return {one.point: one.status if one.value is None else one.value for one in found}


# ---- which requests ------------------------------------------------------------------------------------------------


def test_all_objects_of_a_level_are_asked_for_at_once() -> None:
    asked = requests(points("revision", "vendor_name", "model_name", 0x81, 0x90))
    assert [ask(one).body for one in asked] == [
        as_pymodbus_asks(1, 0),
        as_pymodbus_asks(2, 5),
        as_pymodbus_asks(3, 0x81),
    ]
    assert [one.where for one in asked] == ["object 0x00..0x02", "object 0x05", "object 0x81..0x90"]


def test_one_by_one_each_object_has_a_request_of_its_own() -> None:
    connect = Connect(modbus="tcp://plc", one_by_one=True)
    asked = requests(points("vendor_name", "product_code", "vendor_name", connect=connect))
    assert [one.where for one in asked] == ["object 0x00", "object 0x01"]


def test_the_plan_names_the_objects() -> None:
    told = planned(points("vendor_name", "revision", 0x81))
    assert [one.text for one in told] == [
        "object 0x00..0x02 (vendor_name, revision)",
        "object 0x81",
    ]


def test_ranges_that_are_forbidden_are_of_registers() -> None:
    connect = Connect(modbus="tcp://plc", forbidden=((0, 65535),))
    assert len(requests(points("vendor_name", connect=connect))) == 1


def test_who_a_device_is_is_asked_for_once_an_hour() -> None:
    assert every(Address(object="vendor_name")) == 3600
    assert every(Address(at=0)) is None
    assert every(Address(file=1, record=0)) is None


# ---- what answers mean ---------------------------------------------------------------------------------------------


def test_what_pymodbus_answers_is_read_by_object() -> None:
    (asked,) = requests(points("revision", "vendor_name", "product_code"))
    data = answer(1, {0: b"ACME  ", 1: b"PM1\0", 2: "Ü".encode("latin-1")})
    assert values(asked, data) == {0: "Ü", 1: "ACME", 2: "PM1"}
    assert block("d", asked).further(data) is None


def test_bytes_are_left_as_they_are() -> None:
    point = Point("d", Connect(modbus="tcp://plc"), "p", Address(object=0x80, type="bytes"), 1.0)
    (asked,) = requests([point])
    assert values(asked, answer(3, {0x80: b"\0\x01 "})) == {0: b"\0\x01 "}


def test_what_the_device_does_not_have_is_bad_alone_in_words() -> None:
    (asked,) = requests(points("vendor_url", "model_name"))
    assert values(asked, answer(2, {3: b"acme.example"})) == {0: "acme.example", 1: NO_OBJECT}


def test_an_object_that_is_no_text_is_bad_alone() -> None:
    (asked,) = requests(points("vendor_name", "product_code"))
    found = values(asked, answer(1, {0: b"\x01\x02", 1: b"PM1"}))
    assert found[1] == "PM1"
    assert isinstance(found[0], Status)


def test_objects_come_in_as_many_answers_as_the_device_likes() -> None:
    (asked,) = requests(points("vendor_name", "revision"))
    data = answer(1, {0: b"a"}, {1: b"b"}, {2: b"c"})
    assert block("d", asked).further(data) is None
    assert values(asked, data) == {0: "a", 1: "c"}


def follows(page: dict[int, bytes], following: int, level: int = 1) -> bytes:
    data = bytearray(answer(level, page))
    data[3:5] = (0xFF, following)
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "asks"),
    [
        (follows({0: b"a"}, 1), b"\x0e\x01\x01"),
        (follows({0: b"a"}, 1) + follows({1: b"b"}, 2), b"\x0e\x01\x02"),
        (follows({0: b"a", 1: b"b", 2: b"c"}, 3), None),  # nothing is missing
        (follows({0: b"a", 1: b"b"}, 7), None),  # what follows is not wanted
        (follows({0: b"a"}, 0), None),  # in circles
        (follows({0: b"a"}, 2) + follows({0: b"a"}, 2), None),
        (follows({}, 1), None),
    ],
)
def test_what_follows_is_asked_for_as_long_as_it_leads_anywhere(data: bytes, asks: bytes | None) -> None:
    (asked,) = requests(points("vendor_name", "revision"))
    more = block("d", asked).further(data)
    assert (more and more.body) == asks


def test_an_answer_that_contradicts_itself_is_believed_in_nothing() -> None:
    (asked,) = requests(points("vendor_name"))
    twice = bytes.fromhex("0e 01 83 00 00 02") + b"\x00\x01a\x00\x01b"
    with pytest.raises(ContentWrong, match="2 objects were announced, 1 came"):
        block("d", asked).further(twice)


# ---- recorded ------------------------------------------------------------------------------------------------------


def test_each_object_is_a_block_and_is_read_again() -> None:
    wanted = points("vendor_name", "revision")
    (asked,) = requests(wanted)
    seen = block("d", asked).seen(answer(1, {0: b"ACME", 1: b"PM1"}), 17)
    assert seen == [
        RawBlock("d", "object 0x00", b"ACME", 17),
        RawBlock("d", "object 0x01", b"PM1", 17),
        RawBlock("d", "object 0x02", b"", 17, NO_OBJECT),
    ]
    found = decode(wanted, seen)
    assert [(one.value, one.status) for one in found] == [("ACME", GOOD), (None, NO_OBJECT)]
    probed = explain(wanted[0], seen)
    assert probed.raw == "41 43 4d 45"
    assert probed.candidates == (Candidate("type: string", "ACME"), Candidate("type: bytes", b"ACME"))


def test_a_refused_block_is_one_of_each_object_that_was_wanted() -> None:
    (asked,) = requests(points("vendor_name", "revision"))
    refused = Status(Quality.BAD, "exception 1: illegal function", 1)
    assert [(one.key, one.status) for one in block("d", asked).seen(refused, 17)] == [
        ("object 0x00", refused),
        ("object 0x02", refused),
    ]


# ---- at work -------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def pymodbus(names: dict[str, str]) -> AsyncIterator[Connect]:
    logging.getLogger("pymodbus_internal").setLevel(logging.CRITICAL)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    empty = dict.fromkeys(
        ("VendorName", "ProductCode", "MajorMinorRevision", "VendorUrl", "ProductName", "ModelName"), ""
    )
    server = ModbusTcpServer(
        SimDevice(1, simdata=[SimData(0, count=10, values=7, datatype=DataType.REGISTERS)]),
        identity=ModbusDeviceIdentification(info_name=empty | names),  # type: ignore[no-untyped-call]  # pymodbus
        address=("127.0.0.1", port),
    )
    await server.serve_forever(background=True)
    try:
        yield Connect(modbus=f"tcp://127.0.0.1:{port}")
    finally:
        await server.shutdown()  # type: ignore[no-untyped-call]  # pymodbus


async def told(connect: Connect, *objects: ObjectName | int) -> list[object]:
    async with line(points(*objects, connect=connect, every_s=math.inf)) as session:
        batches = [await session.read()]
    found = {one.point: one.status if one.value is None else one.value for one in batches[0].readings}
    return [found[place] for place in range(len(objects))]


async def test_a_server_of_pymodbus_tells_who_it_is() -> None:
    names = {"VendorName": "ACME", "ProductCode": "PM1", "MajorMinorRevision": "2.1", "ModelName": "PM1-3"}
    async with pymodbus(names) as connect:
        assert await told(connect, "revision", "model_name", "vendor_name", "product_code", "product_name") == [
            "2.1",
            "PM1-3",
            "ACME",
            "PM1",
            NO_OBJECT,
        ]


async def test_long_texts_come_in_several_answers() -> None:
    names = {"VendorName": "a" * 120, "ProductCode": "b" * 120, "MajorMinorRevision": "c" * 120}
    async with pymodbus(names) as connect:
        assert await told(connect, "vendor_name", "product_code", "revision") == list(names.values())


Reply = Callable[[bytes], bytes]


class Talking(Unit):
    """A unit that answers function 43 as a test wants it."""

    def __init__(self, reply: Reply) -> None:
        super().__init__()
        self.registers[3] = {0: 5}
        self._reply = reply

    def reply(self, pdu: bytes) -> bytes:
        return self._reply(pdu) if pdu[0] == 43 else super().reply(pdu)


@asynccontextmanager
async def device(reply: Reply) -> AsyncIterator[Device]:
    made = Device({1: Talking(reply)})
    await made.plug()
    yield made
    await made.unplug()


def beside_a_register(made: Device) -> Points:
    connect = Connect(modbus=made.endpoint, timeout=0.5)
    register = Point("d", connect, "r", Address(at=0), 0.05)
    return [*points("vendor_name", "revision", connect=connect, every_s=0.05), register]


@pytest.mark.parametrize("code", [1, 2, 3])
async def test_a_device_that_does_not_tell_is_not_asked_each_time(code: int) -> None:
    async with device(lambda pdu: bytes((0xAB, code))) as made, line(beside_a_register(made)) as session:
        for _ in range(8):
            last = await session.read()
        asked = [frame[7] for frame in made.requests]
        assert asked[-3:] == [3, 3, 3]
        assert asked.count(43) == (1 if code == 1 else 3)
    words = {1: "illegal function", 2: "illegal data address", 3: "illegal data value"}[code]
    assert {one.point: (one.value, one.status.reason) for one in last.readings} == {
        0: (None, f"exception {code}: {words}"),
        1: (None, f"exception {code}: {words}"),
        2: (5, ""),
    }


async def test_a_quarantine_for_a_function_is_named_once(caplog: pytest.LogCaptureFixture) -> None:
    async with device(lambda pdu: b"\xab\x01") as made, line(beside_a_register(made)) as session:
        for _ in range(4):
            await session.read()
    assert [record.getMessage() for record in caplog.records if record.name == "fieldgate"] == [
        "d: not read, and tried again within the hour: p0, p1 (exception 1: illegal function)"
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        b"\x2b\x0e\x01\x83\x00\x00\x02\x00\x01a\x00\x01b",  # one object twice
        b"\x2b\x0e\x02\x83\x00\x00\x01\x00\x01a",  # another level
        b"\x2b\x0e\x01\x83\x00\x00\x02\x00\x01a",  # fewer than announced
        b"\x2b\x0e\x01\x83\x00\x00\x01\x00\x09a",  # shorter than it says
        b"\x2b\x0e\x01",
    ],
)
async def test_a_wrong_answer_is_no_value(wrong: bytes) -> None:
    async with device(lambda pdu: wrong) as made, line(beside_a_register(made)) as session:
        batch = await session.read()
    assert all(one.value is None and one.status.quality is Quality.BAD for one in batch.readings[:2])
    assert not any(isinstance(one.value, str) for one in batch.readings)


async def test_a_device_that_never_ends_is_left_in_time() -> None:
    def endless(pdu: bytes) -> bytes:
        return b"\x2b\x0e\x01\x83\xff" + bytes((pdu[3] + 1, 1, pdu[3], 1)) + b"a"

    async with device(endless) as made, line(beside_a_register(made)[:2]) as session:
        async with asyncio.timeout(5):
            batch = await session.read()
    assert [one.value for one in batch.readings] == ["a", "a"]
    assert len(made.requests) == 3


async def test_one_object_is_read_when_somebody_asks_for_it() -> None:
    async with pymodbus({"VendorName": "ACME"}) as connect, line(points("vendor_name", connect=connect)) as session:
        assert isinstance(session, Poller)
        found: Any = await session.fetch(0)
    assert found.value == "ACME"


# ---- in a plant ----------------------------------------------------------------------------------------------------

HEAD = """\
schema: fieldgate/profile/v1
profile: acme-pm1
protocol: modbus
defaults: {table: input, type: float32, order: CDAB, unit: V, scale: 0.1, every: 1s}
points:
  voltage: {at: 0}
"""


def specs(folder: Path, more: str) -> dict[str, PointSpec]:
    adapters = plugins.find().adapters
    (device,) = read(plant(folder, "tcp://plc:502", f"{HEAD}{more}"), adapters).devices
    return {spec.point.name: spec for spec in device.points}


def test_defaults_for_measured_values_do_not_touch_what_a_device_says_of_itself(tmp_path: Path) -> None:
    found = specs(tmp_path, "  maker: {object: vendor_name}\n  own_{i}: {object: 0x80, repeat: {i: 1..3, step: 2}}\n")
    maker = found["maker"]
    assert maker.point.address == Address(object="vendor_name", type="string")
    assert (maker.unit, float(maker.scale), maker.point.every_s) == ("", 1.0, 3600.0)
    assert [found[f"own_{number}"].point.address.object for number in (1, 2, 3)] == [0x80, 0x82, 0x84]
    assert found["voltage"].point.every_s == 1


def test_what_a_point_says_of_its_period_itself_counts(tmp_path: Path) -> None:
    found = specs(tmp_path, "  a: {object: revision, every: 1min}\n  b: {object: revision, every: start}\n")
    assert (found["a"].point.every_s, found["b"].point.every_s) == (60, math.inf)


def test_records_step_and_keep_the_defaults_of_numbers(tmp_path: Path) -> None:
    found = specs(tmp_path, "  batch_{i}: {file: 5, record: 0, repeat: {i: 1..3, step: 2}, write: {}}\n")
    assert [found[f"batch_{number}"].point.address.record for number in (1, 2, 3)] == [0, 2, 4]
    last = found["batch_3"]
    assert last.point.address == Address(file=5, record=4, type="float32", order="CDAB")
    assert (last.unit, last.point.every_s) == ("V", 1)


@pytest.mark.parametrize(
    ("point", "said"),
    [
        ("{object: revision, order: CDAB}", 'R09: p: "order" has no meaning for an object of the identification'),
        ("{object: revision, type: uint16}", "R09: p: an object of the identification is a text, not uint16"),
        ("{object: revision, scale: 2}", 'R09: p: "scale" has no meaning for a string'),
        ("{object: revision, write: {}}", "R15: p: nobody can write to it: the device identification can only be read"),
        ("{object: model}", 'B22: "model" is no object of the device identification'),
        ("{file: 4, record: 1, table: holding}", 'R09: p: "table" has no meaning for a record of a file'),
        ("{file: 4}", 'M02: "p" has no "record" (the first record of the file, counted from 0)'),
        ("{file: 4, record: 1, at: 1}", 'B22: p: has both "at" and "file", but it can be in one place only'),
        ("{type: uint16}", 'M02: "p" has no "at" (the register address)'),
    ],
)
def test_each_mistake_is_told_once(point: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(PlantInvalid) as caught:
        specs(tmp_path, f"  p: {point}\n")
    (found,) = [one for one in caught.value.diagnostics if one.severity == "error"]
    assert f"{found.code}: {found.text}" == said
