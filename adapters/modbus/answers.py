"""From the answers of a scan to its readings: values, their doubts, and points that came in parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import repeat
from typing import Any, NamedTuple, TypeAlias

from adapters.modbus.decode import decoder
from adapters.modbus.form import value
from adapters.modbus.pdu import Ask, read
from adapters.modbus.plan import Part, Request
from gateway.adapter import GOOD, Reading, Status, Value, encoding

Answer: TypeAlias = bytes | Status
"""The data bytes that were asked for, or why there are none."""


class Block(NamedTuple):
    """A request, made ready once."""

    unit: int
    ask: Ask
    decode: Callable[[bytes], list[Any]]
    """The values of ``points``; a Status instead where bytes are not of their type."""
    points: tuple[int, ...]
    certain: bool
    """There is no Status among what ``decode`` gives."""
    parts: tuple[Part, ...]
    device: str
    where: str


def block(device: str, request: Request) -> Block:
    """The request of a scan, made ready."""
    return Block(
        request.unit,
        read(request.function, request.first, request.count),
        decoder(request),
        tuple(field.point for field in request.fields),
        all(field.form.type not in encoding.FALLIBLE for field in request.fields),
        request.parts,
        device,
        request.where,
    )


def readings(answers: Iterable[tuple[Block, Answer]], at_ns: int) -> list[Reading]:
    """The readings of all points of these blocks, among which are all parts of each point; each with this time."""
    found: list[Reading] = []
    parts: dict[int, list[tuple[Part, Answer]]] = {}
    for asked, answer in answers:
        if isinstance(answer, Status):
            found += [Reading(point, None, at_ns, answer) for point in asked.points]
        elif asked.certain:
            found += map(Reading, asked.points, asked.decode(answer), repeat(at_ns), repeat(GOOD))
        else:
            found += map(reading, asked.points, asked.decode(answer), repeat(at_ns))
        for part in asked.parts:
            parts.setdefault(part.point, []).append((part, _cut(part, answer)))
    found += [_joined(pieces, at_ns) for pieces in parts.values()]
    return found


def reading(point: int, found: Value | Status, at_ns: int) -> Reading:
    """One reading, BAD where a status was found instead of a value."""
    return Reading(point, None, at_ns, found) if isinstance(found, Status) else Reading(point, found, at_ns)


def _cut(part: Part, answer: Answer) -> Answer:
    return answer if isinstance(answer, Status) else answer[2 * part.offset : 2 * (part.offset + part.words)]


def _joined(pieces: list[tuple[Part, Answer]], at_ns: int) -> Reading:
    whole = pieces[0][0]
    words = bytearray()
    for _, piece in sorted(pieces, key=lambda piece: piece[0].number):
        if isinstance(piece, Status):
            return Reading(whole.point, None, at_ns, piece)
        words += piece
    return reading(whole.point, value(whole.form, bytes(words)), at_ns)
