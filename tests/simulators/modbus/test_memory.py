"""What of a unit can be read."""

from __future__ import annotations

from simulators.modbus.memory import Memory
from simulators.modbus.points import Address, Point, Table, Type


def point(at: int, kind: Type = "uint16", table: Table = "holding") -> Point:
    return Point(f"{table}{at}", Address(at, table, kind))


def test_values_lie_at_their_addresses() -> None:
    memory = Memory([point(10, "uint32"), point(12), point(100, "int16")])
    memory.show([0x00010002, 3, -1])
    assert memory.read("holding", 10, 3) == [1, 2, 3]
    assert memory.read("holding", 11, 2) == [2, 3]
    assert memory.read("holding", 100, 1) == [0xFFFF]


def test_tables_are_apart() -> None:
    memory = Memory([point(0), point(0, table="input"), point(0, "bool", "coil"), point(3, "bool", "discrete")])
    memory.show([7, 8, True, False])
    assert memory.read("holding", 0, 1) == [7]
    assert memory.read("input", 0, 1) == [8]
    assert memory.read("coil", 0, 1) == [1]
    assert memory.read("discrete", 3, 1) == [0]
    assert memory.read("discrete", 0, 1) is None


def test_addresses_before_and_behind_the_points_are_not_there() -> None:
    memory = Memory([point(10), point(11)])
    memory.show([1, 2])
    for at, count in ((9, 1), (9, 2), (9, 3), (11, 2), (12, 1), (0, 1), (65535, 1), (5, 100)):
        assert memory.read("holding", at, count) is None


def test_small_gaps_can_be_read_along_and_large_ones_not() -> None:
    memory = Memory([point(0), point(9), point(19)], gap=8)
    memory.show([1, 2, 3])
    assert memory.read("holding", 0, 10) == [1, 0, 0, 0, 0, 0, 0, 0, 0, 2]
    assert memory.read("holding", 9, 11) is None
    assert memory.read("holding", 10, 1) is None
    assert memory.read("holding", 19, 1) == [3]


def test_without_gaps_only_points_can_be_read() -> None:
    memory = Memory([point(0), point(2)], gap=0)
    memory.show([1, 2])
    assert memory.read("holding", 0, 3) is None
    assert memory.read("holding", 2, 1) == [2]


def test_overlapping_points_leave_no_hole() -> None:
    memory = Memory([point(0, "uint64"), point(1), point(4)], gap=0)
    memory.show([0, 0, 5])
    assert memory.read("holding", 0, 5) == [0, 0, 0, 0, 5]


def test_parts_of_a_register_lie_beside_each_other() -> None:
    high = Point("high", Address(0, type="uint8", byte="high"))
    field = Point("field", Address(0, bits=(1, 3)))
    bit = Point("bit", Address(0, type="bool", bits=(0, 0)))
    memory = Memory([bit, high, field])
    assert memory.covered == set()
    memory.show([True, 0xAB, 5])
    assert memory.read("holding", 0, 1) == [0xAB0B]
    memory.show([False, 1, 0])
    assert memory.read("holding", 0, 1) == [0x0100]


def test_a_point_that_lies_on_another_shows_what_that_one_holds() -> None:
    word, bit = Point("word", Address(0)), Point("bit", Address(0, type="bool", bits=(0, 0)))
    memory = Memory([word, bit, point(1)])
    assert memory.covered == {1}
    memory.show([6, True, 9])
    assert memory.read("holding", 0, 2) == [6, 9]


def test_words_that_are_no_neighbours_leave_a_gap() -> None:
    memory = Memory([Point("total", Address(registers=(40, 72), type="uint32"))])
    memory.show([0x00010002])
    assert memory.read("holding", 40, 1) == [1]
    assert memory.read("holding", 72, 1) == [2]
    assert memory.read("holding", 41, 1) is None


def test_what_was_read_does_not_change_when_values_move() -> None:
    memory = Memory([point(0), point(1)])
    memory.show([1, 1])
    before = memory.read("holding", 0, 2)
    memory.show([2, 2])
    assert before == [1, 1]
    assert memory.read("holding", 0, 2) == [2, 2]


def test_what_is_written_stays_over_what_is_played() -> None:
    memory = Memory([Point("a", Address(3, "holding", "uint32")), Point("b", Address(5))], writable=True)
    memory.show([0x12345678, 7])
    assert memory.write("holding", 4, [9]) is None
    assert memory.read("holding", 3, 3) == [0x1234, 9, 7]
    memory.show([0x22223333, 8])
    assert memory.read("holding", 3, 3) == [0x2222, 9, 8]
    assert memory.written == {0}


def test_what_cannot_be_written_is_refused_in_the_words_of_the_protocol() -> None:
    points = [Point("a", Address(3)), Point("c", Address(0, "coil", "bool"))]
    assert Memory(points).write("holding", 3, [9]) == 1
    memory = Memory(points, writable=True)
    assert memory.write("holding", 3, [9, 9]) == 2
    assert memory.write("input", 3, [9]) == 2
    assert memory.write("coil", 0, [True]) is None
    assert memory.read("coil", 0, 1) == [1]
    assert memory.written == {1}
