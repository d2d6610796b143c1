"""The scans of all units of a line, and writes between them.

What to ask, when, and what an answer means is decided by ``plan``, ``course``, ``schedule``, ``breaker``, ``writes``
and ``answers``; the bytes go through ``traffic``.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple, TypeAlias

from adapters.modbus import endpoint, pdu, writes
from adapters.modbus.answers import Answer, Block, block, readings
from adapters.modbus.breaker import FIRST_PAUSE, SILENT_AFTER, Breaker, pause_s
from adapters.modbus.course import ILLEGAL_FUNCTION, Asked, Course, illegal, refusal
from adapters.modbus.exchange import Unsent
from adapters.modbus.plan import Scan, members_of_scans, plan, scan_of
from adapters.modbus.said import Said
from adapters.modbus.schedule import Schedule
from adapters.modbus.settings import Address, Connect
from adapters.modbus.traffic import HeldBack, Traffic
from gateway.adapter import TIMEOUT, Batch, LinkLost, Point, Quality, RawBlock, Reading, Session, Status, Value

SEARCH_S = 2.0
"""The next turn of a scan while it is searched for illegal addresses, where its period is longer."""
NAMED_AT_MOST = 10

log = logging.getLogger("fieldgate")


@asynccontextmanager
async def connect(points: Sequence[Point[Connect, Address]]) -> AsyncIterator[Session]:
    """Open the connection of one line; see ``gateway.adapter.Adapter.connect``."""
    poller = Poller(points)
    await poller.open()
    try:
        yield poller
    finally:
        await poller.close()


class _Fault(NamedTuple):
    """Why a block has no values."""

    status: Status
    unheard: bool
    """The unit itself was not heard, so asking it for more is of no use now."""
    spoils_scan: bool = False
    """The stream was out of step: what came before in the same scan is not believed either."""
    unasked: bool = False
    """Only this was left alone for now: it says nothing of the unit."""


_Outcome: TypeAlias = bytes | _Fault


class Poller:
    """An open line: ``read`` waits for the next scan that is due and returns its readings.

    All else may run meanwhile, in other tasks.
    """

    def __init__(self, points: Sequence[Point[Connect, Address]]) -> None:
        self._points = points
        self.counters: Counter[str] = Counter()
        self._echoes = bool(points) and endpoint.parts(points[0].connect.modbus).framing != "mbap"
        """The line may give back what is sent on it, as half-duplex adapters do."""
        self._traffic = Traffic([point.connect for point in points], self.counters)
        self._members = members_of_scans(points)
        self._left: frozenset[int] = frozenset()
        self._scans = [scan_of(points, members) for members in self._members]
        self._courses = [Course(scan) for scan in self._scans]
        self._of_unit: dict[int, list[int]] = {}
        for index, scan in enumerate(self._scans):
            self._of_unit.setdefault(scan.unit, []).append(index)
        self._refused = [0] * len(self._scans)
        """Rounds in a row of each scan in which the unit refused a part of it, but for addresses that it has not."""
        self._breaker = Breaker(self._of_unit)
        self._recorded: Collection[str] = frozenset()
        self._said = Said()
        self._unknown: dict[int, set[int]] = {}
        """Functions to write with that a unit does not know."""

    async def open(self) -> None:
        """Connect; the first scans are due from now on. Raises LinkLost or OSError (also for the timeout)."""
        await self._traffic.open()
        self._loop = asyncio.get_running_loop()
        self._schedule = Schedule([scan.every_s for scan in self._scans], self._loop.time())

    async def close(self) -> None:
        """Nothing is left open when this returns."""
        await self._traffic.close()

    async def read(self) -> Batch:
        """The readings of the next due scan, all with the time at which its last block arrived.

        Raises LinkLost when the connection is gone, or no unit of the line answers any more.
        """
        if self._breaker.quiet:
            await self._prove()
        await self._traffic.rest(self._schedule.due())
        # Something may have been moved forward meanwhile, or not as far as to now.
        while self._schedule.due() > self._loop.time():
            await self._traffic.rest(self._schedule.due())
        doubtful = self._breaker.doubtful
        behind = [index for unit in doubtful for index in self._of_unit.get(unit, ())] if doubtful else ()
        index = self._schedule.take(self._loop.time(), behind)
        self.counters["late_scans"] = self._schedule.late
        return await self._scan(index)

    def leave(self, points: Collection[int]) -> None:
        """Read all points but these from now on; see ``gateway.adapter.Choosing``."""
        left, self._left = self._left, frozenset(points)
        changed = left ^ self._left
        for index, members in enumerate(self._members):
            if changed.isdisjoint(members):
                continue
            new, old = scan_of(self._points, members, without=self._left), self._scans[index]
            if new != old:
                self._scans[index] = new
                self._courses[index] = Course(new)
                if _held(new) - _held(old):
                    # Its turn may have passed, for this day or for ever.
                    self._schedule.move(index, self._loop.time())
                    self._traffic.wake()

    def record(self, devices: Collection[str]) -> None:
        """Hand out what these devices answered, beside the readings; see ``gateway.adapter.Recording``."""
        self._recorded = frozenset(devices)

    async def fetch(self, point: int) -> Reading:
        """One point, now, before all polls that wait. Raises LinkLost or OSError where the line is gone."""
        (scan,) = plan([self._points[point]])
        heard: list[tuple[Block, Answer]] = []
        for request in scan.requests:
            asked = block(scan.device, request)
            outcome = await self._asked(asked, scan.timeout_s, urgent=True)
            heard.append((asked, outcome.status if isinstance(outcome, _Fault) else outcome))
        (found,) = readings(heard, time.time_ns())
        if found.value is not None:
            self._heard(scan.unit)
        return found._replace(point=point)

    async def write(self, point: int, value: Value) -> None:
        """Set one point, before all polls that wait; ``value`` as ``fetch`` gives it. The device has confirmed it then.

        Nothing is sent a second time, unless the device did not know the function. Raises NotWritten; or
        LinkLost or OSError where the line cannot be opened: nothing was sent then.
        """
        job = writes.job(self._points[point], value)
        unknown = self._unknown.setdefault(job.unit, set())
        ways = writes.known(job.ways, unknown)
        async with self._traffic.held():
            if self._echoes and not self._traffic.proven:
                # What is echoed looks like a confirmation: whether it is, is seen at the first read.
                with suppress(pdu.Refusal):
                    await self._read_first(job)
            for way in ways:
                try:
                    await self._go(job, way)
                    break
                except pdu.Refusal as error:
                    if error.code != writes.ILLEGAL_FUNCTION or way is ways[-1]:
                        raise writes.failure(job.point, error) from error
                    if not isinstance(way, writes.Modify):
                        unknown.add(way.function)
        self.counters["writes"] += 1
        self._heard(job.unit)

    async def look(self) -> list[RawBlock]:
        """What every request of the line gives, asked once, one after the other; around illegal addresses in parts.

        A unit that has not answered to three of them is not asked for the rest, which is told as it is of the third.
        """
        seen: list[RawBlock] = []
        silences: dict[int, list[Status]] = {unit: [] for unit in self._of_unit}
        for scan in self._scans:
            seen += await self._looked(scan, silences[scan.unit])
        return seen

    async def _scan(self, index: int) -> Batch:
        scan, course = self._scans[index], self._courses[index]
        turn = course.turn(self._loop.time())
        calm = course.calm
        heard: list[tuple[Asked, Answer]] = []
        found: list[tuple[Block, Answer]] = []
        fault: _Fault | None = None
        for asked in turn:
            outcome = await self._asked(asked.block, scan.timeout_s)
            if not isinstance(outcome, _Fault):
                heard.append((asked, outcome))
            elif outcome.unheard:
                fault = outcome
                break
            elif outcome.unasked:
                found += [] if asked.trial else [(asked.block, outcome.status)]
            else:
                heard.append((asked, outcome.status))
                calm = False
        at_ns = time.time_ns()
        if heard:
            self._heard(scan.unit, index)
        reached = len(heard) + len(found)
        if fault is not None and fault.spoils_scan:
            heard, found = [], []
        found += [(asked.block, answer) for asked, answer in heard if not asked.trial]
        found += course.left
        if fault is not None:
            course.passed_over(turn[reached])
            missing = [asked.block for asked in turn[0 if fault.spoils_scan else reached :] if not asked.trial]
            found += [(block, fault.status) for block in missing + self._failed(index)]
        if course is self._courses[index]:
            if not calm:
                self._learn(index, heard)
        elif math.isinf(scan.every_s):
            # Another one by now, and this was the only turn of those that are read once.
            self._schedule.move(index, self._loop.time())
        blocks: Sequence[RawBlock] = ()
        if self._recorded:
            kept = [(block, answer) for block, answer in found if block.device in self._recorded]
            blocks = [raw for block, answer in kept for raw in block.seen(answer, at_ns)]
        return Batch(readings(found, at_ns), blocks)

    async def _asked(self, block: Block, timeout_s: float, *, urgent: bool = False) -> _Outcome:
        self.counters["requests"] += 1
        try:
            data = await self._traffic.ask(block.unit, block.ask, timeout_s, urgent=urgent)
            while (more := block.further(data)) is not None:
                self.counters["requests"] += 1
                data += await self._traffic.ask(block.unit, more, timeout_s, urgent=urgent)
        except HeldBack as held:
            status = Status(Quality.BAD, f"wrong answer: {held.error}") if held.error is not None else TIMEOUT
            return _Fault(status, unheard=False, unasked=True)
        except TimeoutError:
            self.counters["timeouts"] += 1
            self._breaker.silence()
            return _Fault(TIMEOUT, unheard=True)
        except pdu.Refusal as error:
            self.counters["exceptions"] += 1
            self._breaker.spoke()
            return _Fault(refusal(error.code), unheard=error.code in pdu.UNREACHABLE)
        except pdu.WrongAnswer as error:
            self.counters["wrong_answers"] += 1
            self._breaker.spoke()
            return _Fault(Status(Quality.BAD, f"wrong answer: {error}"), unheard=True, spoils_scan=True)
        self._breaker.spoke()
        return data

    async def _looked(self, scan: Scan, silence: list[Status]) -> list[RawBlock]:
        if not scan.requests:
            return []
        course = Course(scan)
        seen: dict[tuple[int, int], list[RawBlock]] = {}
        while not seen or course.searching:
            for asked in course.turn(self._loop.time()):
                key = (asked.place, asked.span.start)
                if key in seen:
                    continue
                outcome = await self._looked_at(asked.block, scan.timeout_s, silence)
                answer = outcome.status if isinstance(outcome, _Fault) else outcome
                if not isinstance(answer, Status) or not illegal(asked.block, answer):
                    course.answered(asked)
                else:
                    course.refused(asked, self._loop.time(), answer.code or 0)
                    if len(asked.span) > 1 and answer.code != ILLEGAL_FUNCTION:
                        continue
                seen[key] = asked.block.seen(answer, time.time_ns())
        return [block for key in sorted(seen) for block in seen[key]]

    async def _looked_at(self, asked: Block, timeout_s: float, silence: list[Status]) -> _Outcome:
        if len(silence) >= SILENT_AFTER:
            return _Fault(silence[-1], unheard=True)
        outcome = await self._asked(asked, timeout_s)
        if isinstance(outcome, _Fault) and outcome.unheard:
            silence.append(outcome.status)
        else:
            silence.clear()
        return outcome

    async def _go(self, job: writes.Job, way: pdu.Ask | writes.Modify) -> None:
        """Carry out a write in this way. Raises NotWritten, or Refusal where nothing was changed."""
        ask = way.write(await self._read_first(job)) if isinstance(way, writes.Modify) else way
        await self._traffic.ready()
        try:
            await self._traffic.send(job.unit, ask, job.timeout_s)
        except (Unsent, pdu.SilenceWrong) as error:
            raise writes.failure(job.point, error, sent=False) from error
        except (TimeoutError, pdu.WrongAnswer, LinkLost) as error:
            raise writes.failure(job.point, error) from error

    async def _read_first(self, job: writes.Job) -> bytes:
        await self._traffic.ready()
        try:
            return await self._traffic.send(job.unit, job.read, job.timeout_s, fresh=True)
        except (TimeoutError, pdu.WrongAnswer, LinkLost) as error:
            raise writes.failure(job.point, error, sent=False) from error

    def _heard(self, unit: int, index: int | None = None) -> None:
        """The unit is there. Its scans (but the one at work), held back while it was silent, are due now."""
        if self._breaker.heard(unit):
            for other in self._of_unit[unit]:
                self._courses[other].release()
                if other != index:
                    self._schedule.move(other, self._loop.time())
            # What has brought this one back may have brought back others: one of them is probed, and so on.
            if following := self._of(self._breaker.silent):
                self._schedule.move(following[0], self._loop.time())
            self._traffic.wake()

    def _failed(self, index: int) -> list[Block]:
        """Count a failure of this scan's unit; where it is silent, hold its scans back until the next probe.

        Returns the blocks of its other scans that are held back with this one and have no values either.
        """
        scan, now = self._scans[index], self._loop.time()
        pause = self._breaker.failed(scan.unit, scan.timeout_s)
        if scan.unit not in self._breaker.silent:
            if math.isinf(self._schedule.due_of(index)):
                # Its turn, the only one, has passed.
                self._schedule.move(index, now + FIRST_PAUSE * scan.timeout_s)
            self._schedule.postpone(index, now + pause)
            return []
        members = self._of_unit[scan.unit]
        for member in members:
            self._schedule.move(member, now + pause)
        return [block for member in members if member != index for block in self._courses[member].planned]

    async def _prove(self) -> None:
        """Nothing comes over the line any more: ask the units that are not due soon for a sign of life.

        It is not handed out: what is read once an hour stays so. Raises LinkLost where no unit answers.
        """
        blocks = {
            unit: [(index, planned) for index in indexes for planned in self._courses[index].planned]
            for unit, indexes in self._of_unit.items()
        }
        rare = {unit for unit in self._breaker.spoken if blocks[unit] and not self._soon(unit)}
        for turn in range(SILENT_AFTER):
            for unit in rare & self._breaker.spoken:
                # Another one each time: one may be silent alone.
                index, asked = blocks[unit][turn % len(blocks[unit])]
                outcome = await self._asked(asked, self._scans[index].timeout_s)
                if not isinstance(outcome, _Fault):
                    self._heard(unit)
                elif outcome.unheard:
                    self._failed(index)
                if not self._breaker.quiet:
                    return
        if self._breaker.dead({unit for unit in blocks if blocks[unit]}):
            raise LinkLost("no unit answers", "check that the devices are on, and their unit ids")

    def _soon(self, unit: int) -> bool:
        """Whether a scan of this unit is due before a silent one would be probed."""
        (index, *_) = self._of({unit})
        return self._schedule.due_of(index) <= self._loop.time() + FIRST_PAUSE * self._scans[index].timeout_s

    def _of(self, units: Collection[int]) -> list[int]:
        """Of each of these units the scan that is due first, the first of them first."""
        due = self._schedule.due_of
        return sorted((min(self._of_unit[unit], key=due) for unit in units), key=due)

    def _learn(self, index: int, heard: Sequence[tuple[Asked, Answer]]) -> None:
        """What the answers of a scan say about the addresses in it."""
        scan, course = self._scans[index], self._courses[index]
        found: dict[int, str] = {}
        freed: list[int] = []
        for asked, answer in heard:
            if asked.trial and isinstance(answer, Status):
                continue
            if isinstance(answer, Status) and illegal(asked.block, answer):
                named = course.refused(asked, self._loop.time(), answer.code or 0)
                found.update(dict.fromkeys(named, answer.reason))
            else:
                freed += course.answered(asked)
        if found:
            self.counters["quarantined"] += len(found)
            # A device that refuses now and then says it once an hour, not with every turn.
            said = self._said.begun(found, self._loop.time())
            for reason in dict.fromkeys(found[point] for point in said):
                names = self._names([point for point in said if found[point] == reason])
                log.warning("%s: not read, and tried again within the hour: %s (%s)", scan.device, names, reason)
        if freed and (said := self._said.ended(freed)):
            log.info("%s: read again: %s", scan.device, self._names(said))
        if course.searching and scan.every_s > SEARCH_S:
            self._schedule.move(index, self._loop.time() + SEARCH_S)
        elif math.isinf(scan.every_s):
            self._again(
                index, any(isinstance(answer, Status) and not illegal(asked.block, answer) for asked, answer in heard)
            )

    def _again(self, index: int, refused: bool) -> None:
        """What is read once and was refused is asked again: a device refuses while it boots, or for ever."""
        course, scan = self._courses[index], self._scans[index]
        self._refused[index] = self._refused[index] + 1 if refused else 0
        if refused:
            pause = pause_s(SILENT_AFTER + self._refused[index] - 1, scan.timeout_s)
            self._schedule.move(index, self._loop.time() + pause)
        elif not math.isinf(course.until):
            self._schedule.move(index, course.until)

    def _names(self, points: Sequence[int]) -> str:
        names = list(dict.fromkeys(self._points[point].name for point in points))
        more = len(names) - NAMED_AT_MOST
        return ", ".join(names[:NAMED_AT_MOST]) + (f" and {more} more" if more > 0 else "")


def _held(scan: Scan) -> set[int]:
    """The points that it reads."""
    return {one.point for request in scan.requests for one in request.held}
