"""Setting one point of a device: judged, written down, sent once, read back where the mapping wants that, and logged.

Who asks (a person, a direct method, a twin) does not matter here: all have the same bounds, and leave the same traces.

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
from dataclasses import dataclass, replace
from typing import NamedTuple

from gateway import link
from gateway.adapter import LinkLost, NotWritten, Writable
from gateway.audit import Act, Audit, Caller, Outcome, Source
from gateway.before import Target, before, short
from gateway.mapping.diagnostics import did_you_mean
from gateway.mapping.raw import meaning, type_of
from gateway.mapping.refused import Denied, Refused, Unkept, Wanted, shown, with_unit
from gateway.mapping.spec import Confirm, PointSpec
from gateway.mapping.writing import Setpoint, agrees, allowed, encode
from gateway.message import shortest_single
from gateway.model import Status, Value
from gateway.pace import Pace
from gateway.plant import Device
from gateway.values import names_secret

READBACK_S = 3.0
"""So long a device has to show what it was set to."""
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 0.5

HIDDEN = "(hidden)"
"""Instead of a value that is for nobody to read."""

log = logging.getLogger("fieldgate")


class NotHeld(NotWritten):
    """A point was sent a value, and something else was read back."""

    def __init__(self, point: str, reason: str, held: Value, *, unknown: bool) -> None:
        super().__init__(point, reason, unknown=unknown)
        self.held = held
        """As it is published; None where it could not be read."""


@dataclass(frozen=True, slots=True)
class Order:
    """Who wants a point to be set, and where that is kept."""

    by: Caller
    pace: Pace
    audit: Audit
    plant: str = ""
    """The fingerprint of the plant's files."""
    note: str = ""
    """Why, says who wants it."""
    unread: bool = False
    """It shall be set also where it cannot be read before."""

    def act(self, device: Device, name: str, wanted: Wanted) -> Act:
        """For the audit."""
        spec = next((spec for spec in device.points if spec.point.name == name), None)
        place = spec.place if spec is not None else None
        source = Source(self.plant, place.file, place.line) if place is not None else Source(self.plant)
        # A name that there is not may be that of a password, misspelled.
        told = _told(name, wanted) if spec is not None else HIDDEN
        return Act(self.by, device.name, name, source, told, note=self.note, unread=self.unread)

    def refuse(self, device: Device, name: str, wanted: Wanted, error: Exception) -> None:
        """Keep that this was wanted and not sent."""
        outcome: Outcome = "refused" if isinstance(error, Refused) else "not written"
        try:
            self.audit.refuse(self.act(device, name, wanted), outcome, _why(name, error))
        except OSError as trouble:
            log.error("this is not in the audit: %s", trouble.strerror or trouble)  # noqa: TRY400  # for operators


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


async def preview(target: Target, name: str, wanted: Wanted, *, unread: bool = False) -> Preview:
    """What ``set_point`` would do; nothing is sent but reads. Raises Refused, NotWritten, LinkLost or OSError."""
    session, spec, index = _writable(target, name)
    check(target.device, name, wanted)
    was = await before(session, target, spec, index, unread=unread)
    setpoint = encode(spec, wanted, was.power, was.raw)
    shortened = Setpoint(_short_raw(spec, setpoint.raw), short(spec, setpoint.value))
    return Preview(name, spec.unit, was.value, was.status, shortened)


