"""Setting one point of a device: judged, sent once, read back where the mapping wants that, and logged.

Who asks (a person, a direct method, a twin) does not matter here: everybody has the same bounds.

Errors::

    Refused           nothing was sent, see ``mapping.refused``
    LinkLost          the line cannot be reached; nothing was sent
    (OSError)         means the same
    NotWritten        the device did not take it, or nobody knows whether it did, see ``adapter``
      Silent          the device does not answer; nothing was sent
      Unread          the read before it failed; nothing was sent
      NotHeld         it was sent, and something else was read back
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import isfinite
from typing import NamedTuple

from gateway import link
from gateway.adapter import TIMEOUT, LinkLost, NotWritten, Session, Writable
from gateway.mapping.diagnostics import did_you_mean
from gateway.mapping.raw import meaning, type_of
from gateway.mapping.refused import Denied, Refused, Wanted, shown, with_unit
from gateway.mapping.spec import Confirm, PointSpec
from gateway.mapping.writing import Setpoint, agrees, allowed, encode, paced
from gateway.message import shortest_single
from gateway.model import Quality, Status, Value
from gateway.plant import Device

READBACK_S = 3.0
"""So long a device has to show what it was set to."""
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 0.5

log = logging.getLogger("fieldgate")


class Silent(NotWritten):
    """The device does not answer; nothing was sent."""

    def __init__(self, point: str) -> None:
        super().__init__(point, "the device does not answer; nothing was sent")


class Unread(NotWritten):
    """What the point holds could not be read before; nothing was sent."""

    def __init__(self, point: str, reason: str) -> None:
        super().__init__(point, f"it could not be read before: {reason}; nothing was sent")


class NotHeld(NotWritten):
    """A point was sent a value, and something else was read back."""

    def __init__(self, point: str, reason: str, held: Value, *, unknown: bool) -> None:
        super().__init__(point, reason, unknown=unknown)
        self.held = held
        """As it is published; None where it could not be read."""


class Pace:
    """When each point was written last, for as long as the gateway runs: ``every`` of ``write:`` counts from then."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._last: dict[tuple[str, str], float] = {}

    def check(self, device: str, spec: PointSpec) -> None:
        """Raises TooSoon."""
        last = self._last.get((device, spec.point.name))
        if last is not None:
            paced(spec, self._now() - last)

    def take(self, device: str, spec: PointSpec) -> None:
        """It is written now. Raises TooSoon."""
        self.check(device, spec)
        self._last[device, spec.point.name] = self._now()


@dataclass(frozen=True, slots=True)
class Target:
    """A device behind an open session."""

    session: Session
    device: Device
    first: int = 0
    """The device's first point among those that the session was opened for."""
    unreadable: Callable[[Status], bool] = lambda status: False
    """Of the device's adapter: such a status is no reason not to write."""
    unread: bool = False
    """Set it whatever the read before says, or does not say."""


class Preview(NamedTuple):
    """What setting a point would do."""

    point: str
    unit: str
    old: Value
    """As it is published; None where the device does not give it."""
    old_status: Status
    setpoint: Setpoint


class Done(NamedTuple):
    """A point was set."""

    device: str
    point: str
    unit: str
    old: Value
    """What was read before, as it is published; None where the device does not give it."""
    old_status: Status
    new: Value
    """As it is published."""
    raw: Value
    confirm: Confirm
    """How it is known: it was read back, or the device's answer has to do."""
    repeated: bool
    """It was sent twice, since nobody knew what had become of the first."""
    doubt: str = ""
    """What was wrong with the device's confirmation, though the point holds the value; empty where nothing was."""


def spec_of(device: Device, name: str) -> PointSpec:
    """The point that may be written. Raises Denied, also where there is none of this name."""
    for spec in device.points:
        if spec.point.name == name:
            allowed(spec)
            return spec
    if any(derived.name == name for derived in device.derived):
        raise Denied(name, "it is computed from other points, so that it cannot be written")
    writable = [spec.point.name for spec in device.points if spec.write is not None]
    some = ", ".join(writable[:10]) or "none; allow it with write:"
    raise Denied(name, f"{device.name} has no such point", did_you_mean(name, writable, otherwise=f"writable: {some}"))


def check(device: Device, name: str, wanted: Wanted) -> None:
    """Raises Refused for what is wrong whatever the device says just now."""
    spec = spec_of(device, name)
    if spec.scale_from is None:
        encode(spec, wanted)


async def preview(target: Target, name: str, wanted: Wanted) -> Preview:
    """What ``set_point`` would do; nothing is sent but reads. Raises Refused, NotWritten, LinkLost or OSError."""
    session, spec, index = _writable(target, name)
    check(target.device, name, wanted)
    before = await _before(session, target, spec, index)
    setpoint = encode(spec, wanted, before.power, before.raw)
    shortened = Setpoint(_short_raw(spec, setpoint.raw), _short(spec, setpoint.value))
    return Preview(name, spec.unit, before.value, before.status, shortened)


