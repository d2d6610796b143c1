"""Looking at devices once, for people who search a mistake in a mapping: raw words, other orders, what is published."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from gateway import link
from gateway.adapter import Adapter, Candidate, Choosing, LinkLost, Looking
from gateway.lines import with_secrets
from gateway.mapping.program import Program
from gateway.mapping.steps import Doubtful, step
from gateway.mapping.totals import Totals
from gateway.model import GOOD, NOT_A_NUMBER, Quality, RawBlock, Reading, Status, Value
from gateway.plant import Device, PointSpec
from gateway.vault import Vault

PATIENCE_S = 60.0
"""For one line at the most."""


class Missed(Exception):
    """The devices could not be looked at; the text says why, ``remedy`` what to do."""

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(reason)
        self.remedy = remedy


class Seen(NamedTuple):
    """One point, as raw as it came and as it is published."""

    name: str
    raw: str
    """Words in hexadecimal; empty where there are none."""
    value: Value
    unit: str
    status: Status
    candidates: Sequence[Candidate]
    """In other orders and as other types, scaled where the type is the same."""
    doubt: str
    """What looks as if it were not meant (T03); empty mostly."""


async def blocks(devices: Sequence[Device], adapter: Adapter[Any, Any], vault: Vault) -> list[RawBlock]:
    """What the devices of one line give, asked once over a connection of its own. Raises Missed."""
    line, points = devices[0].line, [spec.point for device in devices for spec in device.points]
    opening = with_secrets(adapter, vault).connect
    if opening is None:
        raise Missed(f"this version of Fieldgate cannot read {devices[0].protocol} devices yet")
    try:
        async with asyncio.timeout(PATIENCE_S), opening(points) as session:
            if not isinstance(session, Looking):
                raise Missed(f"the adapter of {devices[0].protocol} cannot show raw values")
            doubtful = _absent(devices, adapter, ())
            if doubtful and isinstance(session, Choosing):
                session.leave(doubtful)
                session.leave(_absent(devices, adapter, await session.look()))
            return list(await session.look())
    except (LinkLost, OSError) as error:
        trouble = link.words(error, line)
        raise Missed(f"{line}: {trouble.reason}", trouble.remedy) from error


def _absent(devices: Sequence[Device], adapter: Adapter[Any, Any], found: Sequence[RawBlock]) -> frozenset[int]:
    """The points of the line that their devices have not, as far as these blocks tell."""
    begins = accumulate((len(device.points) for device in devices), initial=0)
    return frozenset(
        begin + position
        for begin, device in zip(begins, devices, strict=False)
        for position in absent(device, adapter, found)
    )


def absent(device: Device, adapter: Adapter[Any, Any], found: Sequence[RawBlock]) -> frozenset[int]:
    """The points that the device has not (``exists:``), as far as these blocks tell; by position."""
    program, by_point = Program(device, Totals()), readings(device, adapter, found)
    if program.absent and by_point:
        program.scan(tuple(sorted(by_point)), [by_point[position] for position in sorted(by_point)])
    return program.absent


def readings(device: Device, adapter: Adapter[Any, Any], found: Sequence[RawBlock]) -> dict[int, Reading]:
    """The readings that the blocks hold of one device, by point."""
    if adapter.decode is None:
        return {}
    own = [block for block in found if block.device == device.name]
    return {reading.point: reading for reading in adapter.decode([spec.point for spec in device.points], own)}


def published(device: Device, adapter: Adapter[Any, Any], found: Sequence[RawBlock]) -> dict[str, tuple[Value, Status]]:
    """What these blocks mean as values, by point; derived ones too. What they do not hold is left out."""
    by_point, without = readings(device, adapter, found), absent(device, adapter, found)
    positions = tuple(sorted(by_point.keys() - without))
    if not positions:
        return {}
    scan = Program(device, Totals()).scan(positions, [by_point[position] for position in positions])
    rows = zip(scan.layout.rows, scan.values, scan.statuses, strict=True)
    return {row.name: (value, status) for row, value, status in rows}


def seen(device: Device, adapter: Adapter[Any, Any], found: Sequence[RawBlock]) -> list[Seen]:
    """Every point that the device has, in the order of the profile; derived ones last."""
    without = absent(device, adapter, found)
    values = published(device, adapter, found)
    own = [block for block in found if block.device == device.name]
    missing = Status(Quality.BAD, "not read")
    rows = []
    for position, spec in enumerate(device.points):
        if position in without:
            continue
        name = spec.point.name
        value, status = values.get(name, (None, missing))
        probed = adapter.explain(spec.point, own) if adapter.explain is not None else None
        candidates = [] if probed is None else [_scaled(spec, candidate) for candidate in probed.candidates]
        raw = "" if probed is None else probed.raw
        rows.append(Seen(name, raw, value, spec.unit, status, candidates, doubt(name, value, status, candidates)))
    for derived in device.derived:
        value, status = values.get(derived.name, (None, missing))
        rows.append(Seen(derived.name, "", value, derived.unit, status, (), ""))
    return rows


def _scaled(spec: PointSpec, candidate: Candidate) -> Candidate:
    """With another order the point is scaled as before; with another type its scale means nothing."""
    function = step(spec, None, {}) if candidate.setting.startswith("order:") and spec.scale_from is None else None
    if function is None or candidate.value is None:
        return candidate
    result = function(candidate.value)
    if isinstance(result, Status):
        return candidate._replace(value=None)
    return candidate._replace(value=result.value if isinstance(result, Doubtful) else result)


def doubt(name: str, value: Value, status: Status, candidates: Sequence[Candidate]) -> str:
    """A number that can hardly be meant, where another order gives one that can (T03)."""
    # What the mapping itself calls "no value", or the device did not give, says nothing of the order.
    if (value is None and status is not NOT_A_NUMBER) or (_likely(value) and status is GOOD):
        return ""
    for candidate in candidates[1:]:
        if isinstance(candidate.value, float) and candidate.setting.startswith("order:") and _likely(candidate.value):
            shown = "nothing" if value is None else f"{value:.7g}" if isinstance(value, float) else str(value)
            order = candidate.setting.removeprefix("order: ")
            return f"T03: order? {name} reads {shown}; with {order} it would be {candidate.value:.7g}"
    return ""


def _likely(value: Value) -> bool:
    """Whether a number is of a size that machines measure in."""
    if not isinstance(value, int | float):
        return value is not None
    return value == 0 or 1e-3 <= abs(value) < 1e7
