from __future__ import annotations

import pytest

from gateway.buffer.content import Extent
from gateway.buffer.lane import Cursor, Lane, restore
from gateway.buffer.lanes import FAR_BEHIND, OVERHEAD_BYTES, SHARE_BYTES, SPANS_LIMIT, Dropped, Lanes
from gateway.model import Priority, Stored

S_NS = 1_000_000_000

COST = 10 + OVERHEAD_BYTES
"""What one message of these tests takes of the window."""


def stored(first: int, last: int, identity: str = "a") -> list[Stored]:
    return [Stored(identity, 7, number, number * 100, "", b"0123456789") for number in range(first, last + 1)]


def lanes_with_room_for(messages: int) -> Lanes:
    return Lanes(window_bytes=messages * COST)


def in_use(lanes: Lanes, identity: str = "a") -> Lane:
    lane = lanes.lane(identity)
    lanes.used(lanes.bundle(identity))
    return lane


def window(lane: Lane) -> list[int]:
    return [held.message.sequence for held in lane.window]


def test_what_was_stored_stands_in_the_window_of_a_lane_in_use() -> None:
    lanes = lanes_with_room_for(10)
    lane = in_use(lanes)
    lanes.stored(lane, 1, stored(1, 2))
    lanes.stored(lane, 2, stored(3, 3))
    assert window(lane) == [1, 2, 3]
    assert (lane.behind, lane.waiting, lane.highest, lane.oldest_ns) == (False, 3, 3, 100)
    assert lanes.used_bytes == lane.window_bytes == 3 * COST


def test_a_lane_that_nobody_claims_from_has_no_window() -> None:
    lanes = lanes_with_room_for(10)
    lane = lanes.lane("a")
    lanes.stored(lane, 4, stored(1, 2))
    lanes.stored(lane, 5, stored(3, 4))
    assert window(lane) == []
    assert (lane.behind, lane.position, lane.waiting, lane.oldest_ns, lanes.used_bytes) == (True, 4, 4, 100, 0)


def test_what_has_no_room_waits_on_the_disk_and_so_does_all_after_it() -> None:
    lanes = lanes_with_room_for(3)
    lane = in_use(lanes)
    lanes.stored(lane, 1, stored(1, 2))
    lanes.stored(lane, 2, stored(3, 4))
    lanes.stored(lane, 3, stored(5, 5))
    assert window(lane) == [1, 2]
    assert (lane.behind, lane.position, lane.highest, lane.waiting) == (True, 2, 5, 5)


def test_what_is_read_back_follows_and_leaves_out_what_is_there() -> None:
    lanes = lanes_with_room_for(10)
    lane = lanes.lane("a")
    lanes.stored(lane, 1, stored(1, 3))
    in_use(lanes)
    lanes.read_back(lane, 1, stored(1, 2))
    lanes.read_back(lane, 1, stored(1, 3))
    assert window(lane) == [1, 2, 3]
    assert (lane.behind, lane.position) == (False, 2)


@pytest.mark.parametrize(
    ("max_messages", "max_bytes", "taken"),
    [(20, 1000, 5), (3, 1000, 3), (20, 35, 3), (20, 30, 3), (20, 29, 2), (20, 1, 1), (0, 1000, 1)],
)
def test_the_head_is_at_least_one_message_and_keeps_to_the_limits(
    max_messages: int, max_bytes: int, taken: int
) -> None:
    lanes = lanes_with_room_for(10)
    lane = in_use(lanes)
    lanes.stored(lane, 1, stored(1, 5))
    assert [one.sequence for one in lanes.head(lane, max_messages, max_bytes)] == list(range(1, taken + 1))


def test_the_head_of_an_empty_window_is_empty() -> None:
    lanes = lanes_with_room_for(10)
    assert lanes.head(lanes.lane("a"), 20, 1000) == ()


