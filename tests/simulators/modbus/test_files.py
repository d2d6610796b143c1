"""Files of a unit."""

from __future__ import annotations

from simulators.modbus.files import ILLEGAL_ADDRESS, ILLEGAL_FUNCTION, Files


def test_records_are_read_as_they_are_held() -> None:
    files = Files({4: [7, 8, 9]})
    assert files.read(4, 1, 2) == [8, 9]
    assert [files.read(*wanted) for wanted in ((4, 1, 3), (4, 3, 1), (4, 0, 0), (5, 0, 1))] == [ILLEGAL_ADDRESS] * 4


def test_groups_are_written_all_or_none() -> None:
    files = Files({1: [0, 0, 0], 2: [5]}, writable=True)
    assert files.write([(1, 1, [7, 8]), (2, 1, [9])]) == ILLEGAL_ADDRESS
    assert files.read(1, 0, 3) == [0, 0, 0]
    assert files.write([(1, 1, [7, 8]), (2, 0, [9])]) is None
    assert (files.read(1, 0, 3), files.read(2, 0, 1)) == ([0, 7, 8], [9])


def test_files_of_a_meter_cannot_be_written_and_the_list_stays_as_it_was() -> None:
    held = [1, 2]
    assert Files({1: held}).write([(1, 0, [9])]) == ILLEGAL_FUNCTION
    assert Files({1: held}, writable=True).write([(1, 0, [9])]) is None
    assert held == [1, 2]
