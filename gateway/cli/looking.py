"""Commands that look at live devices: probe, watch."""

from __future__ import annotations

import asyncio
import json
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.live import Live
from rich.table import Table

from gateway import look, recording
from gateway.cli.plants import JSON, PLANT, STATE, adapters, load
from gateway.cli.screen import WORDS, shown
from gateway.mapping.diagnostics import did_you_mean
from gateway.model import RawBlock, Value
from gateway.plant import Device, Plant
from gateway.status import answer
from gateway.vault import Vault

ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")


def device_of(plant: Plant, name: str) -> Device:
    """The device of this name; says what there is, and ends with 2 where there is none."""
    for device in plant.devices:
        if name in (device.name, device.identity):
            return device
    names = [device.name for device in plant.devices]
    click.echo(f'there is no device "{name}" in this plant', err=True)
    some = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
    click.echo(f"    hint: {did_you_mean(name, names, otherwise=f'there are: {some}')}", err=True)
    sys.exit(2)


def blocks_of(devices: Sequence[Device], vault: Vault) -> list[RawBlock]:
    """What these devices of one line give now; says why not, and ends with 1."""
    try:
        return asyncio.run(look.blocks(devices, adapters()[devices[0].protocol], vault))
    except look.Missed as missed:
        click.echo(str(missed), err=True)
        if missed.remedy:
            click.echo(f"    hint: {missed.remedy}", err=True)
        sys.exit(1)


@click.command()
@PLANT
@click.argument("device")
@click.argument("point", required=False)
@STATE
@JSON
@click.option("--record", type=click.Path(path_type=Path), help="Keep the raw values in this file, for `diff`.")
def probe(folder: Path, device: str, point: str | None, state: Path | None, as_json: bool, record: Path | None) -> None:
    """Read a device once, now: raw words, the value in all four orders, what is published.

    With a POINT also what its words would be as other types. Opens a connection of its own: a device that allows only
    one refuses it while a gateway runs. Ends with 1 where the device does not answer.
    """
    plant = load(folder, quiet=True, as_json=as_json)
    chosen = device_of(plant, device)
    names = [spec.point.name for spec in chosen.points] + [derived.name for derived in chosen.derived]
    if point is not None and point not in names:
        click.echo(f'{chosen.name} has no point "{point}"', err=True)
        click.echo(f"    hint: {did_you_mean(point, names, otherwise='there are: ' + ', '.join(names[:10]))}", err=True)
        sys.exit(2)
    found = blocks_of([chosen], Vault(state or plant.gateway.state))
    if record is not None:
        _keep(record, found)
    rows = [row for row in look.seen(chosen, adapters()[chosen.protocol], found) if point in (None, row.name)]
    if as_json:
        click.echo(json.dumps({"device": chosen.name, "points": [_entry(row) for row in rows]}))
    elif point is None:
        _print_device(rows)
    else:
        _print_point(rows[0])
    sys.exit(0 if any(row.value is not None for row in rows) else 1)


def _keep(path: Path, found: Sequence[RawBlock]) -> None:
    try:
        path.write_text(recording.dump(found), encoding="utf-8")
    except OSError as error:
        click.echo(f"{path} cannot be written: {error.strerror}", err=True)
        sys.exit(1)


def _entry(row: look.Seen) -> dict[str, Any]:
    return {
        "name": row.name,
        "raw": row.raw,
        "value": _plain(row.value),
        "unit": row.unit,
        "quality": row.status.quality.name.lower(),
        "reason": row.status.reason,
        "candidates": [{"setting": one.setting, "value": _plain(one.value)} for one in row.candidates],
        "doubt": row.doubt,
    }


