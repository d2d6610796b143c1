from __future__ import annotations

import pytest

from gateway.buffer import content
from gateway.buffer.columns import TableDamaged
from gateway.buffer.content import Content, Extent
from gateway.buffer.frames import encode
from gateway.model import Message


def held() -> Content:
    """Frames 5 and 6: two and three messages of a, one of b."""
    found: Content = {}
    a = [Message("a", at_ns, "", b"") for at_ns in (10, 20, 30, 40, 50)]
    content.add(found, 5, encode(5, 1, {"a": (1, a[:2]), "b": (8, [Message("b", 15, "", b"")])}).sections)
    content.add(found, 6, encode(6, 1, {"a": (3, a[2:])}).sections)
    return found


def test_sums_up_the_frames_per_identity() -> None:
    assert held() == {"a": Extent(1, 5, 5, 5, 10, 50), "b": Extent(8, 8, 1, 5, 15, 15)}


@pytest.mark.parametrize(("acked", "waits"), [(0, 5), (10, 5), (11, 4), (14, 1), (15, 0), (99, 0)], ids=str)
def test_counts_what_waits_beyond_the_cursor(acked: int, waits: int) -> None:
    assert content.waiting(Extent(11, 15, 5, 1, 0, 0), acked) == waits


def test_never_counts_more_than_it_holds() -> None:
    assert content.waiting(Extent(11, 30, 4, 1, 0, 0), 12) == 4


def test_comes_back_from_bytes() -> None:
    assert content.from_bytes(content.to_bytes(held())) == held()
    assert content.from_bytes(content.to_bytes({})) == {}


def test_damage_is_noticed() -> None:
    packed = bytearray(content.to_bytes(held()))
    packed[-6] ^= 4
    with pytest.raises(TableDamaged):
        content.from_bytes(bytes(packed))
