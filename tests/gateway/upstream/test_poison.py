"""When a message is condemned, and when it is the line or the hub that is to blame."""

from __future__ import annotations

from gateway.model import Stored
from gateway.upstream.poison import TRIES, Arrivals, Suspicion


def message(sequence: int) -> Stored:
    return Stored("a", 1, sequence, 0, "", b"")


def tries(suspicion: Suspicion, sequence: int, limit: int = 10_000) -> int:
    """How often it is tried alone until it is condemned."""
    for count in range(1, limit):
        if suspicion.broke(message(sequence), alone=True):
            return count
    raise AssertionError("never condemned")


def test_a_break_among_others_makes_a_suspect_and_no_verdict() -> None:
    suspicion = Suspicion(Arrivals())
    assert not suspicion.alone
    for _ in range(100):
        assert not suspicion.broke(message(1), alone=False)
    assert suspicion.alone


def test_the_one_that_breaks_it_alone_again_and_again_is_condemned() -> None:
    suspicion = Suspicion(Arrivals())
    suspicion.broke(message(1), alone=False)
    assert tries(suspicion, 1) == TRIES
    assert not suspicion.alone


def test_a_suspect_that_arrives_is_cleared() -> None:
    suspicion = Suspicion(Arrivals())
    for _ in range(TRIES - 1):
        suspicion.broke(message(1), alone=True)
    suspicion.arrived([message(1)])
    assert not suspicion.alone
    assert tries(suspicion, 1) == TRIES


def test_while_nothing_arrives_the_next_verdict_takes_eight_times_as_long() -> None:
    suspicion = Suspicion(Arrivals())
    assert [tries(suspicion, sequence) for sequence in (1, 2, 3)] == [TRIES, 8 * TRIES, 64 * TRIES]


def test_with_others_arriving_meanwhile_two_in_a_row_are_condemned_soon() -> None:
    arrivals = Arrivals()
    suspicion, other = Suspicion(arrivals), Suspicion(arrivals)
    assert tries(suspicion, 1) == TRIES
    suspicion.broke(message(2), alone=True)
    other.arrived([message(9)])
    assert tries(suspicion, 2) == TRIES - 1


def test_what_arrived_makes_the_next_verdict_cheap_again() -> None:
    suspicion = Suspicion(Arrivals())
    tries(suspicion, 1)
    suspicion.arrived([message(2)])
    assert tries(suspicion, 3) == TRIES


def test_a_suspect_that_has_gone_otherwise_slows_nothing_down_for_long() -> None:
    suspicion = Suspicion(Arrivals())
    suspicion.broke(message(1), alone=False)
    for sequence in range(2, 22):
        assert suspicion.alone
        suspicion.arrived([message(sequence)])
    assert not suspicion.alone


def test_few_suspects_are_remembered() -> None:
    suspicion = Suspicion(Arrivals())
    for sequence in range(1000):
        suspicion.broke(message(sequence), alone=True)
    assert tries(suspicion, 999) == TRIES - 1
    assert tries(Suspicion(Arrivals()), 0) == TRIES
