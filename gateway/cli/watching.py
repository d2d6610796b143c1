"""fieldgate watch: the values of a device, live."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import click
from rich.console import Console
from rich.live import Live
from rich.table import Table

from gateway import look
from gateway.cli.looking import blocks_of, device_of, entry
from gateway.cli.plants import JSON, PLANT, STATE, adapters, load, refuse, state_of
from gateway.cli.screen import WORDS, shown
from gateway.mapping.diagnostics import did_you_mean
from gateway.status import answer
from gateway.vault import Vault

_Rows: TypeAlias = Sequence[dict[str, Any]]


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
    rows = _source(folder, device, state_of(folder, state, as_json=as_json), as_json)
    try:
        if as_json or not sys.stdout.isatty():
            _repeated(rows, lambda found: _print(device, found, as_json), every_s, count)
        else:
            with Live(console=Console(), auto_refresh=False) as live:
                _repeated(rows, lambda found: live.update(_table(device, found), refresh=True), every_s, count)
    except KeyboardInterrupt:
        sys.exit(0)


def _source(folder: Path, device: str, directory: Path, as_json: bool) -> Callable[[], _Rows]:
    """Where the values come from: the running gateway, else the device itself."""
    try:
        known = answer.ask(directory, "values")
    except answer.NotRunning:
        plant = load(folder, quiet=True, as_json=as_json)
        chosen, adapter = device_of(plant, device, as_json=as_json), adapters()
        vault = Vault(directory)

        def read() -> _Rows:
            found = blocks_of([chosen], vault, as_json=as_json)
            return [entry(row) | {"at": ""} for row in look.seen(chosen, adapter[chosen.protocol], found)]

        return read
    if device not in known:
        hint = did_you_mean(device, sorted(known), otherwise=f"if it is new in the plant: fieldgate reload {folder}")
        refuse(f'the running gateway does not know "{device}"', hint, code=2, as_json=as_json)

    def asked() -> _Rows:
        try:
            rows: _Rows = answer.ask(directory, "values").get(device, [])
        except answer.NotRunning:
            refuse("the gateway has stopped", f"fieldgate status {folder}", as_json=as_json)
        return rows

    return asked


def _repeated(rows: Callable[[], _Rows], show: Callable[[_Rows], None], every_s: float, count: int | None) -> None:
    number = 0
    while count is None or number < count:
        show(rows())
        sys.stdout.flush()
        number += 1
        if number != count:
            time.sleep(every_s)


def _print(device: str, rows: _Rows, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"device": device, "points": rows}))
        return
    parts = [f"{row['name']} {shown(row['value'])} {row['unit']}".rstrip() for row in rows if row["value"] is not None]
    missing = {row["reason"]: row["name"] for row in rows if row["value"] is None}
    parts += [f"{name} - ({reason})" for reason, name in missing.items()]
    click.echo("  ".join(parts) or "nothing was read yet")


def _table(device: str, rows: _Rows) -> Table:
    table = Table(title=device, box=None, padding=(0, 2), header_style="dim")
    for name in ("point", "value", "unit", "quality", "at"):
        table.add_column(name, justify="right" if name == "value" else "left", no_wrap=name != "quality")
    for row in rows:
        quality = " ".join(filter(None, (WORDS[row["quality"]], row["reason"])))
        table.add_row(row["name"], shown(row["value"]), row["unit"], quality, row["at"][11:23])
    return table


COMMANDS = (watch,)
