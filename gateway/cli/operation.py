"""Commands on a gateway that runs: run, status, reload."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

import click

from gateway import app
from gateway.cli.plants import JSON, PLANT, STATE, adapters, load, state_of
from gateway.plant import Diagnostic, Plant
from gateway.status import answer, text

LEVELS = ("debug", "info", "warning", "error")


@click.command()
@PLANT
@STATE
@click.option("--log-level", type=click.Choice(LEVELS), help="Overrides log: in gateway.yaml.")
def run(folder: Path, state: Path | None, log_level: str | None) -> None:
    """Run the gateway for a plant until SIGTERM or Ctrl-C.

    Trouble in the field or upstream does not end it: it says so once, keeps what it has on disk, and goes on trying.
    """
    plant = load(folder)
    os.umask(0o077)  # whatever is written from here on is for this user alone
    logging.basicConfig(
        level=(log_level or plant.gateway.log).upper(),
        format="%(asctime)s %(levelname)-7s %(message)s",
        stream=sys.stderr,
    )
    try:
        asyncio.run(_run(plant, state or plant.gateway.state))
    except app.CannotStart as error:
        click.echo(f"fieldgate cannot start: {error.reason}", err=True)
        if error.remedy:
            click.echo(f"    hint: {error.remedy}", err=True)
        sys.exit(1)


async def _run(plant: Plant, state: Path) -> None:
    stop, renew = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, renew.set)
    await app.run(plant, state, adapters(), stop, renew)


@click.command()
@PLANT
@STATE
@JSON
def reload(folder: Path, state: Path | None, as_json: bool) -> None:
    """Let the running gateway take over what has changed in the plant's files.

    The whole plant is judged first: with a mistake in it nothing changes. Lines of which nothing has changed go on
    polling, and whatever waits on disk still goes up. Ends with 2 where the plant is refused. SIGHUP does the same.
    """
    plant = load(folder, quiet=True, as_json=as_json)
    directory = state or plant.gateway.state
    try:
        done = answer.ask(directory, "reload", answer.RELOAD_S)
    except answer.NotRunning:
        if not as_json and state is None:
            click.echo("a gateway that began with another state: is reached with --state", err=True)
        not_running(folder, directory, as_json)
    if as_json:
        click.echo(json.dumps({"running": True} | done))
    else:
        _tell(done)
    sys.exit(0 if done["ok"] else 2)


def _tell(done: dict[str, Any]) -> None:
    for found in done["diagnostics"]:
        click.echo(str(Diagnostic(**found)), err=True)
    if not done["ok"]:
        click.echo(f"refused, everything goes on as before: {done['reason']}", err=True)
        return
    for what, devices in (("new", done["added"]), ("gone", done["removed"]), ("changed", done["changed"])):
        for device in devices:
            click.echo(f"{what:<9}  {device}")
    for what in ("started", "stopped", "exchanged", "kept"):
        for line in done[what]:
            click.echo(f"{what:<9}  line {line}")
    if done["buffer"]:
        click.echo(f"changed    buffer: {', '.join(done['buffer'])}")
    for what in done["next_start"]:
        click.echo(f"takes effect at the next start: {what}")


def not_running(folder: Path, directory: Path, as_json: bool) -> NoReturn:
    """Say that no gateway runs, and end with 1."""
    if as_json:
        click.echo(json.dumps({"running": False, "state": str(directory)}))
    else:
        click.echo(f"no gateway runs with the state directory {directory}", err=True)
        click.echo(f"    hint: start one with: fieldgate run {folder}", err=True)
    sys.exit(1)


@click.command()
@PLANT
@STATE
@JSON
def status(folder: Path, state: Path | None, as_json: bool) -> None:
    """Does data flow? If not: why, since when, and what to do.

    Ends with 0 when all parts flow, with 1 when one is stopped or no gateway runs.
    """
    directory = state_of(folder, state, as_json=as_json)
    try:
        report = answer.ask(directory, "status")
    except answer.NotRunning:
        not_running(folder, directory, as_json)
    if as_json:
        click.echo(json.dumps({"running": True} | report))
    else:
        click.echo("\n".join(text.lines(report)))
    sys.exit(1 if report["stopped"] else 0)


COMMANDS = (run, status, reload)
