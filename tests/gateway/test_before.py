"""Before a point is set the device is asked whether it has it, how it is scaled and what it holds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from adapters.modbus import ADAPTER
from gateway.adapter import GOOD, TIMEOUT, Quality, Status
from gateway.before import Before, Silent, Target, Unread, before
from gateway.mapping.refused import Absent
from tests.gateway.setpoints import Machine, described

PROFILE = """\
schema: fieldgate/profile/v1
profile: acme-pm1
protocol: modbus
points:
  strings: {at: 0, nan: [0xFFFF]}
  halves: {at: 1, type: int16, scale_from: halves_sf}
  halves_sf: {at: 2, type: int16}
  string_{i}: {at: 10, repeat: {i: 1..4, step: 2}, exists: "strings >= {i}", unit: A, write: {range: [0, 100]}}
  half: {at: 30, exists: modules >= 3, write: {range: [0, 100]}}
  limit: {at: 40, type: int16, scale_from: limit_sf, unit: W, write: {range: [0, 9000]}}
  limit_sf: {at: 41, type: int16}
derived:
  modules: {expr: strings + halves / 2}
"""


Asked: TypeAlias = tuple[Machine, Callable[..., Awaitable[Before]]]


@pytest.fixture
def rack(tmp_path: Path) -> Asked:
    """A device with two strings, behind another one of its line."""
    device = described(tmp_path, profile=PROFILE)
    names = [spec.point.name for spec in device.points]
    session = Machine(device)
    session.names = ["another", *names]
    session.held |= {**dict.fromkeys(names, 7), "strings": 2, "halves": 5, "halves_sf": -1}

    async def asked(name: str, *, unread: bool = False) -> Before:
        target = Target(session, device, first=1, unreadable=ADAPTER.unreadable)
        return await before(session, target, device.points[names.index(name)], 1 + names.index(name), unread=unread)

    return session, asked


async def test_a_point_that_the_device_has_is_read(rack: Asked) -> None:
    session, ask = rack
    assert await ask("string_2") == Before(0, 7, 7, GOOD)
    assert session.fetched == ["strings", "string_2"]


async def test_a_point_that_the_device_has_not_is_refused_and_not_even_read(rack: Asked) -> None:
    session, ask = rack
    with pytest.raises(Absent) as caught:
        await ask("string_3", unread=True)
    assert str(caught.value) == "string_3: the device has it only where strings >= 3; strings is 2"
    assert session.fetched == ["strings"]


async def test_what_is_computed_from_points_with_scale_factors_decides_too(rack: Asked) -> None:
    session, ask = rack
    with pytest.raises(Absent, match=r"the device has it only where modules >= 3; modules is 2\.25"):
        await ask("half")
    assert sorted(session.fetched) == ["halves", "halves_sf", "strings"]
    session.held["halves"] = 20
    assert (await ask("half")).value == 7


async def test_where_the_device_does_not_say_how_many_there_are_nothing_is_sent(rack: Asked) -> None:
    session, ask = rack
    session.held["strings"] = 0xFFFF
    with pytest.raises(Absent, match="only where strings >= 1; strings is no value"):
        await ask("string_1")
    session.why["strings"] = Status(Quality.BAD, "exception 4: device failure", 4)
    with pytest.raises(Unread) as caught:
        await ask("string_1", unread=True)
    assert str(caught.value) == (
        "string_1: whether the device has it, which strings says, could not be read before: "
        "exception 4: device failure; nothing was sent"
    )
    assert caught.value.needed
    session.why["strings"] = TIMEOUT
    with pytest.raises(Silent):
        await ask("string_1")


async def test_a_point_with_a_scale_factor_is_told_as_it_is_published(rack: Asked) -> None:
    session, ask = rack
    session.held |= {"limit": 15, "limit_sf": 2}
    assert await ask("limit") == Before(2, 15, 1500, GOOD)


async def test_what_could_not_be_read_may_be_set_by_whoever_says_so(rack: Asked) -> None:
    session, ask = rack
    session.why["string_1"] = why = Status(Quality.BAD, "wrong answer")
    with pytest.raises(Unread) as caught:
        await ask("string_1")
    assert not caught.value.needed
    assert await ask("string_1", unread=True) == Before(0, None, None, why)
