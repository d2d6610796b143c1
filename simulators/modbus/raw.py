"""What the registers of a device hold at a time: numbers as raw values, codes, flags, counters, texts, clocks."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from hashlib import sha256
from math import ceil, floor

from simulators.modbus import motion
from simulators.modbus.points import Device, Point, Raw
from simulators.modbus.registers import limits, pattern, size_bits, spots

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
"""Times are seconds from here on, and so counters do not fall when the simulator is started again."""

_LARGEST = {"float16": 65504.0, "float32": struct.unpack(">f", b"\x7f\x7f\xff\xff")[0]}
_POWERS = range(-3, 11)
"""Of ten, in scale factors: no meter shows more than thousandths."""
_HEADROOM, _COUNTER_HEADROOM = 2, 100


def raws(device: Device, t_s: float) -> list[Raw]:
    """One raw value per point; a function of time."""
    factors = powers(device)
    return [_raw(device.name, point, factors, t_s) for point in device.points]


def powers(device: Device) -> dict[str, int]:
    """What the scale factors of a device hold, by name: as small as all values that take them have room for."""
    users: dict[str, list[Point]] = {}
    for point in device.points:
        if point.scale_from is not None:
            users.setdefault(point.scale_from, []).append(point)
    sources = {point.name: point for point in device.points if point.name in users}
    return {name: _power(device.name, sources[name], members) for name, members in users.items()}


def nearest(point: Point, value: float, power: int = 0) -> int | float:
    """The raw number whose meaning is nearest to ``value``, as far as type, range and ``nan`` let it be that."""
    exact = (Fraction(value) - point.offset) / (point.scale * Fraction(10) ** power)
    bounds = limits(point.address)
    if bounds is None:
        return _float(point, float(exact))
    if point.kind == "counter":
        size = min(point.rollover or bounds[1] + 1, bounds[1] + 1)
        return _other_than_nan(point, round(exact) % size, bounds)
    low, high = _reach(point, bounds, power)
    return _other_than_nan(point, min(max(round(exact), low), high), bounds)


def _raw(device: str, point: Point, factors: Mapping[str, int], t_s: float) -> Raw:
    kind = point.address.type
    if point.held is not None:
        return point.held
    if point.name in factors:
        return factors[point.name]
    if point.enum:
        return _code(device, point, t_s)
    if point.flags:
        width = _width(point)
        return motion.flags(device, point.name, [bit for bit in sorted(point.flags) if bit < width], t_s)
    if kind == "bool":
        return motion.value(device, point.name, point.unit, t_s) >= 50
    if kind in ("string", "bytes", "version"):
        return _lasting(device, point)
    if kind in ("hhmm", "datetime"):
        now = (BEGINNING + timedelta(seconds=t_s)).replace(microsecond=0, tzinfo=None)
        return now if kind == "datetime" else 100 * now.hour + now.minute
    power = factors[point.scale_from] if point.scale_from is not None else 0
    return nearest(point, _value(device, point, power, t_s), power)


def _value(device: str, point: Point, power: int, t_s: float) -> float:
    if point.kind == "counter":
        return motion.count(device, point.name, point.unit, t_s)
    return motion.value(device, point.name, point.unit, t_s, _bounds(point, power))


def _bounds(point: Point, power: int) -> tuple[float, float]:
    """Where a value of which nothing is known moves: in its range, or from 0 to 100 as far as the type holds it."""
    if point.range is not None:
        return point.range
    bounds = limits(point.address)
    if bounds is None:
        return motion.BOUNDS
    ends = sorted(float(end * point.scale * Fraction(10) ** power + point.offset) for end in bounds)
    low, high = max(ends[0], motion.BOUNDS[0]), min(ends[1], motion.BOUNDS[1])
    return (low, high) if low < high else (ends[0], ends[1])


def _reach(point: Point, bounds: tuple[int, int], power: int) -> tuple[int, int]:
    """The raw integers that the type holds and the range allows; of a range without any, those of the type."""
    if point.range is None:
        return bounds
    scale = point.scale * Fraction(10) ** power
    ends = sorted((Fraction(end) - point.offset) / scale for end in point.range)
    low, high = max(ceil(ends[0]), bounds[0]), min(floor(ends[1]), bounds[1])
    return (low, high) if low <= high else bounds


def _float(point: Point, value: float) -> float:
    if point.range is not None and point.kind != "counter":
        low, high = sorted(float((Fraction(end) - point.offset) / point.scale) for end in point.range)
        value = min(max(value, low), high)
    if point.rollover is not None:
        value %= point.rollover
    largest = _LARGEST.get(point.address.type)
    if largest is None:
        return value
    letter = ">e" if point.address.type == "float16" else ">f"
    held: float = struct.unpack(letter, struct.pack(letter, min(max(value, -largest), largest)))[0]
    return held


def _other_than_nan(point: Point, raw: int, bounds: tuple[int, int]) -> int:
    """The next raw value below (or above) that does not mean "no value"."""
    down = range(raw, bounds[0] - 1, -1)
    up = range(raw + 1, bounds[1] + 1)
    free = (number for way in (down, up) for number in way if pattern(point.address, number) not in point.nan)
    return next(free, raw)


def _code(device: str, point: Point, t_s: float) -> int:
    """One of its codes that the type holds."""
    low, high = limits(point.address) or (0, 1)
    fitting = [code for code in sorted(point.enum) if low <= code <= high]
    codes = [code for code in fitting if not point.nan or pattern(point.address, code) not in point.nan]
    return motion.code(device, point.name, codes, t_s) if codes else low


def _width(point: Point) -> int:
    bits = point.address.bits
    return size_bits(point.address.type) if bits is None else bits[1] - bits[0] + 1


def _lasting(device: str, point: Point) -> Raw:
    """What a device says of itself: the same at all times."""
    digest = sha256(f"{device}/{point.name}".encode()).digest()
    kind, size = point.address.type, 2 * len(spots(point.address))
    if kind == "version":
        return int.from_bytes(digest[:2], "big") & 0x1FFF
    if kind == "bytes":
        return (digest * (size // len(digest) + 1))[:size]
    return f"{point.name.upper()}-{int.from_bytes(digest[:4], 'big'):010d}"[-size:]


def _power(device: str, source: Point, users: list[Point]) -> int:
    lowest, highest = limits(source.address) or (0, 0)
    held = [power for power in _POWERS if lowest <= power <= highest]
    roomy = (power for power in held if all(_fits(device, point, power) for point in users))
    return next(roomy, held[-1] if held else 0)


def _fits(device: str, point: Point, power: int) -> bool:
    bounds = limits(point.address)
    if bounds is None:
        return power >= 0
    headroom = _COUNTER_HEADROOM if point.kind == "counter" else _HEADROOM
    times = range(0, int(motion.TRIANGLE_S), 10)
    if point.kind == "counter":
        largest = motion.count(device, point.name, point.unit, 0.0)
    else:
        limit = point.range or motion.BOUNDS
        largest = max(abs(motion.value(device, point.name, point.unit, t_s, limit)) for t_s in times)
    return abs(headroom * Fraction(largest) / (point.scale * Fraction(10) ** power)) <= bounds[1]
