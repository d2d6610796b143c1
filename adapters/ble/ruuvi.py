"""Ruuvi's advertisements in the data formats 3, 5, 6 and E1, decoded by the name of the quantity.

For what fields alone cannot say: the sign of format 3's temperature, the ninth bits of VOC and NOX, the logarithmic
light of format 6. Values are in the units of ``UNITS``; one that the sensor does not have is None.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

from gateway.adapter import Quality, Status, Value

COMPANY = 0x0499

TOO_SHORT = Status(Quality.BAD, "too short")
NO_VALUE = Status(Quality.BAD, "no value")

UNITS: Mapping[str, str] = {
    "temperature": "degC",
    "humidity": "%",
    "pressure": "Pa",
    "acceleration_x": "gn",
    "acceleration_y": "gn",
    "acceleration_z": "gn",
    "battery": "mV",
    "tx_power": "dBm",
    "movements": "",
    "sequence": "",
    "pm1": "ug/m3",
    "pm2_5": "ug/m3",
    "pm4": "ug/m3",
    "pm10": "ug/m3",
    "co2": "ppm",
    "voc": "",
    "nox": "",
    "luminosity": "lx",
    "calibrating": "",
    "mac": "",
}
"""What can be asked for, with its unit."""

Reader = Callable[[bytes], Value]


class Format(NamedTuple):
    """One data format."""

    size: int
    """Bytes that belong to it; more may follow."""
    readers: Mapping[str, Reader]


def unpack(payload: bytes, name: str) -> Value | Status | None:
    """One quantity of an advertisement, or why there is none; None where its format does not have it."""
    if not payload:
        return TOO_SHORT
    known = FORMATS.get(payload[0])
    if known is None:
        return Status(Quality.BAD, f"Ruuvi data format 0x{payload[0]:02X} is not known")
    if name not in known.readers:
        return None
    if len(payload) < known.size:
        return TOO_SHORT
    value = known.readers[name](payload)
    return NO_VALUE if value is None else value


def _unsigned(at: int, size: int, by: int = 1, plus: int = 0, *, all_valid: bool = False) -> Reader:
    """Big-endian, / by + plus; the largest number is "no value" unless all are valid."""
    none = -1 if all_valid else (1 << 8 * size) - 1

    def read(data: bytes) -> Value:
        raw = int.from_bytes(data[at : at + size], "big")
        return None if raw == none else _divided(raw + plus * by, by)

    return read


def _signed(at: int, by: int, *, all_valid: bool = False) -> Reader:
    """Two bytes, big-endian, / by; the smallest number is "no value" unless all are valid."""

    def read(data: bytes) -> Value:
        raw = int.from_bytes(data[at : at + 2], "big", signed=True)
        return None if raw == -0x8000 and not all_valid else _divided(raw, by)

    return read


def _divided(number: int, by: int) -> int | float:
    return number if by == 1 else number / by


def _bits(at: int, low: int, width: int, times: int, plus: int) -> Reader:
    """A field of two bytes, big-endian; all bits set is "no value"."""
    mask = (1 << width) - 1

    def read(data: bytes) -> Value:
        raw = int.from_bytes(data[at : at + 2], "big") >> low & mask
        return None if raw == mask else raw * times + plus

    return read


def _nine_bits(at: int, flags: int, bit: int) -> Reader:
    """The upper eight bits in a byte of their own, the lowest among the flags; 511 is "no value"."""

    def read(data: bytes) -> Value:
        raw = data[at] << 1 | data[flags] >> bit & 1
        return None if raw == 511 else raw

    return read


def _flag(at: int) -> Reader:
    return lambda data: data[at] & 1 == 1


def _mac(at: int, size: int) -> Reader:
    def read(data: bytes) -> Value:
        part = data[at : at + size]
        return None if part == b"\xff" * size else part.hex(":").upper()

    return read


def _sign_and_hundredths(data: bytes) -> Value:
    """Format 3: a sign, whole degrees, hundredths of a degree in a byte of their own."""
    if data[3] > 99:
        return None
    hundredths = (data[2] & 0x7F) * 100 + data[3]
    return (-hundredths if data[2] & 0x80 else hundredths) / 100


_LIGHT_STEP = math.log(65536) / 254


def _light(data: bytes) -> Value:
    """Format 6: 254 steps that grow with the light. One is 4 % of the value, so 0.01 lx hides nothing."""
    return None if data[13] == 0xFF else round(math.exp(data[13] * _LIGHT_STEP) - 1, 2)


_CLIMATE: Mapping[str, Reader] = {
    "temperature": _signed(1, 200),
    "humidity": _unsigned(3, 2, 400),
    "pressure": _unsigned(5, 2, plus=50_000),
}

FORMATS: Mapping[int, Format] = {
    0x03: Format(
        14,
        {
            "temperature": _sign_and_hundredths,
            "humidity": _unsigned(1, 1, 2, all_valid=True),
            "pressure": _unsigned(4, 2, plus=50_000, all_valid=True),
            "acceleration_x": _signed(6, 1000, all_valid=True),
            "acceleration_y": _signed(8, 1000, all_valid=True),
            "acceleration_z": _signed(10, 1000, all_valid=True),
            "battery": _unsigned(12, 2, all_valid=True),
        },
    ),
    0x05: Format(
        24,
        {
            **_CLIMATE,
            "acceleration_x": _signed(7, 1000),
            "acceleration_y": _signed(9, 1000),
            "acceleration_z": _signed(11, 1000),
            "battery": _bits(13, 5, 11, 1, 1600),
            "tx_power": _bits(13, 0, 5, 2, -40),
            "movements": _unsigned(15, 1),
            "sequence": _unsigned(16, 2),
            "mac": _mac(18, 6),
        },
    ),
    0x06: Format(
        20,
        {
            **_CLIMATE,
            "pm2_5": _unsigned(7, 2, 10),
            "co2": _unsigned(9, 2),
            "voc": _nine_bits(11, 16, 6),
            "nox": _nine_bits(12, 16, 7),
            "luminosity": _light,
            # 255 is a number like any other here: it is the lowest byte of format E1's sequence.
            "sequence": _unsigned(15, 1, all_valid=True),
            "calibrating": _flag(16),
            "mac": _mac(17, 3),
        },
    ),
    0xE1: Format(
        40,
        {
            **_CLIMATE,
            "pm1": _unsigned(7, 2, 10),
            "pm2_5": _unsigned(9, 2, 10),
            "pm4": _unsigned(11, 2, 10),
            "pm10": _unsigned(13, 2, 10),
            "co2": _unsigned(15, 2),
            "voc": _nine_bits(17, 28, 6),
            "nox": _nine_bits(18, 28, 7),
            "luminosity": _unsigned(19, 3, 100),
            "sequence": _unsigned(25, 3),
            "calibrating": _flag(28),
            "mac": _mac(34, 6),
        },
    ),
}
