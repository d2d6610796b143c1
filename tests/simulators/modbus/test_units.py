"""What pymodbus' server is told of registers and bits."""

from __future__ import annotations

import pytest
from pymodbus.constants import ExcCodes
from pymodbus.exceptions import NoSuchIdException

from simulators.modbus.faults import Faults
from simulators.modbus.memory import Memory
from simulators.modbus.points import Address, Point
from simulators.modbus.units import Absent, Units


def memory(*, writable: bool = True) -> Memory:
    made = Memory(
        [Point("a", Address(3)), Point("b", Address(4)), Point("c", Address(0, "coil", "bool"))], writable=writable
    )
    made.show([7, 8, True])
    return made


async def test_each_function_has_its_table() -> None:
    units = Units({1: memory()}, Absent.SILENCE, Faults())
    assert await units.async_getValues(1, 3, 3, 2) == [7, 8]
    assert await units.async_getValues(1, 1, 0) == [True]
    assert await units.async_getValues(1, 4, 3) == ExcCodes.ILLEGAL_ADDRESS
    assert await units.async_getValues(1, 24, 3) == ExcCodes.ILLEGAL_FUNCTION
    assert await units.async_getValues(1, 22, 3) == [7], "a mask is applied to what is held"


async def test_writes_reach_the_memory_unless_it_is_a_meter() -> None:
    units = Units({1: memory(), 2: memory(writable=False)}, Absent.SILENCE, Faults())
    assert await units.async_setValues(1, 16, 3, [1, 2]) is None
    assert await units.async_setValues(1, 5, 0, [False]) is None
    assert await units.async_getValues(1, 3, 3, 2) == [1, 2]
    assert await units.async_getValues(1, 1, 0) == [False]
    assert await units.async_setValues(1, 6, 9, [1]) == ExcCodes.ILLEGAL_ADDRESS
    assert await units.async_setValues(2, 6, 3, [1]) == ExcCodes.ILLEGAL_FUNCTION


async def test_refused_addresses_are_refused_for_reads_and_writes() -> None:
    units = Units({1: memory()}, Absent.SILENCE, Faults(refused={(1, "holding", 4): 6}))
    assert await units.async_getValues(1, 3, 3, 2) == ExcCodes.DEVICE_BUSY
    assert await units.async_setValues(1, 16, 3, [1, 2]) == ExcCodes.DEVICE_BUSY
    assert await units.async_getValues(1, 3, 3) == [7]


async def test_who_is_silent_is_not_heard() -> None:
    faults = Faults(silent={1})
    units = Units({1: memory(), 2: memory()}, Absent.SILENCE, faults)
    assert [units.heard(unit) for unit in (1, 2, 9)] == [False, True, False]
    with pytest.raises(NoSuchIdException):
        await units.async_getValues(1, 3, 3)
    behind_a_gateway = Units({1: memory()}, Absent.EXCEPTION, Faults())
    assert behind_a_gateway.heard(9)
    assert await behind_a_gateway.async_getValues(9, 3, 3) == ExcCodes.GATEWAY_NO_RESPONSE