def test_an_acknowledgement_tells_how_much_of_which_frame_is_done_with() -> None:
    lanes = lanes_with_room_for(10)
    lane = in_use(lanes)
    lanes.stored(lane, 1, stored(1, 3))
    lanes.stored(lane, 2, stored(4, 6))
    assert lanes.acknowledge(lane, 4) == {1: 3, 2: 1}
    assert window(lane) == [5, 6]
    assert (lane.acked, lane.waiting, lanes.used_bytes) == (4, 2, 2 * COST)
    assert lanes.acknowledge(lane, 6) == {2: 2}
    assert (lane.acked, lane.waiting, lane.oldest_ns, lanes.used_bytes) == (6, 0, None, 0)


def test_acknowledging_what_was_dropped_meanwhile_changes_nothing() -> None:
    lanes = lanes_with_room_for(10)
    lane = in_use(lanes)
    lanes.stored(lane, 1, stored(1, 3))
    lanes.stored(lane, 2, stored(4, 6))
    lanes.cut(lane, last=3, count=3, frame=1, last_ns=300)
    assert lanes.acknowledge(lane, 2) == {}
    assert window(lane) == [4, 5, 6]
    assert (lane.acked, lane.waiting, lanes.used_bytes) == (3, 3, 3 * COST)


def test_a_lane_behind_is_cut_before_what_it_would_read_next() -> None:
    lanes = lanes_with_room_for(10)
    lane = lanes.lane("a")
    for frame in (1, 2, 3):
        lanes.stored(lane, frame, stored(frame * 2 - 1, frame * 2))
    lanes.cut(lane, last=4, count=4, frame=2, last_ns=400)
    assert (lane.acked, lane.loaded, lane.position, lane.waiting, lane.behind) == (4, 4, 3, 2, True)
    assert lane.oldest_ns == 400, "no later than the truth, 500"


def test_a_cut_leaves_what_is_further_on_in_the_window() -> None:
    lanes = lanes_with_room_for(4)
    lane = in_use(lanes)
    lanes.stored(lane, 1, stored(1, 2))
    lanes.stored(lane, 2, stored(3, 4))
    lanes.stored(lane, 3, stored(5, 6))
    lanes.cut(lane, last=2, count=2, frame=1, last_ns=200)
    assert window(lane) == [3, 4]
    assert (lane.loaded, lane.position) == (4, 3)


def test_room_is_made_by_the_lane_claimed_from_longest_ago() -> None:
    lanes = lanes_with_room_for(6)
    idle, busy, wanting = in_use(lanes, "idle"), in_use(lanes, "busy"), in_use(lanes, "wanting")
    lanes.stored(idle, 1, stored(1, 3, "idle"))
    lanes.stored(busy, 2, stored(1, 3, "busy"))
    lanes.make_room(wanting, 2 * COST)
    assert window(idle) == [1]
    assert window(busy) == [1, 2, 3]
    assert (idle.behind, idle.loaded, idle.position, idle.waiting) == (True, 1, 1, 3)
    assert lanes.used_bytes == 4 * COST


def test_a_claim_that_is_out_gives_no_room() -> None:
    lanes = lanes_with_room_for(3)
    other = in_use(lanes, "other")
    lanes.stored(other, 1, stored(1, 3, "other"))
    lanes.bundle("other").take(other, lanes.head(other, 2, 1000))
    lanes.make_room(in_use(lanes), 3 * COST)
    assert window(other) == [1, 2]


def test_windows_stay_bounded_whatever_is_stored() -> None:
    lanes = lanes_with_room_for(50)
    every = [in_use(lanes, f"dev-{number}") for number in range(20)]
    for frame in range(100):
        for lane in every:
            lanes.stored(lane, frame, stored(frame + 1, frame + 1, lane.identity))
    assert lanes.used_bytes <= 50 * COST
    assert sum(len(lane.window) for lane in every) == 50
    assert sum(lane.waiting for lane in every) == 2000


