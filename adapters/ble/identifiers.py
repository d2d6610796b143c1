"""How Bluetooth names things, as people write it and as one text: device addresses, UUIDs, advertised data."""

from __future__ import annotations

import re

from gateway.adapter import fault

_ADDRESS = re.compile("[0-9A-F]{2}(:[0-9A-F]{2}){5}")
_TWELVE_DIGITS = re.compile("[0-9A-F]{12}")
_SHORT = re.compile("(?:0[xX])?([0-9a-fA-F]{4}|[0-9a-fA-F]{8})")
_LONG = re.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_BASE = "-0000-1000-8000-00805f9b34fb"
"""The end of the UUIDs that the Bluetooth SIG gives out in their short form (Core 5.4, volume 3, part B, 2.5.1)."""

CHARACTERISTICS = {
    "battery_level": "0x2A19",
    "device_name": "0x2A00",
    "elevation": "0x2A6C",
    "firmware_revision": "0x2A26",
    "hardware_revision": "0x2A27",
    "humidity": "0x2A6F",
    "illuminance": "0x2AFB",
    "manufacturer_name": "0x2A29",
    "model_number": "0x2A24",
    "pressure": "0x2A6D",
    "serial_number": "0x2A25",
    "software_revision": "0x2A28",
    "temperature": "0x2A6E",
}
"""Characteristics that sensors have, by the name that the Bluetooth SIG gave them."""


def address(text: str) -> str:
    """``CB:B8:33:4C:88:4F`` in capital letters; M10 for anything else."""
    written = text.upper()
    if _ADDRESS.fullmatch(written):
        return written
    digits = re.sub("[^0-9A-Z]", "", written)
    pairs = digits if _TWELVE_DIGITS.fullmatch(digits) else "CBB8334C884F"
    example = ":".join(pairs[at : at + 2] for at in range(0, 12, 2))
    how = f'write "{example}"' if pairs == digits else f'write six pairs, for example "{example}"'
    raise fault("M10", f'"{text}" is not a Bluetooth address', how)


def uuid(text: str) -> str:
    """``0xFCD2`` for what the SIG gave out, else all 128 bits in small letters; L05 for anything else."""
    short = _SHORT.fullmatch(text)
    if short:
        return _shortened(f"{short[1]:0>8}".lower() + _BASE)
    if _LONG.fullmatch(text):
        return _shortened(text.lower())
    hint = "write for example 0xFCD2, or all of it: 0000fcd2-0000-1000-8000-00805f9b34fb"
    raise fault("L05", f'"{text}" is not a Bluetooth UUID', hint)


def characteristic(text: str) -> str:
    """As ``uuid``; a name of ``CHARACTERISTICS`` is understood too."""
    if text in CHARACTERISTICS:
        return CHARACTERISTICS[text]
    if re.fullmatch("[a-z_]+", text) and not _SHORT.fullmatch(text):
        known = ", ".join(CHARACTERISTICS)
        raise fault("L05", f'"{text}" is not a characteristic known by name', f"write its UUID, or one of: {known}")
    return uuid(text)


def _shortened(long: str) -> str:
    if not long.endswith(_BASE):
        return long
    digits = long.removesuffix(_BASE).upper()
    return f"0x{digits.removeprefix('0000')}"


def first_bytes(text: str) -> str:
    """The first bytes of advertised data as hexadecimal digits in small letters; L04 for anything else."""
    digits = text.replace(" ", "").lower().removeprefix("0x")
    if not re.fullmatch("([0-9a-f]{2})+", digits):
        raise fault("L04", f'{{key}} "{text}" is not a row of bytes', 'write two digits for each byte: "05" or "0201"')
    return digits


def manufacturer_key(company: int) -> str:
    """How data of a company is called where it was recorded."""
    return f"manufacturer 0x{company:04X}"


def service_key(service: str) -> str:
    """How data of a service is called where it was recorded."""
    return f"service {service}"


def characteristic_key(service: str, characteristic: str) -> str:
    """How a characteristic is called where it was recorded; its service where one was named."""
    return f"characteristic {service}/{characteristic}" if service else f"characteristic {characteristic}"
