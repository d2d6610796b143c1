"""From the answers of a scan to its readings: values, their doubts, and points that came in parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from io import BytesIO
from itertools import repeat
from typing import Any, NamedTuple, TypeAlias

from adapters.modbus.decode import NO_OBJECT, decoder
from adapters.modbus.form import value
from adapters.modbus.identification import ObjectsWrong, level_of, pages
from adapters.modbus.pdu import Ask, ContentWrong, identification, read, read_file
from adapters.modbus.places import of_file, where
from adapters.modbus.plan import Part, Request
from gateway.adapter import GOOD, RawBlock, Reading, Status, Value, encoding

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
    request: Request

    def further(self, data: bytes) -> Ask | None:
        """What else to ask, as this much has come; the answers are put one behind the other. Raises WrongAnswer."""
        return _more(self.request, data) if self.request.area == "object" else None

    def seen(self, answer: Answer, at_ns: int) -> list[RawBlock]:
        """What came, for people and to be read again: each group of records and each object by itself."""
        if isinstance(answer, Status):
            apart = self.request.pieces if self.request.area == "object" else self.request.groups
            return [self._raw(here, b"", at_ns, answer) for here in apart]
        if self.request.area == "object":
            return self._objects(answer, at_ns)
        if not self.request.several:
            return [RawBlock(self.device, self.where, answer, at_ns)]
        data = BytesIO(answer)
        return [self._raw(group, data.read(2 * len(group)), at_ns, GOOD) for group in self.request.groups]

    def _objects(self, answer: bytes, at_ns: int) -> list[RawBlock]:
        held = {number: data for page in pages(answer) for number, data in page.held.items()}
        wanted = [here.start for here in self.request.pieces]
        return [
            self._raw(range(number, number + 1), held.get(number, b""), at_ns, GOOD if number in held else NO_OBJECT)
            for number in sorted({*held, *wanted})
        ]

    def _raw(self, here: range, data: bytes, at_ns: int, status: Status) -> RawBlock:
        return RawBlock(self.device, where(self.request.area, here), data, at_ns, status)


def block(device: str, request: Request) -> Block:
    """The request of a scan, made ready."""
    return Block(
        request.unit,
        ask(request),
        decoder(request),
        tuple(field.point for field in request.fields),
        all(field.form.type not in encoding.FALLIBLE for field in request.fields) and request.area != "object",
        request.parts,
        device,
        request.where,
        request,
    )


def ask(request: Request) -> Ask:
    """The request as it is sent; of objects, the first one."""
    if request.area == "object":
        return identification(level_of(request.first), request.first)
    if request.area == "file":
        return read_file((*of_file(group.start), len(group)) for group in request.groups)
    return read(request.function, request.first, request.count)


def _more(request: Request, data: bytes) -> Ask | None:
    """The next question for objects; None where all have come that are wanted, or that there are."""
    try:
        *_, last = found = list(pages(data))
    except ObjectsWrong as error:
        raise ContentWrong("what they say", str(error)) from error
    missing = {here.start for here in request.pieces} - {number for page in found for number in page.held}
    following = last.following
    # One that goes back to its first object is followed up to ours; one that turns in circles is not.
    before = found[-2].following if len(found) > 1 else None
    if following is None or not missing or following > max(missing) or (before is not None and following <= before):
        return None
    return identification(level_of(request.first), following)


def readings(answers: Iterable[tuple[Block, Answer]], at_ns: int) -> list[Reading]:
    """The readings of all points of these blocks, among which are all parts of each point; each with this time."""
    found: list[Reading] = []
    parts: dict[int, list[tuple[Part, Answer]]] = {}
    for asked, answer in answers:
        if isinstance(answer, Status):
            found += [Reading(point, None, at_ns, answer) for point in asked.points]
        elif asked.certain:
            # As the class does it, without its call in Python for each: a fifth of what a request costs.
            rows = zip(asked.points, asked.decode(answer), repeat(at_ns), repeat(GOOD), strict=False)
            found += map(tuple.__new__, repeat(Reading), rows)
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
