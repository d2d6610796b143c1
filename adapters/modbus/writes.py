"""How a point is set: which requests carry a value, and what their outcome means. No I/O here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from adapters.modbus import pdu
from adapters.modbus.answers import ask
from adapters.modbus.encode import Unfit, Words, encoded, flag
from adapters.modbus.form import form
from adapters.modbus.places import Area, area, of_file, spans
from adapters.modbus.plan import LONGEST_FILE, UNLIMITED, Limits, Request
from adapters.modbus.settings import Address, Connect, read_only
from gateway.adapter import LinkLost, NotWritten, Point, Value

ILLEGAL_FUNCTION = 1
LONGEST = 123
"""Registers of one request (Application Protocol V1.1b3, section 6.12)."""
UNSURE = frozenset((4, 5, 11))
"""Exceptions that leave open what was carried out: it failed midway, is still at work, or a gateway heard nothing."""


class Modify(NamedTuple):
    """Change the bits of the registers that are the point's own, and write them back."""

    area: Area
    first: int
    words: Words

    def write(self, held: bytes) -> pdu.Ask:
        """The request that writes back what was read, changed."""
        return _whole(self.area, self.first, self.words.over(held))[0]


@dataclass(frozen=True, slots=True)
class Job:
    """A point to be set."""

    point: str
    unit: int
    timeout_s: float
    read: pdu.Ask
    """Reads what will be written."""
    ways: tuple[pdu.Ask | Modify, ...]
    """One is enough; the next is gone where the device does not know the function of the one before."""


def job(point: Point[Connect, Address], value: Value) -> Job:
    """How to set this point to a value as ``decode`` gives it, before scale and meaning. Raises NotWritten."""
    name, address, connect = point.name, point.address, point.connect
    place, why = area(address), read_only(address)
    if why:
        raise NotWritten(name, why)
    here, *others = spans(point)
    if others:
        raise NotWritten(name, "its registers are no neighbours, so that they cannot be written at once")
    longest, unit = (LONGEST_FILE, "records") if place == "file" else (LONGEST, "registers")
    if len(here) > longest:
        raise NotWritten(name, f"it is longer than the {longest} {unit} that can be written at once")
    if place not in UNLIMITED and not Limits.of(connect).allow(here):
        raise NotWritten(name, "it lies in a range that is forbidden for this device")
    try:
        ways = _coil(here.start, flag(value)) if place == "coil" else _words(place, here.start, address, value)
    except Unfit as error:
        raise NotWritten(name, str(error)) from error
    read = ask(Request(connect.unit_id, place, here.start, len(here), ()))
    return Job(name, connect.unit_id, connect.timeout, read, ways)


def known(ways: tuple[pdu.Ask | Modify, ...], refused: Collection[int]) -> tuple[pdu.Ask | Modify, ...]:
    """The ways that the device may know, as it has refused these functions; where it knows none, all of them."""
    left = tuple(way for way in ways if isinstance(way, Modify) or way.function not in refused)
    return left or ways


def failure(
    point: str, error: TimeoutError | pdu.Refusal | pdu.WrongAnswer | LinkLost, *, sent: bool = True
) -> NotWritten:
    """What it means that a request ended so; ``sent``: it was one to write."""
    if isinstance(error, pdu.Refusal):
        return NotWritten(point, f"the device refused: {error}", unknown=error.code in UNSURE)
    if isinstance(error, pdu.WrongAnswer):
        return NotWritten(point, f"wrong answer: {error}", unknown=sent)
    return NotWritten(point, error.reason if isinstance(error, LinkLost) else "no answer in time", unknown=sent)


def _coil(at: int, on: bool) -> tuple[pdu.Ask, ...]:
    return pdu.write_coil(at, on), pdu.write_coils(at, [on])


def _words(place: Area, first: int, address: Address, value: Value) -> tuple[pdu.Ask | Modify, ...]:
    words = encoded(form(address), value)
    if words.whole:
        return _whole(place, first, words.data)
    count = len(words.data) // 2
    modify = Modify(place, first, words)
    if place == "file":
        # There is no mask for records.
        return (modify,)
    touched = [at for at in range(count) if any(words.mask[2 * at : 2 * at + 2])]
    if len(touched) > 1:
        # One mask after the other would show the device a value that nobody meant.
        return (modify,)
    here = slice(2 * touched[0], 2 * touched[0] + 2)
    own, bits = int.from_bytes(words.mask[here], "big"), int.from_bytes(words.data[here], "big")
    return pdu.mask_register(first + touched[0], own ^ 0xFFFF, bits & own), modify


def _whole(place: Area, first: int, data: bytes) -> tuple[pdu.Ask, ...]:
    if place == "file":
        return (pdu.write_file([(*of_file(first), data)]),)
    several = pdu.write_registers(first, data)
    return (pdu.write_register(first, int.from_bytes(data, "big")), several) if len(data) == 2 else (several,)
