"""Answers of a scan become readings: whole points, points in parts, and what is not of its type."""

from __future__ import annotations

from adapters.modbus.answers import Answer, Block, block, readings
from adapters.modbus.plan import plan
from adapters.modbus.settings import Address, Connect
from gateway.adapter import GOOD, TIMEOUT, Point, Quality, Reading, Status, encoding

REFUSED = Status(Quality.BAD, "exception 2: illegal data address", 2)
AT_NS = 17


def blocks(*addresses: Address) -> list[Block]:
    """The requests for these points of one device, by table and address."""
    connect = Connect(modbus="tcp://plc")
    (scan,) = plan([Point("d", connect, f"p{index}", address, 1.0) for index, address in enumerate(addresses)])
    return [block(scan.device, request) for request in scan.requests]


def read(asked: list[Block], *answers: str | Status) -> list[Reading]:
    given: list[Answer] = [answer if isinstance(answer, Status) else bytes.fromhex(answer) for answer in answers]
    return sorted(readings(zip(asked, given, strict=True), AT_NS))


def test_a_block_knows_what_it_asks_and_where() -> None:
    (asked,) = blocks(Address(at=5, table="input", type="float32"), Address(at=8, table="input"))
    assert (asked.ask.function, asked.ask.body, asked.ask.size) == (4, b"\0\5\0\4", 2 + 8)
    assert (asked.device, asked.where, asked.points) == ("d", "input 5..8", (0, 1))


def test_values_are_good_and_have_the_time_of_the_scan() -> None:
    assert read(blocks(Address(at=0), Address(at=1)), "00070008") == [
        Reading(0, 7, AT_NS, GOOD),
        Reading(1, 8, AT_NS, GOOD),
    ]


def test_a_block_without_an_answer_is_bad_for_all_its_points() -> None:
    asked = blocks(Address(at=0), Address(at=1), Address(at=100))
    assert read(asked, TIMEOUT, "0009") == [
        Reading(0, None, AT_NS, TIMEOUT),
        Reading(1, None, AT_NS, TIMEOUT),
        Reading(2, 9, AT_NS, GOOD),
    ]


def test_what_is_not_of_its_type_is_bad_alone() -> None:
    asked = blocks(Address(at=0, type="bcd16"), Address(at=1), Address(at=2, type="datetime"))
    assert read(asked, "ffff 0003 000000000000") == [
        Reading(0, None, AT_NS, encoding.NOT_BCD),
        Reading(1, 3, AT_NS, GOOD),
        Reading(2, None, AT_NS, encoding.NOT_A_DATE),
    ]


def test_only_types_that_can_fail_are_looked_at_one_by_one() -> None:
    assert [one.certain for one in blocks(Address(at=0, type="uint64"), Address(at=50, type="bcd16"))] == [True, False]


def test_parts_are_joined_in_the_order_of_the_registers_then_ordered() -> None:
    asked = blocks(
        Address(registers=(20, 5), type="uint32"),
        Address(registers=(20, 5), type="uint32", order="CDAB"),
        Address(registers=(20, 5), type="float32"),
    )
    assert [reading.value for reading in read(asked, "3333", "4366")] == [0x43663333, 0x33334366, 230.1999969482422]


def test_parts_in_one_answer_are_joined_too() -> None:
    asked = blocks(Address(registers=(7, 5), type="uint32"), Address(at=6))
    assert len(asked) == 1
    assert [reading.value for reading in read(asked, "0002 0005 0001")] == [0x10002, 5]


def test_parts_of_several_registers() -> None:
    asked = blocks(Address(registers=(100, 101, 5, 6), type="uint64"))
    assert [reading.value for reading in read(asked, "00030004", "00010002")] == [0x0001000200030004]


def test_a_part_that_is_missing_makes_its_point_bad() -> None:
    asked = blocks(Address(registers=(100, 5), type="uint32"), Address(at=6), Address(at=101))
    assert read(asked, "00010002", REFUSED) == [
        Reading(0, None, AT_NS, REFUSED),
        Reading(1, 2, AT_NS, GOOD),
        Reading(2, None, AT_NS, REFUSED),
    ]
    assert read(asked, TIMEOUT, REFUSED)[0].status == REFUSED, "of the first part"


def test_a_joined_value_that_is_not_of_its_type_is_bad() -> None:
    (reading,) = read(blocks(Address(registers=(50, 5), type="bcd32")), "00ff", "0012")
    assert reading == Reading(0, None, AT_NS, encoding.NOT_BCD)
