"""Modbus TCP devices that play point lists, on pymodbus' server."""

from simulators.modbus.line import Absent
from simulators.modbus.meters import Bench, Meters, Settings, commands, serve
from simulators.modbus.points import PointsInvalid, read

__all__ = ["Absent", "Bench", "Meters", "PointsInvalid", "Settings", "commands", "read", "serve"]