def test_a_frame_read_for_another_serves_a_lane_that_would_read_it_next() -> None:
    lanes = lanes_with_room_for(10)
    lane = lanes.lane("a")
    lanes.stored(lane, 5, stored(1, 3))
    lanes.stored(lane, 6, stored(4, 6))
    assert not lanes.wants(lane, 5, 1, 3), "nobody claims from it"
    in_use(lanes)
    assert lanes.wants(lane, 5, 1, 3)
    assert not lanes.wants(lane, 6, 4, 6), "1 to 3 come first"
    lanes.read_back(lane, 5, stored(1, 3))
    assert lanes.wants(lane, 6, 4, 6)
    lanes.read_back(lane, 6, stored(4, 6))
    assert not lanes.wants(lane, 6, 4, 6), "it has them"


def test_no_lane_is_served_beyond_the_window() -> None:
    lanes = lanes_with_room_for(1)
    full, lane = in_use(lanes, "full"), lanes.lane("a")
    lanes.stored(full, 1, stored(1, 1, "full"))
    lanes.stored(lane, 2, stored(1, 1))
    in_use(lanes)
    assert not lanes.wants(lane, 2, 1, 1)


def test_each_lane_in_use_has_its_share() -> None:
    lanes = Lanes()
    assert lanes.share_bytes() == SHARE_BYTES
    for number in range(1000):
        in_use(lanes, f"dev-{number}")
    assert lanes.share_bytes() * 1000 <= lanes.window_bytes


def test_what_cannot_be_read_is_passed_over() -> None:
    lanes = lanes_with_room_for(10)
    lane = lanes.lane("a")
    for frame in (1, 2, 3):
        lanes.stored(lane, frame, stored(frame, frame))
    in_use(lanes)
    lanes.lost(lane, last=1, count=1, frame=1)
    assert (lane.acked, lane.loaded, lane.position, lane.waiting) == (1, 1, 2, 2)
    lanes.read_back(lane, 2, stored(2, 2))
    lanes.lost(lane, last=3, count=1, frame=3)
    assert (lane.acked, lane.waiting, lane.behind) == (1, 1, False), "2 is still on its way"
    lanes.acknowledge(lane, 2)
    assert (lane.acked, lane.waiting) == (3, 0)


def test_sequences_in_doubt_are_passed_over_for_good() -> None:
    lanes = lanes_with_room_for(10)
    lane = in_use(lanes)
    lanes.stored(lane, 1, stored(1, 2))
    lanes.pass_over(lane, 5)
    lanes.stored(lane, 3, stored(6, 7))
    assert window(lane) == [1, 2, 6, 7]
    assert (lane.highest, lane.waiting, lane.behind) == (7, 4, False)


def test_a_lane_that_is_behind_stays_so_when_sequences_are_passed_over() -> None:
    lanes = lanes_with_room_for(10)
    lane = lanes.lane("a")
    lanes.stored(lane, 1, stored(1, 2))
    lanes.pass_over(lane, 5)
    assert (lane.loaded, lane.position, lane.highest, lane.behind) == (0, 1, 5, True)


def test_age_is_known_while_the_head_is_on_the_disk() -> None:
    lanes = lanes_with_room_for(1)
    lane = in_use(lanes)
    lanes.stored(lane, 1, stored(1, 1))
    lanes.stored(lane, 2, stored(2, 3))
    lanes.acknowledge(lane, 1)
    assert lane.oldest_ns == 100, "no later than the truth, 200, until it is read back"
    lanes.read_back(lane, 2, stored(2, 3))
    assert lane.oldest_ns == 200


# Parked and stale.


def test_a_parked_identity_has_no_window_until_it_is_claimed_from_again() -> None:
    lanes = lanes_with_room_for(20)
    lane, alarms = in_use(lanes), lanes.lane("a", Priority.ALARM)
    lanes.stored(lane, 1, stored(1, 3))
    lanes.stored(alarms, 2, stored(1, 2))
    lanes.park(lanes.bundle("a"), "not authorized")
    assert (window(lane), window(alarms), lanes.used_bytes) == ([], [], 0)
    assert (lane.position, lane.waiting, lane.behind) == (1, 3, True)
    lanes.stored(lane, 3, stored(4, 4))
    assert window(lane) == []
    assert lanes.parked() == {"a": "not authorized"}
    in_use(lanes)
    assert lanes.parked() == {}
    lanes.read_back(lane, 1, stored(1, 3))
    assert window(lane) == [1, 2, 3]


