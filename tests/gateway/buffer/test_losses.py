from __future__ import annotations

from gateway.buffer.losses import Damage, Episode, Losses
from gateway.buffer.port import Loss
from gateway.model import Priority

T = Priority.TELEMETRY


def loss(identity: str, first: int, last: int, reason: str = "quota") -> Loss:
    return Loss(reason, identity, T, last - first + 1, first, last, first * 10**9, last * 10**9)


def test_sums_up_by_reason_and_identity_with_the_span() -> None:
    losses = Losses()
    assert losses.add(loss("a", 1, 10))
    assert losses.add(loss("a", 11, 15))
    assert losses.add(loss("b", 3, 3))
    assert losses.add(loss("a", 20, 21, "damaged"))
    assert losses.all["quota", "a", T] == Loss("quota", "a", T, 15, 1, 15, 10**9, 15 * 10**9)
    assert losses.since_opened == {"quota": 16, "damaged": 2}


def test_what_lies_before_what_was_lost_earlier_counts_in_full() -> None:
    losses = Losses()
    losses.add(loss("a", 90, 99, "damaged"))
    losses.add(loss("a", 10, 14, "damaged"))
    assert losses.all["damaged", "a", T] == Loss("damaged", "a", T, 15, 10, 99, 10 * 10**9, 99 * 10**9)


def test_damage_that_a_restart_meets_again_is_not_counted_again_and_other_damage_is() -> None:
    losses = Losses()
    assert losses.add(loss("a", 1, 10, "damaged"), Damage(T, 7, "a"))
    changed, damaged = losses.changes()
    again = Losses()
    again.restore([losses.all[key] for key in changed], losses.gaps(), damaged)
    assert not again.add(loss("a", 1, 10, "damaged"), Damage(T, 7, "a"))
    assert again.add(loss("a", 1, 10, "damaged"), Damage(T, 8, "a"))
    assert again.add(loss("b", 1, 3, "damaged"), Damage(T, 7, "b"))
    assert again.all["damaged", "a", T].messages == 20
    assert again.since_opened == {"damaged": 13}


def test_a_loss_without_a_time_does_not_move_the_span() -> None:
    losses = Losses()
    losses.add(loss("a", 5, 6))
    losses.add(Loss("quota", "a", T, 1, 7, 7, 0, 0))
    assert losses.all["quota", "a", T][-2:] == (5 * 10**9, 6 * 10**9)


def test_what_was_told_is_told_once_and_what_came_meanwhile_is_still_to_be_told() -> None:
    losses = Losses()
    losses.add(loss("a", 1, 10))
    losses.add(loss("b", 1, 1))
    told = losses.gaps()
    losses.add(loss("a", 11, 13))
    losses.told(told)
    assert losses.gaps() == [Loss("quota", "a", T, 3, 11, 13, 10 * 10**9, 13 * 10**9)]
    losses.told(losses.gaps())
    losses.told(told)
    assert losses.gaps() == []
    assert losses.all["quota", "a", T].messages == 13


def test_changes_that_could_not_be_written_are_given_again() -> None:
    losses = Losses()
    assert not losses.changed
    losses.add(loss("a", 1, 1), Damage(T, 1, "a"))
    assert losses.changed
    changes = losses.changes()
    assert not losses.changed
    losses.again(*changes)
    assert losses.changes() == changes == ({("quota", "a", T)}, {Damage(T, 1, "a")})


def test_an_episode_tells_how_many_of_how_many_and_from_when() -> None:
    episode = Episode()
    episode.note(loss("a", 1, 10))
    episode.note(loss("b", 5, 60))
    assert episode.summary() == (
        "66 messages of 2 identities, measured from 1970-01-01T00:00:01Z to 1970-01-01T00:01:00Z"
    )


def test_an_episode_without_a_loss_has_no_span() -> None:
    assert Episode().summary() == "0 messages of 0 identities"
