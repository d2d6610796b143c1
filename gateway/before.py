"""What is read of a device before one of its points is set: whether it has the point, its scale factor, what it holds.

Errors::

    Absent              the device does not have it, see ``mapping.refused``; nothing was sent
    NotWritten          see ``adapter``
      Silent            the device does not answer; nothing was sent
      Unread            the read before it failed; nothing was sent
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import NamedTuple

from gateway.adapter import TIMEOUT, NotWritten, Session, Writable
from gateway.mapping.expression import Formula
from gateway.mapping.program import Program
from gateway.mapping.raw import meaning
from gateway.mapping.refused import Absent, shown
from gateway.mapping.spec import PointSpec
from gateway.mapping.totals import Totals
from gateway.message import shortest_single
from gateway.model import Status, Value
from gateway.plant import Device


class Silent(NotWritten):
    """The device does not answer; nothing was sent."""

    def __init__(self, point: str) -> None:
        super().__init__(point, "the device does not answer; nothing was sent")


class Unread(NotWritten):
    """What is needed before could not be read; nothing was sent."""

    def __init__(self, point: str, what: str, reason: str, *, needed: bool) -> None:
        super().__init__(point, f"{what} could not be read before: {reason}; nothing was sent")
        self.needed = needed
        """Whether it cannot be set without."""


@dataclass(frozen=True, slots=True)
class Target:
    """A device behind an open session."""

    session: Session
    device: Device
    first: int = 0
    """The device's first point among those that the session was opened for."""
    unreadable: Callable[[Status], bool] = lambda status: False
    """Of the device's adapter: such a status is no reason not to write."""


class Before(NamedTuple):
    """A point before it is written."""

    power: int | None
    """Of ten, that it is scaled with just now; None where the device does not say."""
    raw: Value
    value: Value
    """As it is published."""
    status: Status


async def before(session: Writable, target: Target, spec: PointSpec, index: int, *, unread: bool) -> Before:
    """What there is now. Raises Absent where the device does not have the point, Silent or Unread, LinkLost or OSError.

    ``unread``: go on where the point itself cannot be read.
    """
    await _exists(session, target, spec)
    power = await _power(session, target, spec)
    found = await session.fetch(index)
    if found.value is not None:
        value, status = meaning(spec, found.value, power)
        return Before(power, found.value, short(spec, value), status)
    if not unread and not target.unreadable(found.status):
        raise _unread(spec.point.name, "it", found.status, needed=False)
    return Before(power, None, None, found.status)


async def _exists(session: Writable, target: Target, spec: PointSpec) -> None:
    """Ask the device what ``exists:`` of the point asks. Raises Absent, Silent or Unread."""
    if spec.exists is None:
        return
    device, program = target.device, Program(target.device, Totals())
    positions = tuple(sorted(_inputs(device, spec.exists)))
    readings = []
    for position in positions:
        found = await session.fetch(target.first + position)
        name = device.points[position].point.name
        if found.value is None:
            raise _unread(spec.point.name, f"whether the device has it, which {name} says,", found.status, needed=True)
        readings.append(found._replace(point=position))
    scan = program.scan(positions, readings)
    if device.points.index(spec) in program.absent:
        held = zip(scan.layout.rows, scan.values, strict=True)
        said = [f"{row.name} is {shown(value)}" for row, value in held if row.name in spec.exists.names]
        raise Absent(spec.point.name, f"the device has it only where {spec.exists.text}; {', '.join(said)}")


def _inputs(device: Device, formula: Formula) -> set[int]:
    """The positions of all points that a formula takes part of its values from, also through derived ones."""
    positions = {spec.point.name: position for position, spec in enumerate(device.points)}
    derived = {one.name: one.formula for one in device.derived}
    found, names = set[int](), list(formula.names)
    while names:
        name = names.pop()
        if name in derived:
            names += derived[name].names
        else:
            source = device.points[positions[name]].scale_from
            found |= {positions[name]} if source is None else {positions[name], source}
    return found


async def _power(session: Writable, target: Target, spec: PointSpec) -> int | None:
    """What the point's scale factor says; None where it says nothing."""
    if spec.scale_from is None:
        return 0
    factor = target.device.points[spec.scale_from]
    found = await session.fetch(target.first + spec.scale_from)
    if found.status == TIMEOUT:
        raise Silent(spec.point.name)
    raw = found.value
    if meaning(factor, raw)[0] is None or not isinstance(raw, int | float) or raw % 1 != 0:
        return None
    return int(raw)


def _unread(point: str, what: str, status: Status, *, needed: bool) -> NotWritten:
    return Silent(point) if status == TIMEOUT else Unread(point, what, status.reason, needed=needed)


def short(spec: PointSpec, value: Value) -> Value:
    """A float32 by its shortest text, as it is published: 3.3, not 3.299999952."""
    return shortest_single([value])[0] if spec.single and isinstance(value, float) and isfinite(value) else value
