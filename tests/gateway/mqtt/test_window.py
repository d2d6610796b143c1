"""The window of unacknowledged messages: ids, order, the acknowledged prefix."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mqtt.window import UnknownAcknowledgement, Window


def messages(count: int) -> list[tuple[str, bytes]]:
    return [("t", b"%d" % index) for index in range(count)]


def ids(data: bytes) -> list[int]:
    """Packet identifiers of PUBLISH packets with the topic ``t``, read by hand."""
    found = []
    while data:
        assert data[0] == 0x32
        found.append(int.from_bytes(data[5:7], "big"))
        data = data[2 + data[1] :]
    return found


def test_writes_in_order_what_there_is_room_for() -> None:
    window = Window(2)
    window.load(messages(3))
    assert window.due() == bytes.fromhex("32 06 00 01 74 00 01 30  32 06 00 01 74 00 02 31")
    assert window.due() == b""
    window.acknowledge(1)
    assert window.due() == bytes.fromhex("32 06 00 01 74 00 03 32")


def test_is_finished_when_all_are_acknowledged() -> None:
    window = Window(20)
    window.load(messages(2))
    window.due()
    window.acknowledge(1)
    assert not window.finished
    window.acknowledge(2)
    assert window.finished


def test_counts_only_what_has_no_gap_before_it() -> None:
    window = Window(3)
    window.load(messages(3))
    window.due()
    window.acknowledge(3)
    window.acknowledge(2)
    assert window.acknowledged == 0
    window.acknowledge(1)
    assert window.acknowledged == 3


@pytest.mark.parametrize("packet_id", [2, 65_535])
def test_an_id_that_is_not_on_its_way_is_unknown(packet_id: int) -> None:
    window = Window(1)
    window.load(messages(2))
    window.due()
    with pytest.raises(UnknownAcknowledgement, match=f"packet {packet_id}"):
        window.acknowledge(packet_id)


def test_the_same_acknowledgement_twice_is_unknown() -> None:
    window = Window(2)
    window.load(messages(2))
    window.due()
    window.acknowledge(1)
    with pytest.raises(UnknownAcknowledgement):
        window.acknowledge(1)


def test_ids_begin_again_at_1_and_step_over_those_in_use() -> None:
    window = Window(2)
    window.load(messages(65_540))
    (stuck, _) = ids(window.due())
    seen = []
    for _ in range(65_536):
        current = window._last_id
        window.acknowledge(current)
        seen += ids(window.due())
    assert seen[65_533:65_536] == [2, 3, 4]
    assert stuck == 1
    assert 0 not in seen


@given(st.integers(1, 8), st.integers(1, 30), st.randoms(use_true_random=False))
def test_never_more_than_the_window_on_their_way_and_all_arrive(size: int, count: int, random: Random) -> None:
    window = Window(size)
    window.load(messages(count))
    on_their_way = ids(window.due())
    sent = len(on_their_way)
    while on_their_way:
        assert len(on_their_way) <= size
        window.acknowledge(on_their_way.pop(random.randrange(len(on_their_way))))
        more = ids(window.due())
        sent += len(more)
        on_their_way += more
    assert sent == count
    assert window.finished
