"""What was recorded is read again, and shown to people who look for a mistake in a mapping."""

from __future__ import annotations

import math

import pytest

from adapters.modbus.replay import decode, explain
from adapters.modbus.settings import Address, Connect
from gateway.adapter import GOOD, TIMEOUT, Candidate, Point, Probed, RawBlock, Reading, Status, Value, encoding

CONNECT = Connect(modbus="tcp://plc")


def points(*addresses: Address, base: int = 0) -> list[Point[Connect, Address]]:
    connect = CONNECT.model_copy(update={"base": base})
    return [Point("d", connect, f"p{index}", address, 1.0) for index, address in enumerate(addresses)]


def raw(key: str, data: str, at_ns: int = 1, status: Status = GOOD, device: str = "d") -> RawBlock:
    return RawBlock(device, key, bytes.fromhex(data), at_ns, status)


@pytest.mark.parametrize("key", ["holding 23296", "holding 23296..23298"])
def test_a_block_is_read_where_its_key_says(key: str) -> None:
    given = points(Address(at=23296, type="uint32"), Address(at=23298))
    assert decode(given, [raw(key, "00010002 0007", at_ns=9)]) == [Reading(0, 65538, 9), Reading(1, 7, 9)]


def test_points_that_the_blocks_do_not_hold_are_left_out() -> None:
    given = points(
        Address(at=5), Address(at=6, type="uint32"), Address(at=5, table="input"), Address(at=7), Address(at=4)
    )
    found = decode(given, [raw("holding 5", "0001 0002"), raw("holding 7", "0003", device="other")])
    assert [(reading.point, reading.value) for reading in found] == [(0, 1)]
    assert decode(given, []) == []


def test_a_point_may_lie_across_blocks_and_has_the_time_of_the_last() -> None:
    given = points(Address(at=10, type="float32"))
    blocks = [raw("holding 11..12", "3333 0000", at_ns=3), raw("holding 9..10", "0000 4366", at_ns=8)]
    assert decode(given, blocks) == [Reading(0, 230.1999969482422, 8)]


def test_of_what_was_read_twice_the_later_block_counts() -> None:
    given = points(Address(at=5))
    assert decode(given, [raw("holding 5", "0001"), raw("holding 4..6", "000000020000")]) == [Reading(0, 2, 1)]


def test_parts_are_found_wherever_they_are() -> None:
    given = points(Address(registers=(300, 7), type="uint32"))
    assert decode(given, [raw("holding 7", "0002"), raw("holding 299", "ffff 0001")]) == [Reading(0, 65538, 1)]


def test_the_base_of_the_device_is_added() -> None:
    given = points(Address(at=2), base=40000)
    assert decode(given, [raw("holding 40000..40002", "0001 0002 0003"), raw("holding 2", "0009")]) == [
        Reading(0, 3, 1)
    ]


def test_bits_as_they_were_asked_for() -> None:
    # Application Protocol V1.1b3, section 6.1: coils 20 to 38 (19 to 37 on the wire) are CD 6B 05.
    given = points(*(Address(at=at, table="coil", type="bool") for at in (19, 20, 21, 37, 38)))
    found = decode(given, [raw("coil 19..37", "CD6B05")])
    assert [(reading.point, reading.value) for reading in found] == [(0, True), (1, False), (2, True), (3, True)]


def test_bits_without_their_number_are_all_that_there_are() -> None:
    given = points(*(Address(at=at, table="discrete", type="bool") for at in (0, 7, 8)))
    assert [reading.point for reading in decode(given, [raw("discrete 0", "81")])] == [0, 1]


def test_what_could_not_be_read_is_bad_where_the_key_says() -> None:
    given = points(Address(at=4, type="uint32"), Address(at=6), Address(at=7))
    blocks = [raw("holding 4", "0001", at_ns=1), raw("holding 5..6", "", at_ns=2, status=TIMEOUT)]
    assert decode(given, blocks) == [Reading(0, None, 2, TIMEOUT), Reading(1, None, 2, TIMEOUT)]


def test_what_is_not_of_its_type_is_bad() -> None:
    given = points(Address(at=4, type="bcd16"))
    assert decode(given, [raw("holding 4", "000a")]) == [Reading(0, None, 1, encoding.NOT_BCD)]