async def set_point(
    target: Target,
    name: str,
    wanted: Wanted,
    pace: Pace,
    by: str,
    *,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Done:
    """Set a point to a value as it is published. Raises what stands at the top.

    ``by``: who wants it, for the log, which tells every act before it is tried, and then what became of it.
    """
    act = f"{target.device.name} {name}"
    try:
        session, spec, index = _writable(target, name)
        pace.check(target.device.name, spec)
        check(target.device, name, wanted)
        power, held, old, status = await _before(session, target, spec, index)
        setpoint = encode(spec, wanted, power, held)
        pace.take(target.device.name, spec)
    except (Refused, NotWritten, LinkLost, OSError) as error:
        log.warning("%s: %s, by %s: not sent: %s", act, shown(wanted), by, error)
        raise
    write = allowed(spec)
    before = with_unit(shown(old), spec.unit) if status.quality is not Quality.BAD else f"not read ({status.reason})"
    new, raw = _short(spec, setpoint.value), _short_raw(spec, setpoint.raw)
    act += f": {before} -> {with_unit(shown(new), spec.unit)}, by {by}"
    log.info("%s: to be written as raw value %s", act, shown(raw))
    writing = _Writing(session, spec, index, power, setpoint, now, sleep)
    try:
        doubts = await writing.carry_out()
    except asyncio.CancelledError:
        log.warning("%s: cancelled; it is unknown whether it was carried out", act)
        raise
    except (NotWritten, LinkLost, OSError) as error:
        log.warning("%s: %s: %s", act, "it is not known to be written" if _unknown(error) else "not written", error)
        raise
    done = Done(target.device.name, name, spec.unit, old, status, new, raw, write.confirm, *doubts)
    log.log(logging.WARNING if done.doubt else logging.INFO, "%s: written, %s", act, known_by(done))
    return done


def known_by(done: Done) -> str:
    """How it is known that a point was set, in words: ``read back from the device``."""
    how, what = CONFIRMED[done.confirm], f"the device did not confirm it rightly: {done.doubt}"
    if done.repeated:
        return f"{how}; it was sent twice, since {what}"
    return f"{how}, but {what}" if done.doubt else how


CONFIRMED: dict[Confirm, str] = {
    "answer": "confirmed by the device's answer",
    "readback": "read back from the device",
}


def _writable(target: Target, name: str) -> tuple[Writable, PointSpec, int]:
    spec = spec_of(target.device, name)
    if not isinstance(target.session, Writable):
        raise Denied(name, f"the adapter of {target.device.protocol} cannot write")
    return target.session, spec, target.first + target.device.points.index(spec)


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


class _Before(NamedTuple):
    """A point before it is written."""

    power: int | None
    """Of ten, that it is scaled with just now."""
    raw: Value
    value: Value
    """As it is published."""
    status: Status


async def _before(session: Writable, target: Target, spec: PointSpec, index: int) -> _Before:
    """Raises Silent or Unread where the point must be readable."""
    power = await _power(session, target, spec)
    found = await session.fetch(index)
    if found.value is not None:
        value, status = meaning(spec, found.value, power)
        return _Before(power, found.value, _short(spec, value), status)
    if not target.unread and not target.unreadable(found.status):
        raise _unread(spec, found.status)
    return _Before(power, None, None, found.status)


def _short(spec: PointSpec, value: Value) -> Value:
    """A float32 by its shortest text, as it is published: 3.3, not 3.299999952."""
    return shortest_single([value])[0] if spec.single and isinstance(value, float) and isfinite(value) else value


def _short_raw(spec: PointSpec, raw: Value) -> Value:
    return shortest_single([raw])[0] if type_of(spec) == "float32" and isinstance(raw, float) else raw


def _unread(spec: PointSpec, status: Status) -> NotWritten:
    return Silent(spec.point.name) if status == TIMEOUT else Unread(spec.point.name, status.reason)


def _unknown(error: BaseException) -> bool:
    return isinstance(error, NotWritten) and error.unknown


@dataclass(frozen=True, slots=True)
class _Writing:
    """One value on its way to one point."""

    session: Writable
    spec: PointSpec
    index: int
    power: int | None
    setpoint: Setpoint
    now: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]

    async def carry_out(self) -> tuple[bool, str]:
        """Send and confirm; returns whether it was sent twice, and what was wrong with the device's confirmation."""
        write = allowed(self.spec)
        doubt, repeated, wrong = None, False, ""
        try:
            await self.session.write(self.index, self.setpoint.raw)
        except NotWritten as error:
            if not error.unknown:
                raise
            doubt, wrong = error, error.reason
        if doubt is not None and write.idempotent:
            repeated = True
            doubt = await self._again(doubt)
        if write.confirm == "readback":
            await self._read_back(doubt)
        elif doubt is not None:
            raise doubt
        return repeated, wrong

    async def _again(self, doubt: NotWritten) -> NotWritten | None:
        """Send it once more; returns the doubt that is left, for the first one may have been carried out."""
        try:
            await self.session.write(self.index, self.setpoint.raw)
        except NotWritten as error:
            return NotWritten(doubt.point, f"sent twice: {error.reason}", unknown=True)
        except (LinkLost, OSError):
            return doubt
        return None

    async def _read_back(self, doubt: NotWritten | None) -> None:
        """Read until the point holds what was written. Raises NotHeld."""
        until, pause = self.now() + READBACK_S, FIRST_PAUSE_S
        while True:
            try:
                found = await self.session.fetch(self.index)
            except (LinkLost, OSError) as error:
                raise self._unread(doubt, link.words(error, "the line").reason) from error
            if found.value is not None and agrees(self.spec, self.setpoint, found.value):
                return
            if self.now() >= until:
                break
            await self.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)
        if found.value is None:
            raise self._unread(doubt, found.status.reason) from doubt
        held = meaning(self.spec, found.value, self.power)[0]
        text = with_unit(shown(_short(self.spec, found.value if held is None else held)), self.spec.unit)
        reason = f"{_so_far(doubt)} the point holds {text} after {READBACK_S:g} s"
        raise NotHeld(self.spec.point.name, reason, held, unknown=doubt is not None) from doubt

    def _unread(self, doubt: NotWritten | None, why: str) -> NotHeld:
        return NotHeld(self.spec.point.name, f"{_so_far(doubt)} it could not be read back: {why}", None, unknown=True)


def _so_far(doubt: NotWritten | None) -> str:
    return "the device confirmed it, but" if doubt is None else f"{doubt.reason}, and"
