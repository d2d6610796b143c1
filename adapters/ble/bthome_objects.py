"""The objects of BTHome v2 by name: how long each is, and what its number means.

An object is known by its id in the advertisement and by its name in a profile. Several ids share a name where they
differ in range or resolution only; where they differ in the unit, or in number and yes-or-no, each has its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from fractions import Fraction
from typing import NamedTuple

from gateway.adapter import Quality, Status, Value

NO_TEXT = Status(Quality.BAD, "not a text in UTF-8")

Reader = Callable[[bytes], "Value | Status"]
"""The value in an object's bytes, or why there is none. None: the object says that nothing happened."""


class Object(NamedTuple):
    """One kind of object."""

    size: int
    """Bytes; 0: the byte after the id says how many."""
    readers: Mapping[str, Reader]
    """By the names under which a profile can ask for it."""


def _numbers(name: str, size: int, factor: str = "1", *, signed: bool = False) -> Object:
    """A little-endian integer times an exact factor, rounded once to the nearest double."""
    exact = Fraction(factor)
    times, by = exact.numerator, exact.denominator

    def read(data: bytes) -> Value:
        raw = int.from_bytes(data, "little", signed=signed)
        return raw * times if by == 1 else raw * times / by

    return Object(size, {name: read})


def _flag(name: str) -> Object:
    return Object(1, {name: lambda data: data[0] != 0})


def _event(names: Mapping[int, str], at: int = 0) -> Reader:
    """What happened, as text; 0 is "nothing" where it has no name."""

    def read(data: bytes) -> Value | Status:
        code = data[at]
        if code == 0 and code not in names:
            return None
        return names.get(code) or Status(Quality.BAD, f"unknown event 0x{code:02X}")

    return read


def _text(data: bytes) -> Value | Status:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return NO_TEXT