async def set_point(
    target: Target,
    name: str,
    wanted: Wanted,
    order: Order,
    *,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Done:
    """Set a point to a value as it is published. Raises what stands at the top.

    Audit and log tell every act before it is tried, and then what became of it; what cannot be told is not done.
    """
    device = target.device
    try:
        session, spec, index = _writable(target, name)
        order.pace.check(device.name, spec)
        check(device, name, wanted)
        was = await before(session, target, spec, index, unread=order.unread)
        setpoint = encode(spec, wanted, was.power, was.raw)
    except (Refused, NotWritten, LinkLost, OSError) as error:
        told = order.act(device, name, wanted).wanted
        log.warning("%s %s: %s, by %s: not sent: %s", device.name, name, told, order.by, _why(name, error))
        await asyncio.to_thread(order.refuse, device, name, wanted, error)
        raise
    new, raw = short(spec, setpoint.value), _short_raw(spec, setpoint.raw)
    act = replace(
        order.act(device, name, wanted),
        unit=spec.unit,
        old=was.value,
        old_reason=was.status.reason,
        new=new,
        raw=raw,
    )
    number = await asyncio.to_thread(_intend, order, act, spec)
    writing = _Writing(session, spec, index, was.power, setpoint, now, sleep)
    try:
        doubts = await writing.carry_out()
    except asyncio.CancelledError:
        _settle(order, act, number, "not confirmed", "cancelled; it is unknown whether it was carried out")
        raise
    except (NotWritten, LinkLost, OSError) as error:
        outcome: Outcome = "not confirmed" if _sent(error) else "not written"
        await asyncio.to_thread(_settle, order, act, number, outcome, str(error))
        raise
    confirm = allowed(spec).confirm
    done = Done(device.name, name, spec.unit, was.value, was.status, new, raw, confirm, *doubts)
    await asyncio.to_thread(_settle, order, act, number, "confirmed", known_by(done), done.doubt)
    return done


def _intend(order: Order, act: Act, spec: PointSpec) -> int:
    """Keep, before anything is sent, that it will be; returns its number in the audit. Raises TooSoon or Unkept."""
    try:
        number = order.audit.intend(_masked(act))
    except OSError as error:
        why = f"the audit cannot be written: {error.strerror or error}; nothing was sent"
        unkept = Unkept(act.point, why, "see to the state directory, and call it as its owner")
        log.warning("%s, by %s: not sent: %s", _words(act), act.by, unkept)
        raise unkept from error
    try:
        order.pace.take(act.device, spec)
    except Refused as refused:
        _settle(order, act, number, "refused", str(refused))
        raise
    log.info("%s, by %s: to be written as raw value %s", _words(act), act.by, _told(act.point, act.raw))
    return number


def _settle(order: Order, act: Act, number: int, outcome: Outcome, why: str, doubt: str = "") -> None:
    """Keep and log what became of it."""
    if _hidden(act.point):
        why = "what is said of it could hold the value" if outcome != "confirmed" else why
    level = logging.INFO if outcome == "confirmed" and not doubt else logging.WARNING
    log.log(level, "%s, by %s: %s%s", _words(act), act.by, _OUTCOMES[outcome], why)
    try:
        order.audit.tell(number, outcome, why)
    except OSError as error:
        log.error("the audit does not hold this outcome: %s", error.strerror or error)  # noqa: TRY400  # for operators


_OUTCOMES: dict[Outcome, str] = {
    "confirmed": "written, ",
    "refused": "not sent: ",
    "not written": "not written: ",
    "not confirmed": "not confirmed: ",
}


def _words(act: Act) -> str:
    """``press-7 speed: 20 Hz -> 25 Hz``."""
    old = f"not read ({act.old_reason})" if act.old is None else with_unit(_told(act.point, act.old), act.unit)
    return f"{act.device} {act.point}: {old} -> {with_unit(_told(act.point, act.new), act.unit)}"


def _why(point: str, error: Exception) -> str:
    return "what is wrong could tell the value" if _hidden(point) else str(error)


def _hidden(point: str) -> bool:
    """Whether its values are for nobody to read."""
    return names_secret(point)


def _told(point: str, value: Wanted) -> str:
    return HIDDEN if _hidden(point) else shown(value)


def _masked(act: Act) -> Act:
    return replace(act, old=None, new=None, raw=None, old_reason="hidden") if _hidden(act.point) else act


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


def _short_raw(spec: PointSpec, raw: Value) -> Value:
    return shortest_single([raw])[0] if type_of(spec) == "float32" and isinstance(raw, float) else raw


def _sent(error: BaseException) -> bool:
    """Whether the device may have done something, if only within bounds of its own."""
    return isinstance(error, NotHeld) or (isinstance(error, NotWritten) and error.unknown)


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
        text = with_unit(shown(short(self.spec, found.value if held is None else held)), self.spec.unit)
        reason = f"{_so_far(doubt)} the point holds {text} after {READBACK_S:g} s"
        raise NotHeld(self.spec.point.name, reason, held, unknown=doubt is not None) from doubt

    def _unread(self, doubt: NotWritten | None, why: str) -> NotHeld:
        return NotHeld(self.spec.point.name, f"{_so_far(doubt)} it could not be read back: {why}", None, unknown=True)


def _so_far(doubt: NotWritten | None) -> str:
    return "the device confirmed it, but" if doubt is None else f"{doubt.reason}, and"