def test_what_is_in_flight_stays_when_its_identity_is_parked() -> None:
    lanes = lanes_with_room_for(20)
    lane = in_use(lanes)
    lanes.stored(lane, 1, stored(1, 5))
    lanes.bundle("a").take(lane, lanes.head(lane, 2, 1000))
    lanes.park(lanes.bundle("a"), "throttled")
    assert window(lane) == [1, 2]
    assert lanes.acknowledge(lane, 2) == {1: 2}


def test_an_identity_drains_if_something_of_it_arrived_lately() -> None:
    lanes = lanes_with_room_for(20)
    for identity, at_s in (("a", 100.0), ("b", 150.0)):
        lanes.bundle(identity).acked_s = at_s
    lanes.bundle("c")
    assert lanes.draining(since=120.0) == {"b"}
    assert lanes.draining(since=100.0) == {"a", "b"}


# Split, so that what is new goes first.


def seconds(first: int, last: int, identity: str = "a") -> list[Stored]:
    """Messages one second apart."""
    return [Stored(identity, 7, number, number * S_NS, "", b"0123456789") for number in range(first, last + 1)]


def split_at(lanes: Lanes, last: int) -> Lane:
    """A lane with sequences 1 to ``last`` in its older span, ten a frame, and nothing new."""
    lane = in_use(lanes)
    for frame in range(last // 10):
        lanes.stored(lane, frame + 1, seconds(frame * 10 + 1, frame * 10 + 10))
    assert lanes.split(lane)
    return lane


def test_what_waits_becomes_a_span_of_its_own() -> None:
    lanes = lanes_with_room_for(60)
    lane = split_at(lanes, 120)
    (old,) = lane.before
    assert (old.acked, old.loaded, old.highest, old.waiting, old.position) == (0, 60, 120, 120, 7)
    assert (lane.acked, lane.loaded, lane.highest, lane.waiting, window(lane)) == (120, 120, 120, 0, [])
    assert (lane.all_waiting, lane.oldest_ns) == (120, S_NS)
    assert lane.cursor == ("a", Priority.TELEMETRY, 120, 120, ((120, 0),))
    assert lane.spans == (old, lane)


@pytest.mark.parametrize("messages", [stored(1, 2 * FAR_BEHIND), seconds(1, FAR_BEHIND - 1)])
def test_a_lane_with_little_or_young_messages_is_not_split(messages: list[Stored]) -> None:
    lanes = lanes_with_room_for(10)
    lane = in_use(lanes)
    lanes.stored(lane, 1, messages)
    assert not lanes.split(lane)
    assert lane.before == []


def test_it_is_split_again_while_an_older_span_waits_but_not_without_end() -> None:
    lanes = lanes_with_room_for(10)
    lane = split_at(lanes, 100)
    for part in range(1, SPANS_LIMIT + 5):
        lanes.stored(lane, 10 + part, seconds(part * 100 + 1, part * 100 + 100))
        assert lanes.split(lane) is (part < SPANS_LIMIT)
    assert [span.highest for span in lane.before] == [100 * part for part in range(1, SPANS_LIMIT + 1)]
    assert lane.all_waiting == (SPANS_LIMIT + 5) * 100


def test_an_older_span_takes_nothing_of_what_came_after_it() -> None:
    lanes = lanes_with_room_for(60)
    lane = split_at(lanes, 120)
    (old,) = lane.before
    lanes.acknowledge(old, 60)
    lanes.stored(lane, 13, seconds(121, 122))
    assert lanes.wants(old, 7, 61, 70)
    lanes.read_back(old, 12, seconds(61, 122))
    assert window(old) == list(range(61, 121))
    assert not old.behind


def test_a_drained_span_is_gone() -> None:
    lanes = lanes_with_room_for(200)
    lane = split_at(lanes, 120)
    (old,) = lane.before
    lanes.acknowledge(old, 119)
    assert lane.before == [old]
    lanes.acknowledge(old, 120)
    assert lane.before == []
    assert lane.cursor == ("a", Priority.TELEMETRY, 120, 120, ())


def test_a_lost_span_is_gone() -> None:
    lanes = lanes_with_room_for(10)
    lane = split_at(lanes, 120)
    (old,) = lane.before
    lanes.acknowledge(old, 10)
    lanes.lost(old, last=120, count=110, frame=12)
    assert lane.before == []


# What the disk does with segments.


def extent(first: int, last: int, frame: int = 1) -> Extent:
    return Extent(first, last, last - first + 1, frame, first * S_NS, last * S_NS)


def test_at_the_opening_each_span_goes_on_where_it_stood() -> None:
    lanes = lanes_with_room_for(10)
    lane = lanes.lane("a")
    restore(lane, Cursor("a", Priority.TELEMETRY, acked=210, highest=250, spans=((100, 40), (200, 200))))
    assert [lanes.take_in(lane, one) for one in (extent(1, 150, 5), extent(151, 260, 9))] == [60, 50]
    lanes.taken_in()
    (old,) = lane.before
    assert (old.acked, old.loaded, old.highest, old.waiting, old.position) == (40, 40, 100, 60, 5)
    assert (lane.acked, lane.loaded, lane.highest, lane.waiting, lane.position) == (210, 210, 260, 50, 9)
    assert lane.oldest_ns == S_NS


def test_at_the_opening_a_lane_of_which_nothing_is_there_waits_for_nothing() -> None:
    lanes = lanes_with_room_for(10)
    lane = lanes.lane("a")
    restore(lane, Cursor("a", Priority.TELEMETRY, acked=10, highest=30))
    lanes.taken_in()
    assert (lane.loaded, lane.highest, lane.behind, lane.waiting) == (30, 30, False, 0)


def test_a_dropped_segment_is_cut_out_of_all_spans() -> None:
    lanes = lanes_with_room_for(10)
    lane = split_at(lanes, 120)
    lanes.stored(lane, 13, seconds(121, 140))
    (old,) = lane.before
    lanes.acknowledge(old, 5)
    assert lanes.waiting(lane, extent(1, 130)) == 125
    assert lanes.drop(lane, extent(1, 60), 6) == Dropped(55, 6, 60)
    assert (old.acked, old.waiting, lane.acked) == (60, 60, 120)
    assert lanes.drop(lane, extent(61, 130), 13) == Dropped(70, 61, 130)
    assert lane.before == []
    assert (lane.acked, lane.waiting) == (130, 10)
    assert lanes.drop(lane, extent(61, 130), 13) is None


def test_what_was_thinned_waits_no_more_in_its_span() -> None:
    lanes = lanes_with_room_for(10)
    lane = split_at(lanes, 120)
    lanes.thinned(lane, 30, 40)
    assert [span.waiting for span in lane.spans] == [90, 0]


def test_what_is_rewritten_leaves_the_window_but_not_what_is_in_flight() -> None:
    lanes = lanes_with_room_for(20)
    lane = in_use(lanes)
    for frame in (1, 2, 3):
        lanes.stored(lane, frame, stored(frame * 2 - 1, frame * 2))
    assert lanes.claimed(lane) == 0
    lanes.bundle("a").take(lane, lanes.head(lane, 3, 1000))
    assert lanes.claimed(lane) == 3
    lanes.unload(lane, 3)
    assert window(lane) == [1, 2, 3, 4]
    lanes.unload(lane, 1)
    assert window(lane) == [1, 2, 3]
    assert (lane.loaded, lane.position, lane.behind) == (3, 2, True)
