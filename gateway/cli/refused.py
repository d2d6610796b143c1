"""fieldgate buffer quarantine: what the hub will never take, and what becomes of it."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import click

from gateway import app
from gateway.buffer import BufferTrouble, asked
from gateway.buffer.quarantine import Quarantine
from gateway.buffer.store import open_buffer
from gateway.cli.plants import JSON, PLANT, STATE, count, gateway_of, opened, refuse, state_of
from gateway.message import timestamp
from gateway.status import answer, lock, text

AT_ONCE = 200
"""Messages in one question."""
CHANGES = ("retry", "drop")
IDS = click.argument("ids", metavar="[ID]...", nargs=-1)
ALL = click.option("--all", "everything", is_flag=True, help="All that are there.")
IDENTITY = click.option("--identity", default="", help="Only of this device.")


class Desk:
    """Where questions go: to the running gateway, else to the files, with the state directory held meanwhile."""

    def __init__(self, folder: Path, state: Path, as_json: bool) -> None:
        self._folder = folder
        self._state = state
        self._as_json = as_json

    def ask(self, do: str, ids: Sequence[str] = (), identity: str = "") -> list[Any]:
        """What was found, or the ids with which it was done; says what did not work, and ends with 1."""
        found: list[Any] = []
        for start in range(0, max(1, len(ids)), AT_ONCE):
            question = {"do": do, "ids": list(ids[start : start + AT_ONCE]), "identity": identity}
            try:
                limit_s = answer.RELOAD_S if do in CHANGES else answer.ASK_S
                told = answer.ask(self._state, "quarantine", limit_s, **question)
            except answer.NotRunning:
                told = self._ask_files(question)
            found += told.get("entries", told.get("done", []))
            if "error" in told:
                done = f" after {len(found)} of {len(ids)}" if found else ""
                hint = f"fieldgate buffer {self._folder}"
                refuse(f"it did not work{done}: {told['error']}", hint, as_json=self._as_json)
        return found

    def _ask_files(self, question: Mapping[str, Any]) -> dict[str, Any]:
        if not (self._state / "buffer").is_dir():
            refuse(f"there is no buffer in {self._state}", "name it with --state", as_json=self._as_json)
        me = f"fieldgate buffer quarantine {question['do']}"
        name = gateway_of(self._folder, as_json=self._as_json).name
        holder = lock.Holder(name, os.getpid(), str(self._folder.resolve()), timestamp(time.time_ns()), me)
        try:
            with lock.held(self._state, holder):
                return asyncio.run(self._answered(question))
        except lock.InUse as error:
            refuse(str(error), "it does not answer: it may just be starting, try again", as_json=self._as_json)
        except (BufferTrouble, OSError) as error:
            return {"error": str(error)}

    async def _answered(self, question: Mapping[str, Any]) -> dict[str, Any]:
        async with AsyncExitStack() as stack:
            if question["do"] == "retry":
                settings = app.buffer_settings(gateway_of(self._folder, as_json=self._as_json).buffer, self._state)
                opened = await stack.enter_async_context(open_buffer(self._state / "buffer", settings))
                return await asked.answer(opened.quarantine, opened.append, question)
            kept = Quarantine(self._state / "buffer")
            stack.push_async_callback(kept.close)
            await kept.open()
            return await asked.answer(kept, _append_nothing, question)

    def chosen(self, ids: Sequence[str], everything: bool) -> list[str]:
        """The ids that are meant; ends with 2 where none are named, with 1 where one is not there."""
        if not ids and not everything:
            hint = f"fieldgate buffer quarantine list {self._folder}"
            refuse("name the ids, or --all", hint, code=2, as_json=self._as_json)
        there = [entry["id"] for entry in self.ask("list")]
        missing = [one for one in ids if one not in there]
        if missing:
            hint = f"fieldgate buffer quarantine list {self._folder}"
            refuse(f"not in the quarantine: {', '.join(missing[:3])}", hint, as_json=self._as_json)
        return there if everything else list(ids)


async def _append_nothing(messages: Sequence[Any]) -> None:
    raise AssertionError(f"only a retry appends, not {len(messages)} messages now")


@click.group()
def quarantine() -> None:
    """What the hub will never take, kept with the reason until somebody decides."""


@quarantine.command(name="list")
@PLANT
@STATE
@JSON
@IDENTITY
def list_(folder: Path, state: Path | None, as_json: bool, identity: str) -> None:
    """List the messages, the oldest first, with the reason why each was refused."""
    entries = Desk(folder, state_of(folder, state, as_json=as_json), as_json).ask("list", identity=identity)
    if as_json:
        click.echo(json.dumps({"messages": entries}))
        return
    for entry in entries:
        click.echo(f"{entry['id']}  {entry['refused']}  {entry['class']}  {text.size(entry['size'])}")
        click.echo(f"    {entry['reason']}")
    click.echo(f"{count(len(entries), 'message')} in the quarantine")


@quarantine.command()
@PLANT
@IDS
@STATE
def show(folder: Path, ids: tuple[str, ...], state: Path | None) -> None:
    """Show messages whole, as JSON."""
    desk = Desk(folder, state_of(folder, state), as_json=False)
    for entry in _each(desk, desk.chosen(ids, everything=False)):
        click.echo(json.dumps(entry, indent=2, ensure_ascii=False))


def _each(desk: Desk, ids: Sequence[str]) -> Any:
    """One at a time: a body can be large."""
    for one in ids:
        yield from desk.ask("show", [one])


@quarantine.command()
@PLANT
@IDS
@STATE
@JSON
@ALL
def retry(folder: Path, ids: tuple[str, ...], state: Path | None, as_json: bool, everything: bool) -> None:
    """Send messages again, once what refused them has changed; as new messages that name the old id."""
    desk = Desk(folder, state_of(folder, state, as_json=as_json), as_json)
    done = desk.ask("retry", chosen := desk.chosen(ids, everything))
    if as_json:
        click.echo(json.dumps({"ok": len(done) == len(chosen), "retried": done}))
    else:
        click.echo(f"{count(len(done), 'message')} will be sent again")
    if left := len(chosen) - len(done):
        refuse(f"{count(left, 'message')} are damaged and stay", "fieldgate buffer quarantine show", as_json=False)


@quarantine.command()
@PLANT
@IDS
@STATE
@IDENTITY
@click.option("--output", type=click.Path(path_type=Path), help="Write into this file instead of to the screen.")
def export(folder: Path, ids: tuple[str, ...], state: Path | None, identity: str, output: Path | None) -> None:
    """Write messages as JSON lines, all where no ID is named; they stay where they are."""
    desk = Desk(folder, state_of(folder, state), as_json=False)
    chosen = desk.chosen(ids, everything=False) if ids else [one["id"] for one in desk.ask("list", identity=identity)]
    try:
        with opened(output) as stream:
            for entry in _each(desk, chosen):
                stream.write(json.dumps(entry, ensure_ascii=False) + "\n")
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        refuse(f"{output} cannot be written: {error.strerror}")


@quarantine.command()
@PLANT
@IDS
@STATE
@JSON
@ALL
def drop(folder: Path, ids: tuple[str, ...], state: Path | None, as_json: bool, everything: bool) -> None:
    """Give messages up for good."""
    desk = Desk(folder, state_of(folder, state, as_json=as_json), as_json)
    done = desk.ask("drop", desk.chosen(ids, everything))
    if as_json:
        click.echo(json.dumps({"ok": True, "dropped": done}))
    else:
        click.echo(f"{count(len(done), 'message')} dropped")
