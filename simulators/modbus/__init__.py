"""Modbus devices that play point lists, on every kind of line, on pymodbus' server."""

from simulators.modbus.commands import commands
from simulators.modbus.meters import Bench, Meters, Settings, serve
from simulators.modbus.points import PointsInvalid, read
from simulators.modbus.tls import Tls
from simulators.modbus.units import Absent

__all__ = ["Absent", "Bench", "Meters", "PointsInvalid", "Settings", "Tls", "commands", "read", "serve"]
