from __future__ import annotations

from gateway.buffer.losses import Episode, Loss, Losses


def loss(identity: str, first: int, last: int, reason: str = "quota") -> Loss:
    return Loss(reason, identity, last - first + 1, first, last, first * 10**9, last * 10**9)


def test_sums_up_by_reason_and_identity_with_the_span() -> None:
    losses = Losses()
    assert losses.add(loss("a", 1, 10))
    assert losses.add(loss("a", 11, 15))
    assert losses.add(loss("b", 3, 3))
    assert losses.add(loss("a", 20, 21, "damaged"))
    assert losses.all["quota", "a"] == Loss("quota", "a", 15, 1, 15, 10**9, 15 * 10**9)
    assert losses.since_opened == {"quota": 16, "damaged": 2}


def test_damage_that_a_restart_meets_again_is_not_counted_again() -> None:
    losses = Losses()
    losses.all["damaged", "a"] = loss("a", 1, 10, "damaged")
    assert not losses.add(loss("a", 4, 10, "damaged"))
    assert losses.add(loss("a", 9, 12, "damaged"))
    assert losses.all["damaged", "a"].messages == 12
    assert losses.since_opened == {"damaged": 2}


def test_an_episode_tells_how_many_of_how_many_and_from_when() -> None:
    episode = Episode()
    episode.note(loss("a", 1, 10))
    episode.note(loss("b", 5, 60))
    assert episode.summary() == (
        "66 messages of 2 identities, measured from 1970-01-01T00:00:01Z to 1970-01-01T00:01:00Z"
    )


def test_an_episode_without_a_loss_has_no_span() -> None:
    assert Episode().summary() == "0 messages of 0 identities"
