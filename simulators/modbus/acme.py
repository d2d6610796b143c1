"""The meter that nobody has described yet: an ACME PM1 as unit 7, for whoever tries to write its profile.

What its registers mean stands in ``mappings/manual/acme-pm1.csv``, as a manual would print it.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from simulators.modbus.points import Address, Device, Point

UNIT_ID = 7
NAME = "acme-pm1"
SENSOR_MISSING = -0x8000

POINTS = (
    Point("voltage", Address(0x0000, "input", "uint16"), "V", Fraction(1, 10)),
    Point("active_power", Address(0x0001, "input", "int32"), "W", nan=frozenset((0x80000000,))),
    Point("current", Address(0x0003, "input", "uint16"), "A", Fraction(1, 100)),
    Point("frequency", Address(0x0004, "input", "uint16"), "Hz", Fraction(1, 100)),
    Point("power_factor", Address(0x0005, "input", "int16"), "", Fraction(1, 1000)),
    Point("energy_import", Address(0x0006, "input", "uint32", "CDAB"), "kWh", Fraction(1, 100), kind="counter"),
    Point("operating_hours", Address(0x0008, "input", "uint32", "CDAB"), "h", Fraction(1, 10), kind="counter"),
    Point(
        "status",
        Address(0x000A, "input", "uint16"),
        enum={0: "stopped", 1: "starting", 2: "running", 3: "fault"},
    ),
    Point(
        "alarms",
        Address(0x000B, "input", "uint16"),
        flags={0: "overvoltage", 1: "undervoltage", 2: "overload", 7: "phase missing"},
    ),
    Point("temperature", Address(0x0010, "input", "float32"), "degC", range=(35.0, 65.0), single=True),
    Point(
        "ambient_temperature",
        Address(0x0012, "input", "int16"),
        "degC",
        Fraction(1, 10),
        nan=frozenset((0x8000,)),
        held=SENSOR_MISSING,
    ),
    Point("serial_number", Address(0x0100, "holding", "string", length=8), held="PM1-0004711"),
    Point("firmware", Address(0x0108, "holding", "uint16"), "", Fraction(1, 100), held=214),
    Point("ct_ratio", Address(0x0109, "holding", "uint16"), held=40),
)
IDENTIFICATION = {0x00: "ACME", 0x01: "PM1", 0x02: "2.14", 0x04: "ACME PM1 power meter", 0x80: "PM1-0004711"}


def beside(devices: Sequence[Device]) -> list[Device]:
    """The meter on the line of the first of these devices; none where there is no line, or somebody is unit 7 there."""
    if not devices:
        return []
    line = devices[0].line
    if any((one.line.address, one.unit_id) == (line.address, UNIT_ID) for one in devices):
        return []
    return [Device(NAME, line, UNIT_ID, POINTS, IDENTIFICATION)]