def _plain(value: Value) -> Any:
    """As JSON knows it: it has no NaN and no infinity."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.hex() if isinstance(value, bytes) else value


def number(value: Value) -> str:
    """A value in a narrow column: floats with seven digits."""
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    return f"{value:.7g}" if isinstance(value, float) else shown(_plain(value))


def _print_device(rows: Sequence[look.Seen]) -> None:
    table = Table(box=None, padding=(0, 2), header_style="dim")
    table.add_column("point", style="cyan", no_wrap=True)
    table.add_column("raw", no_wrap=True, max_width=20)
    table.add_column("value", justify="right", max_width=28)
    table.add_column("unit", no_wrap=True, min_width=max((len(row.unit) for row in rows), default=0))
    for order in ORDERS:
        table.add_column(order, justify="right", style="dim", no_wrap=True, max_width=13)
    table.add_column("quality")
    for row in rows:
        # Only numbers show a wrong order.
        numbers = [one for one in row.candidates if type(one.value) in (int, float)]
        by_order = {one.setting.removeprefix("order: "): number(one.value) for one in numbers}
        others = [by_order.get(order, "") for order in ORDERS]
        quality = " ".join(filter(None, (WORDS[row.status.quality.name.lower()], row.status.reason)))
        table.add_row(row.name, row.raw, number(row.value), row.unit, *others, quality)
    Console(width=None if sys.stdout.isatty() else 200).print(table)
    for row in rows:
        if row.doubt:
            click.echo(row.doubt)


def _print_point(row: look.Seen) -> None:
    quality = " ".join(filter(None, (WORDS[row.status.quality.name.lower()], row.status.reason)))
    click.echo(f"{row.name}: {number(row.value)} {row.unit}  {quality}".rstrip())
    click.echo(f"raw words: {row.raw or 'none'}")
    width = max((len(one.setting) for one in row.candidates), default=0)
    for index, one in enumerate(row.candidates):
        click.echo(f"  {one.setting:<{width}}  {number(one.value)}{'   <- as it is mapped' if index == 0 else ''}")
    if row.doubt:
        click.echo(row.doubt)


@click.command()
@PLANT
@click.argument("device")
@STATE
@JSON
@click.option(
    "--every", "every_s", type=click.FloatRange(0.2, 3600), default=1.0, help="Seconds between two looks (1)."
)
@click.option("--count", type=click.IntRange(1), help="End after so many looks; else with Ctrl-C.")
def watch(folder: Path, device: str, state: Path | None, as_json: bool, every_s: float, count: int | None) -> None:
    """Show the values of a device live.

    Asks the running gateway, so the device has no second connection to bear; where none runs, it reads the device
    itself. With --json one line for each look.
    """
    plant = load(folder, quiet=True, as_json=as_json)
    chosen = device_of(plant, device)
    directory = state or plant.gateway.state
    try:
        if as_json or not sys.stdout.isatty():
            _lines(chosen, directory, every_s, count, as_json)
        else:
            _live(chosen, directory, every_s, count)
    except KeyboardInterrupt:
        sys.exit(0)


def _look(device: Device, directory: Path) -> list[dict[str, Any]]:
    """The newest values: of the running gateway, else of the device itself."""
    try:
        values: list[dict[str, Any]] = answer.ask(directory, "values").get(device.name, [])
    except answer.NotRunning:
        found = blocks_of([device], Vault(directory))
        rows = look.seen(device, adapters()[device.protocol], found)
        return [_entry(row) | {"at": ""} for row in rows]
    return values


def _lines(device: Device, directory: Path, every_s: float, count: int | None, as_json: bool) -> None:
    number_ = 0
    while count is None or number_ < count:
        rows = _look(device, directory)
        if as_json:
            click.echo(json.dumps({"device": device.name, "points": rows}))
        else:
            click.echo("  ".join(f"{row['name']} {shown(row['value'])} {row['unit']}".rstrip() for row in rows))
        sys.stdout.flush()
        number_ += 1
        if number_ != count:
            time.sleep(every_s)


def _live(device: Device, directory: Path, every_s: float, count: int | None) -> None:
    number_ = 0
    with Live(console=Console(), auto_refresh=False) as live:
        while count is None or number_ < count:
            live.update(_table(device, _look(device, directory)), refresh=True)
            number_ += 1
            if number_ != count:
                time.sleep(every_s)


def _table(device: Device, rows: Sequence[dict[str, Any]]) -> Table:
    table = Table(title=f"{device.name}  {device.line}", box=None, padding=(0, 2), header_style="dim")
    for name in ("point", "value", "unit", "quality", "at"):
        table.add_column(name, justify="right" if name == "value" else "left", no_wrap=name != "quality")
    for row in rows:
        quality = " ".join(filter(None, (WORDS[row["quality"]], row["reason"])))
        table.add_row(row["name"], shown(row["value"]), row["unit"], quality, row["at"][11:23])
    return table


COMMANDS = (probe, watch)
