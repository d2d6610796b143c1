"""What devices say of themselves."""

from __future__ import annotations

from fractions import Fraction

from simulators.modbus import identity
from simulators.modbus.acme import beside
from simulators.modbus.endpoint import tcp
from simulators.modbus.identity import ILLEGAL_ADDRESS, ILLEGAL_VALUE, LONGEST
from simulators.modbus.points import Address, Device, Point

POINTS = tuple(Point(f"p{at}", Address(at), "V", Fraction(1, 10)) for at in range(200))
OBJECTS = {0x00: b"ACME", 0x01: b"PM1", 0x02: b"2.14", 0x04: b"meter", 0x80: b"4711", 0x81: b"x"}


def device(count: int = 2) -> Device:
    return Device("meter-1", tcp("h", 502), 1, POINTS[:count])


def test_vendor_product_and_revision_are_made_up_and_the_makers_objects_are_its_points() -> None:
    assert identity.of(device()) == {
        0x00: b"Fieldgate",
        0x01: b"SIMULATOR",
        0x02: b"1.0",
        0x04: b"meter-1",
        0x80: b"p0",
        0x81: b"p1",
    }
    assert max(identity.of(device(200))) == 0xFF


def test_what_the_list_says_comes_first_and_fits_into_an_answer() -> None:
    said = identity.of(Device("d", tcp("h", 502), 1, POINTS, {0: "Æ" * 200, 5: "M"}))
    assert list(said) == [0, 1, 2, 4, 5]
    assert (len(said[0]), said[5]) == (LONGEST, b"M")


def test_the_meter_that_nobody_described_says_who_it_is() -> None:
    (acme,) = beside([device()])
    assert list(identity.of(acme).values()) == [b"ACME", b"PM1", b"2.14", b"ACME PM1 power meter", b"PM1-0004711"]


def numbers(level: int, first: int) -> list[int]:
    found = identity.asked(OBJECTS, level, first)
    assert isinstance(found, dict)
    return list(found)


def test_each_level_has_its_objects_and_begins_where_it_is_asked() -> None:
    assert [numbers(level, 0) for level in (1, 2, 3)] == [
        [0, 1, 2],
        [0, 1, 2, 4],
        [0, 1, 2, 4, 0x80, 0x81],
    ]
    assert numbers(3, 0x80) == [0x80, 0x81]
    assert numbers(3, 0x90) == list(OBJECTS), "as if the first one had been asked for"


def test_one_object_is_asked_for_alone() -> None:
    assert identity.asked(OBJECTS, 4, 0x80) == {0x80: b"4711"}
    assert identity.asked(OBJECTS, 4, 3) == ILLEGAL_ADDRESS
    assert [identity.asked(OBJECTS, level, 0) for level in (0, 5)] == [ILLEGAL_VALUE] * 2


def test_conformity_is_the_highest_level_of_which_there_is_something() -> None:
    levels = (OBJECTS, {0: b"a", 4: b"b"}, {0: b"a", 2: b"b"})
    assert [identity.conformity(objects) for objects in levels] == [0x83, 0x82, 0x81]
