"""What a segment holds of each identity: enough to open, to skip, to drop and to unlink it without reading frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias

from gateway.buffer.columns import pack, unpack
from gateway.buffer.frames import Section


class Extent(NamedTuple):
    """The messages of one identity in a segment; in order, but others may lie between them."""

    first: int
    """Sequence of the first message."""
    last: int
    messages: int
    frame: int
    """Number of the first frame with messages of this identity."""
    first_ns: int
    """Source time of the first message, nanoseconds since 1970."""
    last_ns: int


Content: TypeAlias = dict[str, Extent]


def add(content: Content, frame: int, sections: Iterable[Section]) -> None:
    """A frame was appended."""
    for identity, _, first, last, messages, _, _, first_ns, last_ns in sections:
        known = content.get(identity)
        if known:
            content[identity] = Extent(known[0], last, known[2] + messages, known[3], known[4], last_ns)
        else:
            content[identity] = Extent(first, last, messages, frame, first_ns, last_ns)


def waiting(extent: Extent, acked: int) -> int:
    """How many of these messages are not acknowledged, where all up to ``acked`` are."""
    return max(0, min(extent.messages, extent.last - acked))


def to_bytes(content: Mapping[str, Extent]) -> bytes:
    """The content as it stands in a sealed segment, with a checksum."""
    extents = list(content.values())
    return pack(list(content), *([extent[column] for extent in extents] for column in range(len(Extent._fields))))


def from_bytes(packed: bytes) -> Content:
    """What ``to_bytes`` wrote. Raises TableDamaged."""
    identities, columns = unpack(packed, len(Extent._fields))
    return dict(zip(identities, map(Extent._make, zip(*columns, strict=True)), strict=bool(identities)))
