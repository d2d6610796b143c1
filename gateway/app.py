"""Builds the parts and runs them in one task group; the only file that sees them all."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any

from gateway import bounds, counters, gaps
from gateway.adapter import Adapter
from gateway.buffer import Buffer, BufferSettings, BufferTrouble, asked, directory, ground
from gateway.buffer.store import DiskBuffer, open_buffer
from gateway.identity.credentials import Credential, CredentialFault, CredentialNotNow, find
from gateway.identity.tls import TrustFault
from gateway.lines import Lines
from gateway.message import timestamp
from gateway.plant import Buffering, Diagnostic, Gateway, Plant, PlantInvalid, by_line, read
from gateway.record import corrections, ring
from gateway.record.recorder import Recorder
from gateway.status import Board, answer, lock
from gateway.upstream.hub import IotHub
from gateway.upstream.publisher import Publisher
from gateway.vault import Vault
from gateway.view import View

log = logging.getLogger("fieldgate")

LOGGED = 20
"""Mistakes of a plant that are written into the log at the most; ``fieldgate check`` tells all."""

BUFFER_REMEDY = "free space on the disk of the state directory, or name another one with state: or --state"


class CannotStart(Exception):
    """The plant is right, but the gateway cannot run here and now; ``remedy`` says what to do."""

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


def prepare(state: Path) -> None:
    """Make the state directory, for its owner alone. Raises CannotStart."""
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = state / f".write-test-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise CannotStart(
            f"the state directory {state} cannot be written: {error.strerror}",
            "make it writable for this user, or name another one with state: in gateway.yaml or --state",
        ) from error


def credentials(plant: Plant, state: Path) -> dict[str, Credential]:
    """The certificate and key of each device identity. Raises CannotStart naming all that are missing or wrong.

    One that is only not valid at this time is no reason: its identity says so when it connects.
    """
    found: dict[str, Credential] = {}
    faults: list[str] = []
    for device in plant.devices:
        try:
            found[device.identity] = find(state / "identities", device.identity)
        except CredentialNotNow as fault:
            # Polling and keeping what was read need no certificate: a clock that is not set yet shall lose nothing.
            log.warning("%s: %s (%s)", device.name, fault, fault.remedy)
            found[device.identity] = find(state / "identities", device.identity, fault.valid_at)
        except CredentialFault as fault:
            faults.append(f"{device.name}: {fault}")
    if faults:
        raise CannotStart("\n".join(faults), f"fieldgate certs issue {plant.folder}")
    return found


async def run(
    plant: Plant,
    state: Path,
    adapters: Mapping[str, Adapter[Any, Any]],
    stop: asyncio.Event,
    renew: asyncio.Event | None = None,
) -> None:
    """Run the gateway until ``stop`` is set; the plant folder is read again whenever ``renew`` is set.

    Raises CannotStart before anything is opened in the field.
    """
    prepare(state)
    holder = lock.Holder(plant.name, os.getpid(), str(plant.folder.resolve()), timestamp(time.time_ns()))
    with ExitStack() as locks:
        try:
            locks.enter_context(lock.held(state, holder))
        except lock.InUse as error:
            raise CannotStart(str(error), "stop that one, or give this one another state:") from error
        await _run_locked(plant, state, adapters, stop, renew or asyncio.Event(), holder)


async def _run_locked(
    plant: Plant,
    state: Path,
    adapters: Mapping[str, Adapter[Any, Any]],
    stop: asyncio.Event,
    renew: asyncio.Event,
    holder: lock.Holder,
) -> None:
    settings = plant.gateway
    found = credentials(plant, state)
    hub(plant, found)
    board = Board()
    async with AsyncExitStack() as stack:
        begun = buffer_settings(settings.buffer, state)
        for doubt in await asyncio.to_thread(_doubts, state, begun):
            log.warning("%s", doubt)
        try:
            buffer = await stack.enter_async_context(buffer_of(settings, state))
        except BufferTrouble as error:
            raise CannotStart(f"the buffer in {state / 'buffer'} cannot be opened: {error}", BUFFER_REMEDY) from error
        file = stack.enter_context(counters.kept(state))
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        recorder = Recorder(state, board)
        lines = Lines(adapters, buffer, board, Vault(state), file.totals, tasks, recorder)
        gateway = _Gateway(plant, state, adapters, buffer, begun, holder, lines, board, tasks)
        await gateway.start(found)
        answers = {"status": gateway.view.report, "values": gateway.view.values, "buffer": gateway.view.buffer}
        works: dict[str, answer.Work] = {
            "reload": lambda _: gateway.reload(),
            "quarantine": lambda question: asked.answer(buffer.quarantine, buffer.append, question),
            "corrections": lambda question: corrections.answer(state / ring.FOLDER, buffer, board, question),
        }
        async with answer.serving(state, answers, works):
            log.info("gateway %s runs: %d devices on %d lines", plant.name, len(plant.devices), len(by_line(plant)))
            watching = tasks.create_task(gateway.watch(renew), name="reload")
            keeping = tasks.create_task(counters.keep(file), name="counters")
            telling = tasks.create_task(gaps.tell(buffer), name="gaps")
            recording = tasks.create_task(recorder.run(), name="record")
            await stop.wait()
        for task in (watching, keeping, telling, recording):
            task.cancel()
        await gateway.stop()
        await recorder.write()
    log.info("gateway %s stopped", plant.name)


def buffer_settings(buffering: Buffering, state: Path) -> BufferSettings:
    """What gateway.yaml says of the buffer; what stays free where it does not say so depends on the disk."""
    minimum = buffering.min_free_bytes
    return BufferSettings(
        buffering.quota_bytes,
        min_free_bytes=ground.min_free(ground.total_bytes(state)) if minimum is None else minimum,
        keep=buffering.keep,
        on_full=buffering.on_full,
        order=buffering.order,
    )


def _doubts(state: Path, settings: BufferSettings) -> list[str]:
    try:
        return ground.doubts(ground.look(state), state, settings.min_free_bytes)
    except OSError as error:
        return [f"{state}: how fast the disk is cannot be seen: {error.strerror}"]


def buffer_of(settings: Gateway, state: Path) -> AbstractAsyncContextManager[DiskBuffer]:
    """The buffer in a state directory that is held. Entering it raises BufferTrouble."""
    return open_buffer(state / "buffer", buffer_settings(settings.buffer, state))


def hub(plant: Plant, found: Mapping[str, Credential]) -> IotHub:
    """Where the identities publish to. Raises CannotStart."""
    settings = plant.gateway
    try:
        return IotHub(settings.upstream_name, settings.host, settings.port, settings.trust, found, via=settings.via)
    except TrustFault as fault:
        raise CannotStart(str(fault), "see trust: in gateway.yaml") from fault


class _Gateway:
    """The parts of a running gateway, and how one plant takes the place of another."""

    def __init__(
        self,
        plant: Plant,
        state: Path,
        adapters: Mapping[str, Adapter[Any, Any]],
        buffer: Buffer,
        settings: BufferSettings,
        holder: lock.Holder,
        lines: Lines,
        board: Board,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._plant = plant
        self._state = state
        self._adapters = adapters
        self._buffer = buffer
        self._board = board
        self._lines = lines
        self._tasks = tasks
        self._found: dict[str, Credential] = {}
        self._publisher: tuple[Publisher, asyncio.Task[None]] | None = None
        self._one_at_a_time = asyncio.Lock()
        self._reloading: set[asyncio.Task[dict[str, Any]]] = set()
        self._begun = plant.gateway
        self.view = View(
            *(board, buffer, holder, lambda: (self._plant, self._lines.pipelines), settings),
            free_bytes=lambda: directory.free_bytes(state / "buffer"),
        )

    async def start(self, found: Mapping[str, Credential]) -> None:
        """Run the first plant with these certificates. Raises CannotStart."""
        self._found.update(found)
        self._publish(hub(self._plant, self._found))
        await self._lines.apply(self._plant)

    async def stop(self) -> None:
        """Stop reading and publishing. A reload under way is given up: it would start lines behind our back."""
        for task in self._reloading:
            task.cancel()
        if self._reloading:
            await asyncio.wait(self._reloading)
        await self._lines.stop()
        if self._publisher is not None:
            self._publisher[1].cancel()

    async def watch(self, renew: asyncio.Event) -> None:
        """Reload whenever the event is set (SIGHUP)."""
        while True:
            await renew.wait()
            renew.clear()
            await self.reload()

    async def reload(self) -> dict[str, Any]:
        """Read the plant folder again; what it says holds when this returns, or nothing has changed and why is said."""
        # In a task of its own: whoever asked may go away meanwhile.
        task = self._tasks.create_task(self._reload(), name="reloading")
        self._reloading.add(task)
        task.add_done_callback(self._reloading.discard)
        return await asyncio.shield(task)

    async def _reload(self) -> dict[str, Any]:
        async with self._one_at_a_time:
            try:
                # Reading ten thousand points takes a second, and the lines go on meanwhile.
                plant = await asyncio.to_thread(read, self._plant.folder, self._adapters)
                found = credentials(plant, self._state)
                fresh = hub(plant, self._found)
            except PlantInvalid as invalid:
                return _refused("the plant has mistakes", invalid.diagnostics)
            except CannotStart as error:
                return _refused(f"{error.reason} ({error.remedy})")
            self._found.update(found)
            return await self._exchange(plant, fresh)

    async def _exchange(self, plant: Plant, fresh: IotHub) -> dict[str, Any]:
        changed = await self._lines.apply(plant)
        before, self._plant = self._plant, plant
        if before.gateway.log != plant.gateway.log:  # else --log-level holds
            log.setLevel(plant.gateway.log.upper())
        self._publish(fresh if _upstream(before.gateway) != _upstream(plant.gateway) else None)
        settled = await self._settle(plant)
        later = [] if plant.gateway.state == self._begun.state else ["state"]
        later += [f"buffer: {name} ({why})" for name, why in settled.later.items()]
        log.info(
            "plant reloaded: %d lines kept, %d exchanged, %d started, %d stopped%s%s",
            *(len(changed.kept), len(changed.exchanged), len(changed.started), len(changed.stopped)),
            f"; changed of the buffer: {', '.join(settled.now)}" if settled.now else "",
            f"; at the next start: {', '.join(later)}" if later else "",
        )
        answer = {"ok": True, "diagnostics": [warning.as_json() for warning in plant.warnings], "next_start": later}
        return answer | {"buffer": settled.now} | _devices(before, plant) | changed._asdict()

    async def _settle(self, plant: Plant) -> bounds.Change:
        """The buffer goes on with what gateway.yaml says of it now, as far as that costs nothing that waits."""
        before, wanted = self.view.settings, buffer_settings(plant.gateway.buffer, self._state)
        if not isinstance(self._buffer, bounds.Settling):
            return bounds.at_next_start(before, wanted)
        change = bounds.change(before, wanted, self._buffer.stats(), time.time_ns())
        if change.now:
            await self._buffer.settle(change.settings)
            self.view.settings = change.settings
        return change

    def _publish(self, fresh: IotHub | None) -> None:
        """Publish all that waits; to this hub from now on, where one is given."""
        if fresh is not None:
            if self._publisher is not None:
                self._publisher[1].cancel()
            publisher = Publisher(fresh, self._buffer, self._board)
            self._publisher = publisher, self._tasks.create_task(publisher.run(), name="publisher")
        if self._publisher is not None:
            self._publisher[0].serve([device.identity for device in self._plant.devices] + self._left_over())

    def _left_over(self) -> list[str]:
        """Identities that are not in the plant any more but have messages: they go up with their own certificates."""
        here = {device.identity for device in self._plant.devices}
        left = []
        for identity in self._buffer.stats().waiting.keys() - here:
            try:
                self._found[identity] = find(self._state / "identities", identity)
            except CredentialFault as fault:
                self._board.health("upstream", identity).stopped(str(fault), fault.remedy)
            else:
                left.append(identity)
        return left


def _devices(before: Plant, after: Plant) -> dict[str, list[str]]:
    old, new = ({device.name: device for device in plant.devices} for plant in (before, after))
    return {
        "added": [name for name in new if name not in old],
        "removed": [name for name in old if name not in new],
        "changed": [name for name in new if name in old and new[name] != old[name]],
    }


def _upstream(gateway: Gateway) -> tuple[Any, ...]:
    return gateway.upstream_name, gateway.host, gateway.via, gateway.port, gateway.trust


def _refused(reason: str, diagnostics: Sequence[Diagnostic] = ()) -> dict[str, Any]:
    log.error("plant not reloaded, everything goes on as before: %s", reason)
    for diagnostic in diagnostics[:LOGGED]:
        log.error("%s", diagnostic)
    return {"ok": False, "reason": reason, "diagnostics": [diagnostic.as_json() for diagnostic in diagnostics]}
