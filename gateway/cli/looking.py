"""fieldgate probe: a live device read once, as raw as it speaks."""

from __future__ import annotations

import asyncio
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from gateway import look, recording
from gateway.cli.plants import JSON, PLANT, STATE, adapters, load, refuse
from gateway.cli.screen import WORDS, shown
from gateway.mapping.diagnostics import did_you_mean
from gateway.model import RawBlock, Value
from gateway.plant import Device, Plant
from gateway.status import lock
from gateway.vault import Vault

ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")


def device_of(plant: Plant, name: str, *, as_json: bool = False) -> Device:
    """The device of this name; says what there is, and ends with 2 where there is none."""
    found = next((device for device in plant.devices if name in (device.name, device.identity)), None)
    if found is None:
        names = [device.name for device in plant.devices]
        some = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
        hint = did_you_mean(name, names, otherwise=f"there are: {some}")
        refuse(f'there is no device "{name}" in this plant', hint, code=2, as_json=as_json)
    return found


def blocks_of(devices: Sequence[Device], vault: Vault, *, as_json: bool = False) -> list[RawBlock]:
    """What these devices of one line give now; says why not, and ends with 1."""
    try:
        return asyncio.run(look.blocks(devices, adapters()[devices[0].protocol], vault))
    except look.Missed as missed:
        refuse(str(missed), holding(vault.state, str(missed)) or missed.remedy, as_json=as_json)


def holding(state: Path, reason: str) -> str:
    """What to do where a port is in use, and the gateway of this state directory runs, which holds it; else empty."""
    try:
        holder = lock.holder(state) if reason.endswith("is in use") else None
    except OSError:
        return ""
    return f'the running gateway "{holder.gateway}" (pid {holder.pid}) holds it: stop it meanwhile' if holder else ""


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
    chosen = device_of(plant, device, as_json=as_json)
    names = [spec.point.name for spec in chosen.points] + [derived.name for derived in chosen.derived]
    if point is not None and point not in names:
        hint = did_you_mean(point, names, otherwise="there are: " + ", ".join(names[:10]))
        refuse(f'{chosen.name} has no point "{point}"', hint, code=2, as_json=as_json)
    found = blocks_of([chosen], Vault(state or plant.gateway.state), as_json=as_json)
    if record is not None:
        _keep(record, found)
    rows = [row for row in look.seen(chosen, adapters()[chosen.protocol], found) if point in (None, row.name)]
    if as_json:
        click.echo(json.dumps({"device": chosen.name, "points": [entry(row) for row in rows]}))
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


def entry(row: look.Seen) -> dict[str, Any]:
    return {
        "name": row.name,
        "raw": row.raw,
        "value": plain(row.value),
        "unit": row.unit,
        "quality": row.status.quality.name.lower(),
        "reason": row.status.reason,
        "candidates": [{"setting": one.setting, "value": plain(one.value)} for one in row.candidates],
        "doubt": row.doubt,
    }


def plain(value: Value) -> Any:
    """As JSON knows it: it has no NaN and no infinity."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.hex() if isinstance(value, bytes) else value


def number(value: Value) -> str:
    """A value in a narrow column: floats with seven digits."""
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    return f"{value:.7g}" if isinstance(value, float) else shown(plain(value))


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
    reasons = {row.status.reason for row in rows if row.raw or row.value is None}
    if all(row.value is None for row in rows) and len(reasons) > 0:
        click.echo(f"hint: {_why(reasons)}", err=True)


def _why(reasons: set[str]) -> str:
    """What a device that gives nothing may suffer from."""
    if any(reason.startswith("wrong answer") for reason in reasons):
        return "what answers there is no such device: check host and port"
    if "timeout" in reasons:
        return "no answer: is it on, is its unit id right? Whatever else asks it may hold its only connection"
    return "what is said behind each point is what the device answered"


def _print_point(row: look.Seen) -> None:
    quality = " ".join(filter(None, (WORDS[row.status.quality.name.lower()], row.status.reason)))
    click.echo(f"{row.name}: {number(row.value)} {row.unit}  {quality}".rstrip())
    click.echo(f"raw words: {row.raw or 'none'}")
    width = max((len(one.setting) for one in row.candidates), default=0)
    for index, one in enumerate(row.candidates):
        click.echo(f"  {one.setting:<{width}}  {number(one.value)}{'   <- as it is mapped' if index == 0 else ''}")
    if row.doubt:
        click.echo(row.doubt)


COMMANDS = (probe,)