def _timestamp(data: bytes) -> Value:
    at = datetime.fromtimestamp(int.from_bytes(data, "little"), tz=UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _firmware(data: bytes) -> Value:
    return ".".join(str(part) for part in reversed(data))


_BUTTON = {
    0x01: "press",
    0x02: "double_press",
    0x03: "triple_press",
    0x04: "long_press",
    0x05: "long_double_press",
    0x06: "long_triple_press",
    0x80: "hold_press",
    0x81: "hold_release",
}
_DIMMER = {0x01: "rotate_left", 0x02: "rotate_right"}
_COMMAND = {0x00: "off", 0x01: "on", 0x02: "toggle", 0x03: "step_up", 0x04: "step_down"}

OBJECTS: Mapping[int, Object] = {
    0x00: _numbers("packet_id", 1),
    0x01: _numbers("battery", 1),
    0x02: _numbers("temperature", 2, "0.01", signed=True),
    0x03: _numbers("humidity", 2, "0.01"),
    0x04: _numbers("pressure", 3, "0.01"),
    0x05: _numbers("illuminance", 3, "0.01"),
    0x06: _numbers("mass_kg", 2, "0.01"),
    0x07: _numbers("mass_lb", 2, "0.01"),
    0x08: _numbers("dewpoint", 2, "0.01", signed=True),
    0x09: _numbers("count", 1),
    0x0A: _numbers("energy", 3, "0.001"),
    0x0B: _numbers("power", 3, "0.01"),
    0x0C: _numbers("voltage", 2, "0.001"),
    0x0D: _numbers("pm2_5", 2),
    0x0E: _numbers("pm10", 2),
    0x0F: _flag("generic_boolean"),
    0x10: _flag("power_on"),
    0x11: _flag("opening"),
    0x12: _numbers("co2", 2),
    0x13: _numbers("tvoc", 2),
    0x14: _numbers("moisture", 2, "0.01"),
    0x15: _flag("battery_low"),
    0x16: _flag("battery_charging"),
    0x17: _flag("carbon_monoxide"),
    0x18: _flag("cold"),
    0x19: _flag("connectivity"),
    0x1A: _flag("door"),
    0x1B: _flag("garage_door"),
    0x1C: _flag("gas_detected"),
    0x1D: _flag("heat"),
    0x1E: _flag("light"),
    0x1F: _flag("lock"),
    0x20: _flag("moisture_detected"),
    0x21: _flag("motion"),
    0x22: _flag("moving"),
    0x23: _flag("occupancy"),
    0x24: _flag("plug"),
    0x25: _flag("presence"),
    0x26: _flag("problem"),
    0x27: _flag("running"),
    0x28: _flag("safety"),
    0x29: _flag("smoke"),
    0x2A: _flag("sound"),
    0x2B: _flag("tamper"),
    0x2C: _flag("vibration"),
    0x2D: _flag("window"),
    0x2E: _numbers("humidity", 1),
    0x2F: _numbers("moisture", 1),
    0x3A: Object(1, {"button": _event(_BUTTON)}),
    0x3B: Object(0, {"command": _event(_COMMAND)}),
    0x3C: Object(2, {"dimmer": _event(_DIMMER), "dimmer_steps": lambda data: data[1] if data[0] else None}),
    0x3D: _numbers("count", 2),
    0x3E: _numbers("count", 4),
    0x3F: _numbers("rotation", 2, "0.1", signed=True),
    0x40: _numbers("distance_mm", 2),
    0x41: _numbers("distance_m", 2, "0.1"),
    0x42: _numbers("duration", 3, "0.001"),
    0x43: _numbers("current", 2, "0.001"),
    0x44: _numbers("speed", 2, "0.01"),
    0x45: _numbers("temperature", 2, "0.1", signed=True),
    0x46: _numbers("uv_index", 1, "0.1"),
    0x47: _numbers("volume_l", 2, "0.1"),
    0x48: _numbers("volume_ml", 2),
    0x49: _numbers("volume_flow_rate", 2, "0.001"),
    0x4A: _numbers("voltage", 2, "0.1"),
    0x4B: _numbers("gas", 3, "0.001"),
    0x4C: _numbers("gas", 4, "0.001"),
    0x4D: _numbers("energy", 4, "0.001"),
    0x4E: _numbers("volume_l", 4, "0.001"),
    0x4F: _numbers("water", 4, "0.001"),
    0x50: Object(4, {"timestamp": _timestamp}),
    0x51: _numbers("acceleration", 2, "0.001"),
    0x52: _numbers("gyroscope", 2, "0.001"),
    0x53: Object(0, {"text": _text}),
    0x54: Object(0, {"raw": bytes.hex}),
    0x55: _numbers("volume_storage", 4, "0.001"),
    0x56: _numbers("conductivity", 2),
    0x57: _numbers("temperature", 1, signed=True),
    0x58: _numbers("temperature", 1, "0.35", signed=True),
    0x59: _numbers("count", 1, signed=True),
    0x5A: _numbers("count", 2, signed=True),
    0x5B: _numbers("count", 4, signed=True),
    0x5C: _numbers("power", 4, "0.01", signed=True),
    0x5D: _numbers("current", 2, "0.001", signed=True),
    0x5E: _numbers("direction", 2, "0.01"),
    0x5F: _numbers("precipitation", 2, "0.1"),
    0x60: _numbers("channel", 1),
    0x61: _numbers("rotational_speed", 2),
    0x62: _numbers("speed", 4, "0.000001", signed=True),
    0x63: _numbers("acceleration", 4, "0.000001", signed=True),
    0x64: _numbers("light_level", 1),
    0x65: _numbers("settings_revision", 1),
    0xF0: _numbers("device_type", 2),
    0xF1: Object(4, {"firmware": _firmware}),
    0xF2: Object(3, {"firmware": _firmware}),
}

COMMAND = 0x3B
"""Its length byte counts the arguments after the command's own byte, in the lower five bits."""

NAMES: frozenset[str] = frozenset(name for known in OBJECTS.values() for name in known.readers)
