"""Which points of one device lie on each other, and which do so on purpose."""

from __future__ import annotations

from adapters.modbus.overlaps import overlaps
from adapters.modbus.settings import Address, Connect
from gateway.adapter import Finding, Point


def found(base: int = 0, **addresses: Address) -> list[Finding]:
    connect = Connect(modbus="tcp://plc", base=base)
    return list(overlaps([Point("d", connect, name, address, 1.0) for name, address in addresses.items()]))


def test_both_are_named() -> None:
    (finding,) = found(
        voltage_l1=Address(at=0, table="input", type="float32"), voltage_l2=Address(at=1, table="input", type="float32")
    )
    assert finding == (
        "B12",
        1,
        "at",
        "voltage_l2 (input 1..2) overlaps voltage_l1 (input 0..1)",
        "check address and type of both; each takes 2 registers: where they come of a repeat, write step: 2",
        True,
        False,
    )


def test_points_that_are_no_copies_get_no_advice_for_a_repeat() -> None:
    (finding,) = found(voltage=Address(at=0, type="float32"), current=Address(at=1, type="float32"))
    assert finding.hint == "check address and type of both"


def test_the_same_register_twice() -> None:
    (finding,) = found(a=Address(at=5), b=Address(at=5))
    assert finding.text == "b (holding 5) overlaps a (holding 5)"


def test_a_long_point_is_remembered_past_short_ones() -> None:
    findings = found(long=Address(at=0, type="uint64"), one=Address(at=1), three=Address(at=3), four=Address(at=4))
    assert [finding.text for finding in findings] == [
        "one (holding 1) overlaps long (holding 0..3)",
        "three (holding 3) overlaps long (holding 0..3)",
    ]


def test_a_long_text_covers_what_follows_it() -> None:
    (finding,) = found(name=Address(at=0, type="string", length=8), model=Address(at=7, type="string", length=2))
    assert finding.text == "model (holding 7..8) overlaps name (holding 0..7)"


def test_the_same_address_in_two_tables_is_no_overlap() -> None:
    assert found(a=Address(at=5), b=Address(at=5, table="input")) == []


def test_bits_and_bytes_of_one_register_are_meant_so() -> None:
    assert (
        found(
            word=Address(at=5),
            running=Address(at=5, type="bool", bits=(0, 0)),
            fault=Address(at=5, type="bool", bits=(1, 1)),
            code=Address(at=5, bits=(4, 7)),
            high=Address(at=5, type="uint8", byte="high"),
            low=Address(at=5, type="uint8"),
        )
        == []
    )


def test_the_same_bit_twice_is_not() -> None:
    (finding,) = found(
        running=Address(at=5, type="bool", bits=(0, 0)),
        fault=Address(at=5, type="bool", bits=(1, 1)),
        alarm=Address(at=5, type="bool", bits=(0, 0)),
    )
    assert finding.text == "alarm (holding 5) overlaps running (holding 5)"


def test_the_low_byte_is_the_same_whether_it_is_named_or_not() -> None:
    (finding,) = found(a=Address(at=5, type="uint8"), b=Address(at=5, type="uint8", byte="low"))
    assert finding.point == 1


def test_a_bit_inside_a_wider_value_is_a_mistake() -> None:
    (finding,) = found(power=Address(at=4, type="float32"), alarm=Address(at=5, type="bool", bits=(0, 0)))
    assert finding.text == "alarm (holding 5) overlaps power (holding 4..5)"


def test_parts_are_compared_one_by_one_and_told_once() -> None:
    (finding,) = found(
        a=Address(at=10), b=Address(at=20, type="uint32"), total=Address(registers=(10, 20), type="uint32")
    )
    assert (finding.point, finding.key) == (2, "registers")
    assert finding.text == "total (holding 10) overlaps a (holding 10)"


def test_a_point_does_not_overlap_itself() -> None:
    assert found(p=Address(registers=(5, 5), type="uint32")) == []


def test_places_are_told_as_they_are_on_the_wire() -> None:
    (finding,) = found(40000, a=Address(at=5), b=Address(at=5))
    assert finding.text == "b (holding 40005) overlaps a (holding 40005)"