@pytest.mark.parametrize(
    ("key", "data"),
    [
        ("register 5", "0001"),
        ("holding", "0001"),
        ("holding 5..", "0001"),
        ("holding 5", "000102"),
        ("holding 5..6", "0001"),
        ("coil 0..8", "01"),
        ("coil 0..7", "0102"),
    ],
)
def test_a_block_that_contradicts_itself_is_refused(key: str, data: str) -> None:
    with pytest.raises(ValueError, match=key):
        decode(points(Address(at=5)), [raw(key, data)])


def probed(address: Address, data: str) -> Probed:
    return explain(points(address)[0], [raw(f"{address.table} {address.at}", data)])


def test_a_float_is_shown_in_all_orders_and_as_what_it_is_taken_for() -> None:
    shown = probed(Address(at=0, type="float32", order="CDAB"), "43663333")
    assert shown.raw == "4366 3333"
    assert [setting for setting, _ in shown.candidates] == [
        "order: CDAB",
        "order: ABCD",
        "order: BADC",
        "order: DCBA",
        *(
            f"type: {type_}, order: {order}"
            for type_ in ("uint32", "int32")
            for order in ("ABCD", "CDAB", "BADC", "DCBA")
        ),
    ]
    values = dict(shown.candidates)
    assert values["order: CDAB"] == pytest.approx(4.17e-08, rel=1e-3)  # T03 of the message catalogue
    assert values["order: ABCD"] == 230.1999969482422
    assert values["type: uint32, order: ABCD"] == 0x43663333
    assert values["type: int32, order: CDAB"] == 0x33334366


@pytest.mark.parametrize(
    ("address", "data", "text", "candidates"),
    [
        (
            Address(at=0, type="int16"),
            "fffe",
            "fffe",
            [("order: ABCD", -2), ("order: BADC", -257), ("type: uint16, order: ABCD", 65534)],
        ),
        (Address(at=0, type="uint8"), "12fe", "12fe", [("byte: low", 254), ("byte: high", 18)]),
        (Address(at=0, type="bool", byte="high"), "0001", "0001", [("byte: high", False), ("byte: low", True)]),
        (Address(at=0, type="bool"), "0002", "0002", [("type: bool", True)]),
        (Address(at=0, type="bool", table="coil"), "05", "1", [("type: bool", True)]),
        (Address(at=0, bits=(8, 15)), "12fe", "12fe", [("order: ABCD", 18), ("order: BADC", 254)]),
        (
            Address(at=0, type="string", length=2),
            "53756e53",
            "5375 6e53",
            [("order: ABCD", "SunS"), ("order: BADC", "uSSn")],
        ),
        (Address(at=0, type="bcd16"), "12a4", "12a4", [("order: ABCD", None), ("order: BADC", None)]),
    ],
)
def test_what_is_shown(address: Address, data: str, text: str, candidates: list[tuple[str, Value]]) -> None:
    shown = probed(address, data)
    assert shown.raw == text
    assert [*shown.candidates][: len(candidates)] == [Candidate(*candidate) for candidate in candidates]


def test_64_bits_are_shown_as_a_double_too() -> None:
    values = dict(probed(Address(at=0, type="uint64"), "400921fb54442d18").candidates)
    assert values["type: float64, order: ABCD"] == math.pi
    assert len(values) == 12


def test_nothing_is_shown_of_what_was_not_read() -> None:
    (point,) = points(Address(at=0))
    assert explain(point, []) == Probed("")
    assert explain(point, [raw("holding 0", "", status=TIMEOUT)]) == Probed("")


def test_records_are_read_again_by_file_and_record() -> None:
    connect = Connect(modbus="tcp://plc", base=100)
    addresses = [
        Address(file=4, record=7, type="uint32"),
        Address(file=4, record=9),
        Address(file=5, record=7),
        Address(at=7),
    ]
    points = [Point("d", connect, f"p{place}", address, 1.0) for place, address in enumerate(addresses)]
    blocks = [RawBlock("d", "file 4 record 7..8", b"\0\1\0\2", 1), RawBlock("d", "file 4 record 9", b"\0\3", 2)]
    assert [(one.point, one.value) for one in decode(points, blocks)] == [(0, 0x10002), (1, 3)]
    assert explain(points[0], blocks).raw == "0001 0002"


@pytest.mark.parametrize(
    "key", ["file 4", "file 4 record", "file record 7", "object", "object 0", "object 0x100", "record 7"]
)
def test_a_key_of_no_record_and_no_object(key: str) -> None:
    point = Point("d", Connect(modbus="tcp://plc"), "p", Address(at=0), 1.0)
    with pytest.raises(ValueError, match="is not where Modbus was read"):
        decode([point], [RawBlock("d", key, b"", 1)])
