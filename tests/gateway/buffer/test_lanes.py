from __future__ import annotations

import pytest

from gateway.buffer.lanes import OVERHEAD_BYTES, SHARE_BYTES, Lane, Lanes
from gateway.buffer.port import Claim
from gateway.model import Stored

COST = 10 + OVERHEAD_BYTES
"""What one message of these tests takes of the window."""


def stored(first: int, last: int, identity: str = "a") -> list[Stored]:
    return [Stored(identity, 7, number, number * 100, "", b"0123456789") for number in range(first, last + 1)]


def lanes_with_room_for(messages: int) -> Lanes:
    return Lanes(window_bytes=messages * COST)


def in_use(lanes: Lanes, identity: str = "a") -> Lane:
    lane = lanes.lane(identity)
    lanes.used(lane)
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
    lanes.used(lane)
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
    other.claim = Claim("other", lanes.head(other, 2, 1000))
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
    lanes.used(lane)
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
    lanes.used(lane)
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
    lanes.used(lane)
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
