"""A machine with points that can be written, for tests of writing: its profile, its memory, and how it is read."""

from __future__ import annotations

from tests.adapters.modbus.device import Unit

PROFILE = """\
schema: fieldgate/profile/v1
profile: acme-pm1
protocol: modbus
points:
  relay: {at: 3, table: coil, type: bool, write: {}}
  mode: {at: 10, enum: {0: off, 1: slow, 2: fast}, write: {values: [off, slow], confirm: readback}}
  setpoint: {at: 12, type: float32, order: CDAB, unit: degC, write: {range: [0, 60], step: 0.5, every: 5s}}
  step: {at: 21, bits: 4..7, write: {}}
  speed: {at: 22, scale: 0.1, unit: Hz, write: {range: [0, 50], confirm: readback, idempotent: true}}
  limit: {at: 30, type: int16, scale_from: limit_sf, unit: W, write: {}}
  limit_sf: {at: 31, type: int16, nan: [0x8000]}
  counted: {at: 40, write: {range: [0, 9]}}
  voltage: {at: 41, unit: V}
derived:
  twice: {expr: voltage * 2, unit: V}
"""
HELD = {10: 2, 12: 0x0000, 13: 0x41A0, 21: 0x1234, 22: 200, 30: 15, 31: 2, 40: 7, 41: 230}
"""fast, 20 degC, 3, 20 Hz, 1500 W, 7, 230 V."""


def machine() -> Unit:
    """Its memory."""
    unit = Unit()
    unit.registers[3] = dict.fromkeys(range(50), 0) | HELD
    unit.bits[1] = dict.fromkeys(range(8), False)
    return unit
