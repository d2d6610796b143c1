"""One port with the units behind it, on pymodbus' server: framing and protocol are its, the registers are ours."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from pymodbus.constants import ExcCodes
from pymodbus.exceptions import NoSuchIdException
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice
from pymodbus.simulator.simcore import SimCore

from simulators import listening
from simulators.modbus.memory import Memory
from simulators.modbus.points import Table

_TABLES: dict[int, Table] = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}


class Absent(StrEnum):
    """What is heard when a unit is asked that is not there."""

    SILENCE = "silence"
    """Nothing, as on a serial line behind a gateway that passes the wait on."""
    EXCEPTION = "exception"
    """Exception 0x0B, as from a gateway that waits itself."""


class _Units(SimCore):
    """What pymodbus' server asks for registers.

    Its own ``SimDevice`` checks bits only in groups of sixteen and has no word for a unit that is silent for a while.
    """

    def __init__(self, units: Mapping[int, Memory], absent: Absent) -> None:
        super().__init__([])
        self._units = units
        self._absent = absent
        self.silent: set[int] = set()

    def device_ids(self) -> list[int]:
        return list(self._units)

    async def async_getValues(  # noqa: N802 (the server's name)
        self, device_id: int, func_code: int, address: int, count: int = 1
    ) -> list[int] | list[bool] | ExcCodes:
        refused = self._refused(device_id)
        if refused is not None:
            return refused
        table = _TABLES.get(func_code)
        if table is None:
            return ExcCodes.ILLEGAL_FUNCTION
        held = self._units[device_id].read(table, address, count)
        if held is None:
            return ExcCodes.ILLEGAL_ADDRESS
        return [bit == 1 for bit in held] if func_code <= 2 else held

    async def async_setValues(  # noqa: N802 (the server's name)
        self, device_id: int, func_code: int, address: int, values: list[int] | list[bool]
    ) -> ExcCodes | None:
        """A meter: nothing can be written."""
        return self._refused(device_id) or ExcCodes.ILLEGAL_FUNCTION

    def _refused(self, unit_id: int) -> ExcCodes | None:
        """Raises NoSuchIdException where nothing is to be answered."""
        if unit_id in self.silent or (unit_id not in self._units and self._absent is Absent.SILENCE):
            raise NoSuchIdException(str(unit_id))
        return ExcCodes.GATEWAY_NO_RESPONSE if unit_id not in self._units else None


class Line:
    """A port that can be unplugged, and units that can fall silent."""

    def __init__(self, host: str, port: int, units: Mapping[int, Memory], absent: Absent = Absent.SILENCE) -> None:
        self.host = host
        self.port = port
        self.units = frozenset(units)
        self._memory = _Units(units, absent)
        self._server: ModbusTcpServer | None = None

    @property
    def address(self) -> str:
        """``host:port``."""
        return f"{self.host}:{self.port}"

    @property
    def plugged(self) -> bool:
        """Whether the port is open."""
        return self._server is not None

    @property
    def silent(self) -> set[int]:
        """The units that do not answer at present."""
        return self._memory.silent

    async def plug(self) -> None:
        """Open the port (0: a free one). Raises CannotListen."""
        if self._server is not None:
            return
        # pymodbus only logs why a port cannot be had.
        with listening.on(self.host, self.port, "change the port in the point list (or --w1-first-port)") as probe:
            self.port = probe.getsockname()[1]
        nothing = SimDevice(id=1, simdata=SimData(0, datatype=DataType.REGISTERS))
        server = ModbusTcpServer(nothing, address=(self.host, self.port), ignore_missing_devices=True)
        server.context = self._memory
        await server.serve_forever(background=True)
        self._server = server

    def unplug(self) -> None:
        """Close the port and all connections."""
        if self._server is not None:
            self._server.close()
            self._server = None
