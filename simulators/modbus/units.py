"""The units of a line as pymodbus' server asks for them: registers and bits, or why there are none."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from pymodbus.constants import ExcCodes
from pymodbus.exceptions import NoSuchIdException
from pymodbus.simulator.simcore import SimCore

from simulators.modbus.faults import Faults
from simulators.modbus.memory import Memory
from simulators.modbus.points import Table

_TABLES: dict[int, Table] = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}
_WRITES: dict[int, Table] = {5: "coil", 15: "coil", 6: "holding", 16: "holding", 22: "holding", 23: "holding"}


class Absent(StrEnum):
    """What is heard when a unit is asked that is not there."""

    SILENCE = "silence"
    """Nothing, as on a serial line behind a gateway that passes the wait on."""
    EXCEPTION = "exception"
    """Exception 0x0B, as from a gateway that waits itself."""


class Units(SimCore):
    """What pymodbus' server asks for registers.

    Its own ``SimDevice`` checks bits only in groups of sixteen and has no word for a unit that is silent for a while.
    """

    def __init__(self, units: Mapping[int, Memory], absent: Absent, faults: Faults) -> None:
        super().__init__([])
        self._units = units
        self._absent = absent
        self._faults = faults

    def device_ids(self) -> list[int]:
        return list(self._units)

    def heard(self, unit_id: int) -> bool:
        """Whether anything comes when this unit is asked."""
        return unit_id not in self._faults.silent and (unit_id in self._units or self._absent is Absent.EXCEPTION)

    async def async_getValues(  # noqa: N802 (the server's name)
        self, device_id: int, func_code: int, address: int, count: int = 1
    ) -> list[int] | list[bool] | ExcCodes:
        table = _TABLES.get(func_code) or _WRITES.get(func_code)
        refused = self._refused(device_id, table, address, count)
        if refused is not None or table is None:
            return refused or ExcCodes.ILLEGAL_FUNCTION
        held = self._units[device_id].read(table, address, count)
        if held is None:
            return ExcCodes.ILLEGAL_ADDRESS
        return [bit == 1 for bit in held] if table in ("coil", "discrete") else held

    async def async_setValues(  # noqa: N802 (the server's name)
        self, device_id: int, func_code: int, address: int, values: list[int] | list[bool]
    ) -> ExcCodes | None:
        table = _WRITES.get(func_code)
        refused = self._refused(device_id, table, address, len(values))
        if refused is not None or table is None:
            return refused or ExcCodes.ILLEGAL_FUNCTION
        code = self._units[device_id].write(table, address, values)
        return None if code is None else ExcCodes(code)

    def found(self, unit_id: int) -> Memory | ExcCodes:
        """What a unit holds; or a code. Raises NoSuchIdException where nothing is to be answered."""
        return self._refused(unit_id, None, 0, 0) or self._units[unit_id]

    def _refused(self, unit_id: int, table: Table | None, address: int, count: int) -> ExcCodes | None:
        """Raises NoSuchIdException where nothing is to be answered."""
        if not self.heard(unit_id):
            raise NoSuchIdException(str(unit_id))
        if unit_id not in self._units:
            return ExcCodes.GATEWAY_NO_RESPONSE
        code = None if table is None else self._faults.refusal(unit_id, table, address, count)
        return None if code is None else ExcCodes(code)
