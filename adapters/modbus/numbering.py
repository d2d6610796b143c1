"""From the numbers that manuals print (00001, 10001, 30001, 40001) to tables and addresses as on the wire."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from adapters.modbus.settings import Address, Profile, Table
from gateway.adapter import Finding

_TABLES: dict[int, Table] = {0: "coil", 1: "discrete", 3: "input", 4: "holding"}
_DIGITS: dict[Table, int] = {table: digit for digit, table in _TABLES.items()}
_SHORT, _LONG = 10_000, 100_000
"""What the first digit counts in numbers of five digits, and of six."""
_ADDRESSES = 65536
_CHECKED = "offset checked"
"""In a note: who wrote an offset that looks like a number meant it."""


class _Place(NamedTuple):
    """What a number names."""

    table: Table
    at: int


def resolve(
    name: str, profile: Profile, address: Address, written: Mapping[str, str]
) -> tuple[Address, Sequence[Finding]]:
    """The address as it is on the wire, and what is wrong with how it was written (B01 to B04, M05, R09).

    See ``gateway.adapter.Adapter.resolve``.
    """
    if address.object is not None:
        return _of_object(name, address, written)
    if address.file is not None:
        return address.model_copy(update={"table": "holding"}), _idle(name, "a record of a file", ("table",), written)
    if profile.numbering == "offset":
        return address, _doubts(name, address, written)
    key, numbers = _numbers(address)
    places: list[_Place] = []
    for number in numbers:
        place = _place(name, key, number, written.get("at", "") if key == "at" else "")
        if isinstance(place, Finding):
            return address, (place,)
        table = address.table if "table" in written else (places or [place])[0].table
        if place.table != table:
            return address, (_other_table(name, key, number, place, table),)
        places.append(place)
    if not places:
        return address, ()
    spots = tuple(place.at for place in places)
    update = {"at": spots[0]} if key == "at" else {"registers": spots}
    return address.model_copy(update={**update, "table": places[0].table}), ()


def _of_object(name: str, address: Address, written: Mapping[str, str]) -> tuple[Address, Sequence[Finding]]:
    """A text, or its bytes; what the defaults say of registers is meant for others."""
    what = "an object of the identification"
    findings = _idle(name, what, ("table", "order", "byte", "bits", "length"), written)
    if address.type not in ("string", "bytes") and "type" in written:
        text = f"{name}: {what} is a text, not {address.type}"
        findings += (Finding("R09", 0, "type", text, "leave type out, or write type: bytes", own=True),)
    plain = Address(object=address.object, type="bytes" if address.type == "bytes" else "string")
    kept = address.model_copy(update={key: getattr(plain, key) for key in _OF_WORDS})
    return kept, findings


_OF_WORDS = ("table", "type", "order", "byte", "bits", "length")


def _idle(name: str, what: str, keys: Sequence[str], written: Mapping[str, str]) -> tuple[Finding, ...]:
    return tuple(
        Finding("R09", 0, key, f'{name}: "{key}" has no meaning for {what}', "leave it out", own=True)
        for key in keys
        if key in written
    )


def as_printed(number: int) -> str:
    """What somebody who types this as an address may have read in a manual, in words; empty where hardly anything."""
    digit, offset = divmod(number, 10_000)
    if digit not in _TABLES or digit == 0 or offset == 0:
        return ""
    return f"{number} looks like a number of a manual; on the wire that is {_TABLES[digit]} {offset - 1}"


def _numbers(address: Address) -> tuple[str, tuple[int, ...]]:
    """The setting that names the place, and what it names."""
    if address.registers is not None:
        return "registers", address.registers
    return "at", () if address.at is None else (address.at,)


def _place(name: str, key: str, number: int, text: str) -> _Place | Finding:
    # Six digits that begin with 0 are a coil, whatever comes then.
    step = _LONG if re.fullmatch("0[0-9]{5}", text) or number >= _LONG else _SHORT
    digit, counted = divmod(number, step)
    table = _TABLES.get(digit)
    if number < 0 or table is None or counted > _ADDRESSES:
        hint = 'write it as the manual prints it, or "numbering: offset" for addresses as on the wire'
        return Finding("B01", 0, key, f"{name}: {number} is not a Modbus number (0xxxx, 1xxxx, 3xxxx or 4xxxx)", hint)
    if counted == 0:
        first = "for the first holding register write 40001" if number == 0 else f"write {number + 1}"
        return Finding("B03", 0, key, f'{name}: with "numbering: number" the first register is 1, not 0', first)
    return _Place(table, counted - 1)


def _other_table(name: str, key: str, number: int, place: _Place, table: Table) -> Finding:
    text = f"{name}: {number} is a number of the {place.table} table, but table is {table}"
    counted = place.at + 1
    step = _SHORT if counted < _SHORT else _LONG
    meant = f"{_DIGITS[table] * step + counted:0{len(str(step))}}"
    return Finding("B02", 0, key, text, f"write {meant}, or leave table out: the number says it")


def _doubts(name: str, address: Address, written: Mapping[str, str]) -> tuple[Finding, ...]:
    """Offsets that are written as if they were numbers."""
    text = written.get("at", "")
    key, numbers = _numbers(address)
    if key == "at" and re.fullmatch("0[0-9]+", text):
        digits = text.lstrip("0") or "0"
        sentence = f'"{text}" starts with a zero; it is not clear whether it is decimal or octal'
        hint = f'write {digits}, or 0x{digits} for hexadecimal; for the number of a coil set "numbering: number"'
        return (Finding("M05", 0, key, sentence, hint),)
    if _CHECKED in written.get("note", "").casefold():
        return ()
    for number in numbers:
        if 30_000 < number < 40_000 or 40_000 < number < 50_000 or _is_long(number):
            sentence = f'{name}: {number} looks like a manual number, but the profile says "numbering: offset"'
            hint = f'if the manual says {number}, set "numbering: number"'
            # Numbers of six digits are no offsets at all.
            if number < _ADDRESSES:
                hint += f'; if the device really uses offset {number}, add "note: offset checked"'
            return (Finding("B04", 0, key, sentence, hint, warning=number < _ADDRESSES),)
    return ()


def _is_long(number: int) -> bool:
    return 1 <= number - 300_000 <= _ADDRESSES or 1 <= number - 400_000 <= _ADDRESSES
