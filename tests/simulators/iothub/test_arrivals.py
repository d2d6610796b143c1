"""Repeated, late and missing messages, told by their ids."""

from __future__ import annotations

import random

from simulators.iothub.arrivals import REMEMBERED, Arrivals, Numbers


def arrived(*numbers: int, epoch: str = "0a0b0c0d") -> Arrivals:
    arrivals = Arrivals("m-1")
    for number in numbers:
        arrivals.add(f"m-1-{epoch}-{number}", 10)
    return arrivals


def counts(arrivals: Arrivals) -> tuple[int, int, int, int]:
    return arrivals.messages, arrivals.duplicates, arrivals.out_of_order, arrivals.missing


def test_in_order_nothing_is_wrong() -> None:
    arrivals = arrived(1, 2, 3, 4)
    assert counts(arrivals) == (4, 0, 0, 0)
    assert arrivals.bytes == 40
    assert arrivals.last_message_id == "m-1-0a0b0c0d-4"


def test_a_resent_window_is_repetitions_and_not_disorder() -> None:
    assert counts(arrived(1, 2, 3, 4, 2, 3, 4, 5)) == (8, 3, 0, 0)


def test_a_gap_is_missing_until_it_is_filled() -> None:
    arrivals = arrived(1, 2, 6)
    assert counts(arrivals) == (3, 0, 0, 3)
    arrivals.add("m-1-0a0b0c0d-4", 10)
    assert counts(arrivals) == (4, 0, 1, 2)
    arrivals.add("m-1-0a0b0c0d-4", 10)
    assert counts(arrivals) == (5, 1, 1, 2)


def test_what_comes_before_the_first_is_late() -> None:
    assert counts(arrived(5, 2)) == (2, 0, 1, 2)
    assert counts(arrived(5, 4)) == (2, 0, 1, 0)


def test_a_new_epoch_begins_anew() -> None:
    arrivals = arrived(7, 8)
    arrivals.add("m-1-ffffffff-1", 10)
    assert counts(arrivals) == (3, 0, 0, 0)


def test_agrees_with_plain_bookkeeping() -> None:
    chance = random.Random(7)
    for _ in range(50):
        numbers = [chance.randint(1, 40) for _ in range(60)]
        sequence, seen, late = Numbers(numbers[0]), {numbers[0]}, 0
        for number in numbers[1:]:
            late += number not in seen and number < max(seen)
            assert sequence.add(number) == (number not in seen)
            seen.add(number)
        assert sequence.late == late
        assert sequence.missing == max(seen) - min(seen) + 1 - len(seen)


def test_a_jump_costs_nothing() -> None:
    assert arrived(1, 10**17).missing == 10**17 - 2


def test_other_ids_are_known_again_for_a_while() -> None:
    arrivals = Arrivals("m-1")
    for number in range(REMEMBERED + 1):
        arrivals.add(f"other-{number}", 1)
    arrivals.add(f"other-{REMEMBERED}", 1)
    assert arrivals.duplicates == 1
    arrivals.add("other-0", 1)
    assert arrivals.duplicates == 1


def test_messages_without_id_are_counted_only() -> None:
    arrivals = Arrivals("m-1")
    arrivals.add(None, 5)
    arrivals.add(None, 5)
    assert counts(arrivals) == (2, 0, 0, 0)
    assert arrivals.last_message_id is None
