"""Publishing corrected values: through the running gateway, or straight into the buffer where none runs."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import click

from gateway import app
from gateway.buffer import BufferTrouble
from gateway.cli.plants import count, refuse
from gateway.message import timestamp
from gateway.model import Message
from gateway.plant import Device, Plant
from gateway.record import corrections, ring
from gateway.record.corrections import Spool, Taken
from gateway.record.published import Correction, Ledger, Unusable, ledger
from gateway.status import Board, answer, lock

_Step: TypeAlias = Callable[[int], Awaitable[Taken]]
"""Takes the frame that begins there into the buffer."""


class _Stopped(Exception):
    """Nothing more is taken; the text says why."""


@contextmanager
def publication(plant: Plant, state: Path, as_json: bool) -> Iterator[Publication]:
    """What takes corrected messages, while nobody else publishes any; ends with 1 where that cannot be."""
    folder = state / ring.FOLDER
    try:
        with ledger(folder) as known:
            corrections.clear(folder)
            try:
                yield Publication(plant, state, known, as_json)
            finally:
                corrections.clear(folder)
    except Unusable as unusable:
        refuse(str(unusable), as_json=as_json)
    except OSError as error:
        refuse(f"{folder} cannot be written: {error.strerror or error}", as_json=as_json)


class Publication:
    """Corrected messages: gathered in a file first, then published all together."""

    def __init__(self, plant: Plant, state: Path, known: Ledger, as_json: bool) -> None:
        self._plant = plant
        self._state = state
        self._known = known
        self._as_json = as_json
        self._folder = state / ring.FOLDER
        self._name = f"{time.time_ns()}.messages"
        self._spool = Spool(self._folder / corrections.FOLDER / self._name)
        self.published: dict[str, Any] = {"messages": 0, "corrected": None}
        """What became of it, for programs."""

    def add(self, message: Message) -> None:
        """One more. Raises OSError."""
        self._spool.add(message)

    def publish(self, device: Device, points: Sequence[str], stamp: str, *, ask: bool, again: bool) -> None:
        """Publish all that was added; says why not, and ends with 1. ``stamp``: the mark of the messages."""
        self._spool.finish()
        if not self._spool.messages:
            self._say("nothing to publish")
            return
        self._refuse_twice(device, points, again)
        what = count(self._spool.messages, "message")
        if ask and not click.confirm(f"publish {what} of {device.identity}, marked corrected={stamp}?", err=True):
            refuse("nothing was published", as_json=self._as_json)
        first_ns, last_ns = self._spool.first_ns, self._spool.last_ns
        correction = Correction(device.name, sorted(points), first_ns, last_ns, stamp)
        self._known.add(correction)
        try:
            asyncio.run(self._through(correction))
        except _Stopped as stopped:
            self._settle(correction, str(stopped))
        correction.whole = True
        self._known.write()
        self.published = {"messages": correction.messages, "corrected": stamp}
        self._say(f"{what} are in the buffer, marked corrected={stamp}")

    def _say(self, text: str) -> None:
        if not self._as_json:
            click.echo(text)

    def _refuse_twice(self, device: Device, points: Sequence[str], again: bool) -> None:
        before = self._known.before(device.name, points, self._spool.first_ns, self._spool.last_ns)
        if not before or again:
            return
        last = before[-1]
        span = f"from {timestamp(last.first_ns)} to {timestamp(last.last_ns)}"
        broken = "" if last.whole else ", but that was broken off"
        text = f"{', '.join(last.points[:5])} {span} was published as corrected at {last.at} already{broken}"
        refuse(text, "choose another time or other points, or add --again", as_json=self._as_json)

    async def _through(self, correction: Correction) -> None:
        """Publish through whoever holds the buffer. Raises _Stopped."""
        try:
            first = await self._asked(0)
        except answer.NotRunning:
            await self._alone(correction)
            return
        await self._all(self._asked, correction, first)

    async def _asked(self, at: int) -> Taken:
        """One frame by the running gateway. Raises NotRunning."""
        ask = lambda: answer.ask(self._state, "corrections", answer.RELOAD_S, file=self._name, at=at)  # noqa: E731
        return Taken(**await asyncio.to_thread(ask))

    async def _alone(self, correction: Correction) -> None:
        since = timestamp(time.time_ns())
        holder = lock.Holder(self._plant.name, os.getpid(), str(self._plant.folder), since, "fieldgate replay")
        board = Board()
        try:
            with lock.held(self._state, holder):
                async with app.buffer_of(self._plant.gateway, self._state) as buffer:

                    async def step(at: int) -> Taken:
                        return await corrections.take(self._folder, buffer, board, self._name, at)

                    await self._all(step, correction, await step(0))
        except lock.InUse as error:
            raise _Stopped(f"{error}; it does not answer: it may be starting") from error
        except BufferTrouble as error:
            raise _Stopped(f"the buffer cannot be opened: {error}") from error

    async def _all(self, step: _Step, correction: Correction, taken: Taken) -> None:
        last_ns = 0
        try:
            while not taken.trouble:
                correction.messages += taken.messages
                last_ns = max(last_ns, taken.last_ns)
                if taken.next is None:
                    return
                taken = await step(taken.next)
            raise _Stopped(taken.trouble)
        except answer.NotRunning as error:
            raise _Stopped("the gateway has stopped") from error
        finally:
            if last_ns:
                correction.last_ns = last_ns

    def _settle(self, correction: Correction, why: str) -> None:
        """Remember how far it came, say it, and end with 1."""
        if not correction.messages:
            self._known.remove(correction)
            refuse(f"nothing was published: {why}", "try again later", as_json=self._as_json)
        self._known.write()
        so_far = f"{correction.messages} of {count(self._spool.messages, 'message')} are in the buffer: {why}"
        following = timestamp(correction.last_ns + 1_000_000)
        refuse(so_far, f"go on later with --since {following}", as_json=self._as_json)
