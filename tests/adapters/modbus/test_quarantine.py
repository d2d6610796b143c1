"""How an illegal address is found among its neighbours, left out, and tried again."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Collection

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.modbus.quarantine import AT_A_TIME, FIRST_PAUSE_S, LONGEST_PAUSE_S, Patchwork, Turn

Legal = Callable[[range], bool]


def without(*illegal: int) -> Legal:
    return lambda span: not any(piece in span for piece in illegal)


def other_than(wrong: range) -> Legal:
    return lambda span: span != wrong


def scan(patch: Patchwork, legal: Legal, now: float = 0.0) -> list[range]:
    """One turn, told to the patchwork; what was asked, the trial of a seam last."""
    turn = patch.turn(now)
    trial = patch.trial(now)
    for span in turn.asked:
        if legal(span):
            patch.answered(span)
        else:
            patch.refused(span, now)
    if trial is not None and legal(trial):
        patch.healed(trial)
    return [*turn.asked, *([trial] if trial else [])]


def searched(patch: Patchwork, legal: Legal, now: float = 0.0) -> int:
    """Scans until the search is over."""
    scan(patch, legal, now)
    scans = 1
    while patch.searching:
        scan(patch, legal, now)
        scans += 1
    return scans


def covered(spans: Collection[range]) -> list[int]:
    return sorted(piece for span in spans for piece in span)


def test_what_is_answered_is_asked_whole() -> None:
    patch = Patchwork(100)
    assert [scan(patch, without()) for _ in range(3)] == [[range(100)]] * 3
    assert not patch.searching
    assert patch.until == math.inf


def test_the_halves_of_what_is_refused_are_asked_next() -> None:
    patch = Patchwork(8)
    asked = [scan(patch, without(5)) for _ in range(5)]
    assert asked == [
        [range(8)],
        [range(4), range(4, 8)],
        [range(4), range(4, 6), range(6, 8)],
        [range(4), range(4, 5), range(5, 6), range(6, 8)],
        [range(5), range(6, 8)],
    ]
    assert patch.turn(0.0).left == (range(5, 6),)


@pytest.mark.parametrize("illegal", [0, 1, 37, 62, 63, 99])
def test_one_bad_address_among_100_is_found_in_7_more_scans_with_two_requests_each(illegal: int) -> None:
    patch = Patchwork(100)
    scan(patch, without(illegal))
    before = 0
    requests = 0
    scans = 0
    while patch.searching:
        asked = scan(patch, without(illegal))
        requests += len(asked) - before
        before = len(asked) - AT_A_TIME + 1
        scans += 1
    assert scans <= 7
    assert requests <= 14
    assert len(scan(patch, without(illegal))) == (1 if illegal in (0, 99) else 2), "the rest is put together again"


def test_it_is_said_once_when_a_piece_is_quarantined_and_once_when_it_is_answered() -> None:
    patch = Patchwork(2)
    patch.refused(range(2), 0.0)
    assert patch.answered(range(1)) == []
    assert patch.refused(range(1, 2), 0.0) == 1
    assert patch.turn(FIRST_PAUSE_S).asked == (range(1), range(1, 2))
    assert patch.refused(range(1, 2), FIRST_PAUSE_S) is None
    patch.turn(10 * FIRST_PAUSE_S)
    assert patch.answered(range(1, 2)) == [1]
    assert patch.turn(10 * FIRST_PAUSE_S).asked == (range(2),)


def test_quarantine_grows_from_a_minute_to_an_hour() -> None:
    patch = Patchwork(1)
    now, pauses = 0.0, []
    for _ in range(9):
        patch.turn(now)
        patch.refused(range(1), now)
        assert patch.turn(now + 1).asked == ()
        pauses.append(patch.until - now)
        now = patch.until
    assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600, LONGEST_PAUSE_S]


def test_a_device_that_refused_everything_for_a_while_costs_one_request_to_come_back() -> None:
    patch = Patchwork(16)
    searched(patch, lambda span: False)
    assert covered(patch.turn(1.0).left) == list(range(16))
    now = patch.until
    assert scan(patch, without(), now) == [range(16)]
    assert scan(patch, without(), now) == [range(16)]
    assert not patch.searching


def test_many_bad_addresses_are_searched_two_at_a_time() -> None:
    patch = Patchwork(64)
    scan(patch, lambda span: False)
    while patch.searching:
        assert len(scan(patch, lambda span: False)) <= AT_A_TIME


def test_a_gap_that_must_not_be_read_along_is_cut_and_stays_cut() -> None:
    def legal(span: range) -> bool:
        return not (3 in span and 4 in span)

    patch = Patchwork(10)
    searched(patch, legal)
    assert scan(patch, legal) == [range(4), range(4, 10)]
    assert patch.turn(0.0).left == ()
    assert patch.until == math.inf


def test_a_device_with_a_shorter_longest_read_is_read_in_shorter_blocks() -> None:
    def legal(span: range) -> bool:
        return len(span) <= 30

    patch = Patchwork(100)
    searched(patch, legal)
    searched(patch, legal)  # what was put together again was still too long
    assert scan(patch, legal) == [range(25), range(25, 50), range(50, 75), range(75, 100)]
    assert not patch.searching


def test_a_part_without_an_answer_lets_the_others_be_tried_first() -> None:
    patch = Patchwork(16)
    patch.refused(range(16), 0.0)
    patch.refused(range(8), 0.0)
    patch.refused(range(8, 16), 0.0)
    (first, second) = patch.turn(0.0).asked
    patch.passed_over(first)
    patch.passed_over(second)
    assert patch.turn(0.0).asked == (range(8, 12), range(12, 16))


def test_a_released_piece_is_tried_at_once_and_keeps_its_pause() -> None:
    patch = Patchwork(1)
    patch.refused(range(1), 0.0)
    patch.release()
    assert patch.turn(1.0).asked == (range(1),)
    patch.refused(range(1), 1.0)
    assert patch.until == 1.0 + 2 * FIRST_PAUSE_S


@settings(deadline=None)
@given(st.integers(1, 30), st.sets(st.integers(0, 29)), st.sets(st.integers(1, 29)), st.integers(1, 30))
def test_whatever_a_device_refuses_all_that_can_be_read_is_read(
    count: int, illegal: set[int], gaps: set[int], longest: int
) -> None:
    def legal(span: range) -> bool:
        return without(*illegal)(span) and len(span) <= longest and gaps.isdisjoint(span[1:])

    patch = Patchwork(count)
    for _ in range(10 * count + 10):
        turn = patch.turn(0.0)
        assert covered([*turn.asked, *turn.left]) == list(range(count)), "each piece is in exactly one span"
        scan(patch, legal)
    assert not patch.searching
    turn = patch.turn(0.0)
    assert covered(turn.asked) == [piece for piece in range(count) if piece not in illegal]
    assert all(map(legal, turn.asked))


def test_a_span_of_which_nothing_is_there_is_held_whole_and_tried_whole() -> None:
    patch = Patchwork(5)
    assert patch.unknown(range(5), 0.0) == [0, 1, 2, 3, 4]
    assert patch.turn(1.0) == Turn((), (range(5),))
    assert patch.until == FIRST_PAUSE_S
    assert patch.turn(FIRST_PAUSE_S).asked == (range(5),)
    assert patch.unknown(range(5), FIRST_PAUSE_S) == []
    assert patch.until == 3 * FIRST_PAUSE_S
    assert patch.turn(3 * FIRST_PAUSE_S).asked == (range(5),)
    assert patch.answered(range(5)) == [0, 1, 2, 3, 4]
    assert patch.turn(0.0) == Turn((range(5),), ())


def test_after_refusals_that_come_and_go_all_is_in_one_span_and_all_that_is_well_is_read() -> None:
    for seed in range(300):
        chance = random.Random(seed)
        count, now = chance.randint(4, 40), 0.0
        patch = Patchwork(count)
        illegal = {piece for piece in range(count) if chance.random() < 0.1}
        for turn in range(500):
            flaky = 0.05 if turn < 100 else 0.0
            now += chance.choice((1, 1, 1, 30, 400)) if flaky else 60
            found = patch.turn(now)
            assert sorted(piece for span in found.asked + found.left for piece in span) == list(range(count)), seed
            for span in found.asked:
                if illegal & set(span) or chance.random() < flaky:
                    patch.refused(span, now)
                else:
                    patch.answered(span)
        # The longest pause and a search have passed many times: a turn on which nothing is retried shows the rest.
        well = set(range(count)) - illegal
        read: set[int] = set()
        for _ in range(20):
            now += 1
            found = patch.turn(now)
            read = set()
            for span in found.asked:
                if illegal & set(span):
                    patch.refused(span, now)
                else:
                    patch.answered(span)
                    read.update(span)
        assert not patch.searching, seed
        assert read == well, seed


def test_a_refusal_of_the_moment_leaves_no_seam_for_long() -> None:
    patch = Patchwork(100)
    chance = random.Random(1)
    for hour in range(24):
        now = 3600.0 * hour
        wrong = chance.choice(patch.turn(now).asked)
        scan(patch, other_than(wrong), now)
        for second in range(10, 3600, 10):
            scan(patch, without(), now + second)
        assert patch.turn(now + 3600).asked == (range(100),), hour


def test_a_seam_with_a_reason_costs_one_request_more_an_hour_at_last_and_spoils_nothing() -> None:
    patch = Patchwork(40)
    scans = [scan(patch, lambda span: len(span) <= 16, now) for now in map(float, range(0, 86_400, 10))]
    parts = len(patch.turn(86_400.0).asked)
    assert parts <= 4
    settled = scans[30:]
    trials = sum(len(asked) > parts for asked in settled)
    assert 24 <= trials <= (parts - 1) * (24 + 7)
    assert all(covered(asked[:parts]) == list(range(40)) for asked in settled), "each piece is read every time"


@settings(max_examples=200, deadline=None)
@given(
    st.integers(1, 30),
    st.lists(st.sets(st.integers(0, 29), max_size=5), min_size=1, max_size=4),
    st.integers(0, 2**32),
)
def test_whatever_was_illegal_before_a_steady_device_ends_with_the_fewest_requests(
    count: int, changes: list[set[int]], seed: int
) -> None:
    patch, now, chance = Patchwork(count), 0.0, random.Random(seed)
    for illegal in changes:
        for _ in range(chance.randrange(1, 20)):
            now += chance.choice((1.0, 30.0, 400.0))
            scan(patch, without(*illegal), now)
    for _ in range(200):
        now += 600.0
        asked = scan(patch, without(*changes[-1]), now)
        assert len(asked) <= count + 1
    legal = [piece for piece in range(count) if piece not in changes[-1]]
    runs = sum(piece - 1 not in legal for piece in legal)
    found = patch.turn(now).asked
    assert covered([span for span in found if span[0] in legal]) == legal
    assert sum(span[0] in legal for span in found) == runs
