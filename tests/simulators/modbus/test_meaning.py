"""What a client publishes for what the registers hold."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from typing import Any

import pytest

from simulators.modbus.meaning import meaning
from simulators.modbus.points import Address, Point, Raw, Type
from simulators.modbus.raw import nearest


def point(kind: Type, scale: str = "1", offset: str = "0", **more: Any) -> Point:
    return Point("x", Address(0, "holding", kind), "", Fraction(scale), Fraction(offset), **more)


def test_a_float32_means_its_shortest_text() -> None:
    for text in ("230.2", "0.1", "1.1754944e-38", "3.4028235e+38", "16777216.0", "-7e-45"):
        raw = nearest(point("float32"), float(text))
        assert meaning(point("float32", single=True), raw) == float(text)
    assert meaning(point("float32"), nearest(point("float32"), 230.2)) == 230.1999969482422


def test_a_scaled_float32_is_scaled_exactly() -> None:
    # 1.2 as float32 is 1.2000000476837158203125.
    assert meaning(point("float32", "1000"), nearest(point("float32", "1000"), 1200)) == 1200.0000476837158


def test_numbers_are_scaled_exactly() -> None:
    assert meaning(point("uint16", "1/10"), 3) == 0.3
    assert meaning(point("int16", "1/10", "-40"), 614) == 21.4
    assert meaning(point("uint64"), 2**64 - 1) == 2**64 - 1


def test_a_scale_factor_is_a_power_of_ten() -> None:
    assert meaning(point("int16"), 2301, -1) == 230.1
    assert meaning(point("int16", "1/1000"), 12, 3) == 12


def test_no_value_is_none() -> None:
    assert meaning(point("int16", nan=frozenset((0x8000,))), -32768) is None
    assert meaning(point("int16", nan=frozenset((0x8000,))), 0) == 0


@pytest.mark.parametrize(
    ("of", "raw", "meant"),
    [
        (point("uint16", enum={0: "off", 7: "on"}), 7, "on"),
        (point("uint16", enum={0: "off", 7: "on"}), 6, 6),
        (point("bool", enum={0: "shut", 1: "open"}), True, "open"),
        (point("uint16", flags={0: "hot", 7: "door"}), 0x81, ["hot", "door"]),
        (point("uint16", flags={0: "hot"}), 0, []),
        (point("bool"), True, True),
        (point("string"), "PM1", "PM1"),
        (point("bytes"), b"\x01\xff", "01ff"),
        (point("hhmm"), 730, "07:30"),
        (point("version"), 0x1A03, "1.10.0.3"),
        (point("datetime"), datetime(2026, 11, 25, 7, 33, 17), "2026-11-25T07:33:17"),  # a device's clock
    ],
)
def test_texts_and_states(of: Point, raw: Raw, meant: object) -> None:
    assert meaning(of, raw) == meant
