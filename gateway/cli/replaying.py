"""fieldgate replay: what was recorded, read with another mapping."""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import click
from rich.console import Console
from rich.table import Table

from gateway import look, recording
from gateway.cli.correcting import Publication, publication
from gateway.cli.looking import device_of, number, plain
from gateway.cli.plants import JSON, PLANT, STATE, adapters, count, load, refuse
from gateway.cli.setting import at_a_terminal
from gateway.mapping.diagnostics import did_you_mean
from gateway.message import timestamp
from gateway.model import Message
from gateway.plant import Device
from gateway.record import plants, ring
from gateway.record.frames import Damaged, Scan
from gateway.record.replay import CORRECTED, Extent, Moment, PointReplay, Replay, Shown, run
from gateway.status.text import size
from gateway.values import seconds

BEGIN_NS, END_NS = -(2**63), 2**63 - 1


class _Source(NamedTuple):
    """Which scans are read once more."""

    own: Device
    """As the running plant has it."""
    span: tuple[int, int]
    """The times that they are between, in nanoseconds since 1970."""
    state: Path
    folder: Path
    recorded: Path | None
    """The file that they are in, where it is not the record."""
    as_json: bool

    def found(self, made: Replay) -> Iterator[Message | Damaged]:
        """Messages that correct them, and what is damaged; says why not, and ends with 1 or 2."""
        return _of_record(made, self) if self.recorded is None else _of_file(made, self, self.recorded)


@click.command()
@PLANT
@click.argument("device")
@STATE
@JSON
@click.option("--mapping", type=click.Path(path_type=Path), help="The plant folder with the new mapping (PLANT).")
@click.option("--since", help="Only what was measured since then: 2h, 3d, or 2026-11-24T10:00:00Z.")
@click.option("--until", help="Only what was measured until then.")
@click.option("--point", "points", multiple=True, help="Only this point; may be given several times.")
@click.option("--recorded", type=click.Path(path_type=Path), help="Raw values that `probe --record` kept, instead.")
@click.option("--publish", is_flag=True, help="Publish the values that differ, marked as corrected.")
@click.option("--yes", is_flag=True, help="Do not ask; needed where nobody sits at a terminal.")
@click.option("--again", is_flag=True, help="Publish also what was published as corrected before.")
def replay(
    folder: Path,
    device: str,
    state: Path | None,
    as_json: bool,
    mapping: Path | None,
    since: str | None,
    until: str | None,
    points: tuple[str, ...],
    recorded: Path | None,
    publish: bool,
    yes: bool,
    again: bool,
) -> None:
    """Read what a device has answered once more, with another mapping, and publish what was wrong.

    A device with record: 24h keeps what it answers as it came. Here it is decoded twice: with the mapping that was in
    force, and with that of PLANT as it is now, or of --mapping. With --publish the values that differ go up once more,
    with the times at which they were measured and the property corrected; whether the gateway runs or not.
    """
    plant = load(folder, quiet=True, as_json=as_json)
    new = plant if mapping is None else load(mapping, quiet=True, as_json=as_json)
    own, chosen = device_of(plant, device, as_json=as_json), device_of(new, device, as_json=as_json)
    _check(chosen, points, as_json)
    if publish and recorded is not None:
        refuse("only what the gateway recorded is published", "leave --recorded out", code=2, as_json=as_json)
    if publish and not yes and (as_json or not at_a_terminal()):
        refuse("nobody can be asked here whether to publish", "add --yes", code=2, as_json=as_json)
    now_ns = time.time_ns()
    span = (BEGIN_NS if since is None else moment(since, now_ns), END_NS if until is None else moment(until, now_ns))
    marked = f"&{CORRECTED}={quote(timestamp(now_ns), safe='')}"
    # The identity that has a certificate is the running plant's, whatever a draft says.
    known_as = dataclasses.replace(chosen, identity=own.identity)
    made = Replay(known_as, adapters()[chosen.protocol], new.gateway.enrich, points, marked)
    directory = state or plant.gateway.state
    source = _Source(own, span, directory, folder, recorded, as_json)
    with publication(plant, directory, as_json) if publish else nullcontext() as going:
        damaged = _take(source.found(made), going)
        if not as_json:
            _print(made, damaged)
        if going is not None:
            differ = [name for name, point in made.points.items() if point.differ]
            going.publish(own, differ, timestamp(now_ns), ask=not yes, again=again)
        if as_json:
            published = None if going is None else going.published
            click.echo(json.dumps(_as_json(made, chosen.name, damaged) | {"published": published}))


def _take(found: Iterable[Message | Damaged], going: Publication | None) -> int:
    """All of it, to be published if anything is; returns how many bytes are damaged."""
    damaged = 0
    for one in found:
        if isinstance(one, Damaged):
            damaged += one.size_bytes
        elif going is not None:
            going.add(one)
    return damaged


