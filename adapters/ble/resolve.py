"""A point's address judged by the decoder of its profile: is it complete, and in which data is it?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches

from adapters.ble import bthome_objects, ruuvi
from adapters.ble.fields import SIZED, width
from adapters.ble.identifiers import characteristic_key, manufacturer_key, service_key
from adapters.ble.settings import Address, Decoder, Located, Match, Profile, Source
from gateway.adapter import Finding, encoding

_OF_FIELDS = ("byte", "type", "order", "bits", "length", "characteristic", "service")
_OF_OBJECTS = ("object", "index")


def resolve(
    name: str, profile: Profile, address: Address, written: Mapping[str, str]
) -> tuple[Address, Sequence[Finding]]:
    """The address with its source, and what is wrong with it (M02, L02, L03, L06, L07, L08)."""
    fields = profile.decoder == "fields" or address.characteristic is not None
    findings = list(_field(name, address, written) if fields else _object(name, profile.decoder, address, written))
    if address.characteristic is not None:
        key = characteristic_key(address.service or "", address.characteristic)
        located = _located(address, Source(key, "", "fields"), byte=address.byte or 0)
        return located, findings
    key = _key(profile.match)
    if not key:
        text = f"{name}: match: does not say in which data byte {address.byte} is"
        hint = "write for example  match: {company: 0x0499}, or name a characteristic"
        findings.append(Finding("L03", 0, "byte", text, hint))
    return _located(address, Source(key, profile.match.starts, profile.decoder)), findings


def _located(address: Address, source: Source, **more: int) -> Located:
    return Located(**{**address.model_dump(exclude_unset=True), **more}, source=source)


def _key(match: Match) -> str:
    if match.company is not None:
        return manufacturer_key(match.company)
    return service_key(match.service) if match.service else ""


def _object(name: str, decoder: Decoder, address: Address, written: Mapping[str, str]) -> Iterator[Finding]:
    names = sorted(bthome_objects.NAMES if decoder == "bthome" else ruuvi.UNITS)
    yield from _idle(_OF_FIELDS, f"decoder {decoder}", "leave it out: the decoder knows where it is", written)
    if not address.object:
        yield _missing(name, "object", "what is wanted by its name, for example temperature")
    elif address.object not in names:
        close = get_close_matches(address.object, names, 1)
        hint = f'did you mean "{close[0]}"?' if close else f"allowed: {', '.join(names)}"
        yield Finding("L06", 0, "object", f'{name}: decoder {decoder} knows no "{address.object}"', hint)


def _field(name: str, address: Address, written: Mapping[str, str]) -> Iterator[Finding]:
    yield from _idle(_OF_OBJECTS, "fields", "write byte: and type: instead", written)
    if address.characteristic is None:
        if address.byte is None:
            yield _missing(name, "byte", "the first byte of the field")
        if address.service is not None:
            hint = "write it at the top, under match:"
            yield from _idle(("service",), "a point that is advertised", hint, written)
    if address.type is None:
        yield _missing(name, "type", "for example int16 or string")
        return
    if address.type in SIZED and address.length is None:
        hint = "datetime has length: 6 or 12" if address.type == "datetime" else "a 16-letter text has length: 16"
        yield Finding("L08", 0, "type", f'{name}: {address.type} needs "length" (number of bytes)', hint)
    elif address.type not in SIZED:
        yield from _idle(("length",), f"type {address.type}", "leave it out: the type says it", written)
    elif address.type == "datetime" and address.length not in encoding.DATETIME_BYTES:
        yield Finding("L08", 0, "length", f"{name}: a datetime has 6 or 12 bytes, not {address.length}")
    yield from _bits(name, address, written)


def _bits(name: str, address: Address, written: Mapping[str, str]) -> Iterator[Finding]:
    if address.bits is None or address.type is None:
        return
    highest = width(address.type) - 1
    if highest < 0:
        yield from _idle(("bits",), f"type {address.type}", "take an integer of the same length", written)
    elif address.bits[1] > highest:
        text = f"{name}: bit {address.bits[1]} is outside of {address.type} (0..{highest})"
        yield Finding("L02", 0, "bits", text, "bits are counted from 0, the least significant")


def _missing(name: str, key: str, what: str) -> Finding:
    return Finding("M02", 0, key, f'"{name}" has no "{key}" ({what})', f"add  {key}: ...")


def _idle(keys: Sequence[str], beside: str, hint: str, written: Mapping[str, str]) -> Iterator[Finding]:
    """Settings that say nothing here. Without the point's name: in ``defaults:`` they are one mistake, not twenty."""
    for key in keys:
        if key in written:
            yield Finding("L07", 0, key, f'"{key}" has no meaning for {beside}', hint)
