"""fieldgate buffer: what waits on the disk, taken out as JSON lines; whether the gateway runs or not."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from gateway import app, view
from gateway.buffer import Loss, directory, inspection
from gateway.buffer.export import Export, Wanted
from gateway.cli.plants import JSON, PLANT, STATE, gateway_of, opened, refuse, state_of
from gateway.cli.refused import quarantine
from gateway.cli.replaying import BEGIN_NS, moment
from gateway.message import timestamp
from gateway.model import Priority, Stored
from gateway.status import answer, depth, lock


class Mixed(click.Group):
    """A group whose words, where they name no command, are those of ``show``: ``fieldgate buffer PLANT``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the command in that was meant."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["show", *args]
        return super().parse_args(ctx, args)


@click.group(cls=Mixed, name="buffer")
def buffer() -> None:
    """What waits on the disk: how much, how old, how long the room lasts, what was lost.

    `fieldgate buffer PLANT` shows it, of a running gateway and of one that stands still.
    """


@buffer.command()
@PLANT
@STATE
@JSON
def show(folder: Path, state: Path | None, as_json: bool) -> None:
    """Show how much waits, how fast it comes and goes, how long the room lasts, what was lost.

    Ends with 1 where there is no buffer yet.
    """
    facts = _facts(folder, state_of(folder, state, as_json=as_json), as_json)
    if as_json:
        click.echo(json.dumps(facts))
    else:
        click.echo("\n".join(depth.lines(facts)))


def _facts(folder: Path, state: Path, as_json: bool) -> dict[str, Any]:
    """What the running gateway tells, or what lies in its directory, and what only the directory tells."""
    place = state / "buffer"
    running = True
    try:
        told = answer.ask(state, "buffer")
    except answer.NotRunning:
        running, told = False, {}
    try:
        kept = inspection.read_kept(place)
        if not running:
            _not_starting(state, as_json)
            gateway = gateway_of(folder, as_json=as_json)
            told = {"gateway": gateway.name}
            told |= view.depth(inspection.look(place, kept), app.buffer_settings(gateway.buffer, state))
        growth, aside = inspection.growth(place, kept), inspection.aside(place)
    except (inspection.CannotLook, OSError) as error:
        hint = f"is the state directory right? else start the gateway:  fieldgate run {folder}"
        refuse(f"the buffer cannot be looked at: {error}", hint, as_json=as_json)
    return {
        "running": running,
        "plant": str(folder),
        **told,
        "free_bytes": directory.free_bytes(place),
        "growth_bytes_per_s": growth,
        "lost": _losses(kept.losses),
        "aside": [{"file": one.name, "bytes": one.size_bytes} for one in aside],
    }


def _not_starting(state: Path, as_json: bool) -> None:
    """A gateway that has the directory and does not answer is just starting, or stands still."""
    holder = lock.holder(state)
    if holder is not None:
        text = f"{lock.InUse(state, holder)}; it does not answer"
        refuse(text, "it may just be starting: try again", as_json=as_json)


def _losses(losses: Sequence[Loss]) -> list[dict[str, Any]]:
    """By reason and class, over all identities."""
    found: dict[tuple[str, Priority], list[Loss]] = {}
    for loss in sorted(losses, key=lambda one: (one.priority, one.reason)):
        found.setdefault((loss.reason, loss.priority), []).append(loss)
    return [
        {
            "reason": reason,
            "class": priority.name.lower(),
            "messages": sum(one.messages for one in same),
            "identities": sum(1 for one in same if one.identity),
            "from": _time(min((one.first_ns for one in same if one.first_ns), default=0)),
            "to": _time(max(one.last_ns for one in same)),
        }
        for (reason, priority), same in found.items()
    ]


def _time(at_ns: int) -> str | None:
    return timestamp(at_ns) if at_ns else None


@buffer.command()
@click.argument("folder", metavar="[PLANT]", required=False, type=click.Path(path_type=Path))
@STATE
@click.option("--directory", "copied", type=click.Path(path_type=Path), help="A copy of a buffer's directory instead.")
@click.option("--identity", "identities", multiple=True, help="Only of this device; may be given several times.")
@click.option("--since", help="Only what was measured since then: 2h, 3d, or 2026-11-24T10:00:00Z.")
@click.option(
    "--class", "classes", multiple=True, type=click.Choice([one.name.lower() for one in Priority]), help="Only these."
)
@click.option("--output", type=click.Path(path_type=Path), help="Write into this file instead of to the screen.")
def export(
    folder: Path | None,
    state: Path | None,
    copied: Path | None,
    identities: tuple[str, ...],
    since: str | None,
    classes: tuple[str, ...],
    output: Path | None,
) -> None:
    """Write what waits as JSON lines: one message each, with its id, properties and body.

    Takes nothing out and changes nothing, and needs no gateway to run or to stop. A body that is JSON stands under
    body, any other under base64.
    """
    if (folder is None) == (copied is None):
        refuse("name a PLANT, or a copy of a buffer with --directory", "fieldgate buffer export PLANT", code=2)
    place = copied if copied is not None else state_of(folder, state) / "buffer" if folder is not None else Path()
    chosen = [Priority[name.upper()] for name in classes] or list(Priority)
    wanted = Wanted(frozenset(identities), chosen, BEGIN_NS if since is None else moment(since, time.time_ns()))
    try:
        found = Export(place, inspection.read_kept(place), wanted)
        with opened(output) as stream:
            for message in found:
                stream.write(line(message) + "\n")
    except (inspection.CannotLook, OSError) as error:
        if isinstance(error, BrokenPipeError):
            raise
        refuse(f"the buffer cannot be read: {error}", "name its directory with --state or --directory")
    if found.unreadable:
        click.echo(f"{found.unreadable} frames are damaged and left out", err=True)


def line(message: Stored) -> str:
    """One message as JSON on one line; a body that is JSON stays as it is, to the digit."""
    head: dict[str, Any] = {
        "id": message.message_id,
        "identity": message.identity,
        "class": message.priority.name.lower(),
        "sequence": message.sequence,
        "created": timestamp(message.created_ns),
        "properties": message.properties,
    }
    body = _json(message.body)
    if body is None:
        return json.dumps(head | {"base64": base64.b64encode(message.body).decode()}, ensure_ascii=False)
    return f'{json.dumps(head, ensure_ascii=False)[:-1]}, "body": {body}}}'


def _json(body: bytes) -> str | None:
    """The text, on one line; None where it is no JSON."""
    try:
        text = body.decode()
        read = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None
    return text if text.isprintable() else json.dumps(read, ensure_ascii=False)


def _no_number(word: str) -> Mapping[str, Any]:
    raise ValueError(f"{word} is no JSON")


buffer.add_command(quarantine)

COMMANDS = (buffer,)