def moment(text: str, now_ns: int) -> int:
    """Nanoseconds since 1970 of a time that somebody named, or that is so long ago; ends with 2 for anything else."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        try:
            return now_ns - int(seconds(text) * 1e9)
        except ValueError:
            refuse(f'"{text}" is no time', "write for example 2h, 3d, or 2026-11-24T10:00:00Z", code=2)
    return round(at.replace(tzinfo=at.tzinfo or UTC).timestamp() * 1000) * 1_000_000


def _check(device: Device, points: Iterable[str], as_json: bool) -> None:
    names = [spec.point.name for spec in device.points] + [derived.name for derived in device.derived]
    for point in points:
        if point not in names:
            hint = did_you_mean(point, names, otherwise="there are: " + ", ".join(names[:10]))
            refuse(f'{device.name} has no point "{point}"', hint, code=2, as_json=as_json)


def _of_file(made: Replay, source: _Source, path: Path) -> Iterator[Message]:
    """As ``_of_record``, of what somebody read once."""
    own, as_json = source.own, source.as_json
    try:
        blocks = recording.load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, recording.RecordingWrong) as error:
        text = f"{path}: {getattr(error, 'strerror', None) or error}"
        refuse(text, "name a file that  probe --record  wrote", code=2, as_json=as_json)
    held = tuple(block for block in blocks if block.device == own.name)
    if not held:
        there = ", ".join(dict.fromkeys(block.device for block in blocks)) or "nothing"
        refuse(f"{path} holds nothing of {own.name}", f"it holds: {there}", as_json=as_json)
    made.begin(own)
    try:
        positions = tuple(look.readings(own, adapters()[own.protocol], held))
        yield from made.take(Scan(positions, held))
    except ValueError as error:  # a block that no adapter knows
        refuse(f"{path}: {error}", code=2, as_json=as_json)


def _of_record(made: Replay, source: _Source) -> Iterator[Message | Damaged]:
    """Messages that correct what was recorded, and what of it is damaged; says why not, and ends with 1."""
    place, by_protocol = source.state / ring.FOLDER, adapters()
    device, as_json = source.own.name, source.as_json

    def mapping(plant: str) -> Device:
        return next(one for one in plants.load(place, plant, by_protocol).devices if one.name == device)

    try:
        files = ring.files(place, device)
        if not files:
            hint = f"write  record: 24h  at the device, then  fieldgate reload {source.folder}"
            others = ", ".join(ring.devices(place)[:10])
            also = f"; recorded are: {others}" if others else ""
            refuse(f"nothing was recorded of {device}{also}", hint, as_json=as_json)
        yield from run(files, device, *source.span, mapping, made)
    except plants.Unreadable as error:
        refuse(str(error), "leave that time out with --since and --until", as_json=as_json)
    except (OSError, ValueError) as error:
        refuse(f"what was recorded cannot be read: {error}", as_json=as_json)


def _print(made: Replay, damaged: int) -> None:
    if damaged:
        click.echo(f"{size(damaged)} of the record are damaged and passed over", err=True)
    if made.first_ns is None:
        click.echo("nothing was recorded in that time")
        return
    span = f"{timestamp(made.first_ns)} to {timestamp(made.last_ns)}"
    mappings = f", made with {made.mappings} mappings" if made.mappings > 1 else ""
    what = f"{count(made.scans, 'scan')} from {span}{mappings}"
    differ = {name: point for name, point in made.points.items() if point.differ}
    unread = [name for name, point in made.points.items() if point.unread]
    if differ:
        click.echo(what)
        Console(width=None if sys.stdout.isatty() else 220).print(_table(differ))
        same = len(made.points) - len(differ)
        click.echo(f"{count(same, 'point')} the same" if same else "every point differs")
    else:
        click.echo(f"nothing differs: {count(len(made.points), 'point')} in {what}")
    if unread:
        click.echo(f"not in the record, where the new mapping looks for them: {', '.join(unread)}", err=True)


def _table(differ: Mapping[str, PointReplay]) -> Table:
    table = Table(box=None, padding=(0, 2), header_style="dim")
    table.add_column("point", style="cyan", no_wrap=True)
    table.add_column("differs", justify="right")
    for name in ("first", "last", "was", "is"):
        table.add_column(name)
    table.add_column("without value")
    for name, point in differ.items():
        moments = [_moment(one) for one in (point.first, point.last)]
        bad = f"{point.old.bad} → {point.new.bad}" if point.old.bad or point.new.bad else ""
        extents = [_extent(one) for one in (point.old, point.new)]
        table.add_row(name, f"{point.differ} of {point.scans}", *moments, *extents, bad)
    return table


def _moment(one: Moment | None) -> str:
    if one is None:
        return ""
    return f"{timestamp(one.at_ns)[11:19]}  {_shown(one.old)} → {_shown(one.new)}"


def _shown(one: Shown | None) -> str:
    if one is None:
        return "not published"
    return number(one.value) if one.value is not None else f"null ({one.status.reason})"


def _extent(one: Extent) -> str:
    if one.lowest is None:
        return ""
    spread = number(one.lowest) if one.lowest == one.highest else f"{number(one.lowest)} to {number(one.highest)}"
    return f"{spread} {one.unit}".rstrip()


def _as_json(made: Replay, device: str, damaged: int) -> dict[str, Any]:
    points = [
        {
            "name": name,
            "scans": point.scans,
            "differ": point.differ,
            "unread": point.unread,
            "first": _moment_as_json(point.first),
            "last": _moment_as_json(point.last),
            "old": dataclasses.asdict(point.old),
            "new": dataclasses.asdict(point.new),
        }
        for name, point in made.points.items()
    ]
    empty = made.first_ns is None
    return {
        "device": device,
        "scans": made.scans,
        "first": None if empty else timestamp(made.first_ns or 0),
        "last": None if empty else timestamp(made.last_ns),
        "mappings": made.mappings,
        "damaged_bytes": damaged,
        "points": points,
    }


def _moment_as_json(one: Moment | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {"at": timestamp(one.at_ns), "old": _shown_as_json(one.old), "new": _shown_as_json(one.new)}


def _shown_as_json(one: Shown | None) -> dict[str, Any] | None:
    if one is None:
        return None
    quality, reason = one.status.quality.name.lower(), one.status.reason
    return {"value": plain(one.value), "unit": one.unit, "quality": quality, "reason": reason}


COMMANDS = (replay,)
