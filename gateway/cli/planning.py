"""Commands that say what will be, before it is: plan, diff."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from math import isinf
from pathlib import Path
from typing import Any

import click

from gateway import comparison, look, recording
from gateway.cli.looking import blocks_of, number
from gateway.cli.plants import JSON, PLANT, adapters, count, load, refuse
from gateway.comparison import Difference, PointChange
from gateway.forecast import Forecast, LineForecast, forecast
from gateway.model import RawBlock, Status, Value
from gateway.plant import Device, Plant, by_line
from gateway.status.text import size
from gateway.vault import Vault


@click.command()
@PLANT
@JSON
@click.option("--requests", is_flag=True, help="Also each request with the points that it reads.")
def plan(folder: Path, as_json: bool, requests: bool) -> None:
    """What will be polled and published: requests, bytes per second and line, messages and bytes a day upstream."""
    plant = load(folder, quiet=True, as_json=as_json)
    seen = forecast(plant, adapters())
    if as_json:
        click.echo(json.dumps(_as_json(seen)))
        return
    for line in seen.lines:
        click.echo(_line(line))
        for device in [device for device in plant.devices if device.line == line.name]:
            _print_device(device, line, plant, requests)
    click.echo()
    _print_upstream(seen, plant)


def _line(line: LineForecast) -> str:
    if not line.known:
        return f"{line.name}: {line.points} points; its adapter asks for nothing, it listens"
    return (
        f"{line.name}: {count(line.points, 'point')} → {count(len(line.planned), 'request')}; "
        f"{line.requests_per_s:.3g} requests/s, {size(line.bytes_per_s)}/s"
    )


def _print_device(device: Device, line: LineForecast, plant: Plant, requests: bool) -> None:
    own = [one for one in line.planned if one.device == device.name]
    rates = sorted({one.every_s for one in own})
    parts = [f"{count(sum(one.every_s == rate for one in own), 'request')} {_every(rate)}" for rate in rates]
    click.echo(f"  {device.name}: {count(len(device.points), 'point')}" + (f" → {', '.join(parts)}" if parts else ""))
    if requests:
        points = [spec.point.name for other in by_line(plant)[line.name] for spec in other.points]
        for one in own:
            names = ", ".join(points[index] for index in one.points)
            click.echo(f"    {one.text} {_every(one.every_s)}: {names}")


def _every(every_s: float) -> str:
    if isinf(every_s):
        return "once"
    return f"every {every_s * 1000:g} ms" if every_s < 1 else f"every {every_s:g} s"


def _print_upstream(seen: Forecast, plant: Plant) -> None:
    width = max(len(device.name) for device in seen.devices)
    for device in seen.devices:
        most = "at most " if device.fewer else ""
        click.echo(
            f"{device.name:<{width}}  {most}{device.messages_per_day:,} messages and {size(device.bytes_per_day)} a day"
        )
    billed = sum(device.billed_per_day for device in seen.devices)
    total = sum(device.messages_per_day for device in seen.devices)
    volume = sum(device.bytes_per_day for device in seen.devices)
    click.echo(f"{plant.gateway.upstream_name}: {total:,} messages and {size(volume)} a day")
    if seen.quota_per_day is not None:
        units = -(-billed // seen.quota_per_day)
        click.echo(
            f"  the hub counts {billed:,}; a unit of {plant.gateway.tier} takes {seen.quota_per_day:,} a day: "
            f"{count(max(units, 1), 'unit')}"
        )


def _as_json(seen: Forecast) -> dict[str, Any]:
    lines = [
        line._asdict() | {"planned": [one._asdict() | {"every_s": _finite(one.every_s)} for one in line.planned]}
        for line in seen.lines
    ]
    devices = [device._asdict() for device in seen.devices]
    return {"lines": lines, "devices": devices, "quota_per_day": seen.quota_per_day}


def _finite(every_s: float) -> float | None:
    return None if isinf(every_s) else every_s


@click.command()
@click.argument("before", metavar="PLANT_A", type=click.Path(path_type=Path))
@click.argument("after", metavar="PLANT_B", type=click.Path(path_type=Path))
@JSON
@click.option("--recorded", type=click.Path(path_type=Path), help="Raw values that `probe --record` kept.")
@click.option("--live", is_flag=True, help="Read the raw values from the devices now, as PLANT_A connects them.")
def diff(before: Path, after: Path, as_json: bool, recorded: Path | None, live: bool) -> None:
    """What changes from one plant to another: devices, points, settings, and what the same raw values would give.

    Ends with 0 where nothing changes, with 1 where something does.
    """
    if recorded is not None and live:
        refuse("--recorded and --live are two sources of raw values", "choose one of the two", code=2, as_json=as_json)
    old, new = load(before, quiet=True, as_json=as_json), load(after, quiet=True, as_json=as_json)
    blocks = _recorded(recorded) if recorded is not None else _live(old) if live else None
    try:
        found = comparison.compare(old, new, _values(blocks) if blocks is not None else None)
    except ValueError as error:  # a block that no adapter knows
        click.echo(f"{recorded}: {error}", err=True)
        sys.exit(2)
    if as_json:
        click.echo(json.dumps(_difference(found)))
    else:
        _print_difference(found)
    sys.exit(1 if found.added or found.removed or found.devices else 0)


def _recorded(path: Path) -> list[RawBlock]:
    try:
        return recording.load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, recording.RecordingWrong) as error:
        click.echo(f"{path}: {getattr(error, 'strerror', None) or error}", err=True)
        sys.exit(2)


def _live(plant: Plant) -> list[RawBlock]:
    vault = Vault(plant.gateway.state)
    return [block for devices in by_line(plant).values() for block in blocks_of(devices, vault)]


def _values(blocks: Sequence[RawBlock]) -> Callable[[Device], comparison.Values]:
    by_protocol = adapters()
    return lambda device: look.published(device, by_protocol[device.protocol], blocks)


def _difference(found: Difference) -> dict[str, Any]:
    devices = [change._asdict() | {"changed": [_point(point) for point in change.changed]} for change in found.devices]
    return found._asdict() | {"devices": devices}


def _point(change: PointChange) -> dict[str, Any]:
    sides = {"before": change.before, "after": change.after}
    return {"name": change.name, "settings": change.settings} | {
        name: None if side is None else {"value": _json_value(side[0]), "reason": side[1].reason}
        for name, side in sides.items()
    }


def _json_value(value: Value) -> Any:
    return value.hex() if isinstance(value, bytes) else value


def _print_difference(found: Difference) -> None:
    for name in found.added:
        click.echo(f"+ {name}: new device")
    for name in found.removed:
        click.echo(f"- {name}: removed; what waits of it on disk still goes up")
    for change in found.devices:
        click.echo(f"~ {change.name}" + (f": {'; '.join(change.settings)}" if change.settings else ""))
        for name in change.added:
            click.echo(f"    + {name}")
        for name in change.removed:
            click.echo(f"    - {name}")
        for point in change.changed:
            values = "" if point.before == point.after else f"   {_value(point.before)} → {_value(point.after)}"
            click.echo(f"    ~ {point.name}: {'; '.join(point.settings) or 'the same settings'}{values}")
    same = f"{count(found.same, 'device')} unchanged"
    click.echo(same if found.added or found.removed or found.devices else f"nothing changes: {same}")


def _value(side: tuple[Value, Status] | None) -> str:
    if side is None:
        return "?"
    return number(side[0]) if side[0] is not None else f"null ({side[1].reason})"


COMMANDS = (plan, diff)
