"""Commands on a plant's files: init, check, devices."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, TextIO

import click

from gateway import plugins
from gateway.adapter import Adapter
from gateway.mapping import diagnostics, schema
from gateway.mapping.diagnostics import Diagnostic
from gateway.plant import MAPPINGS, Gateway, Plant, PlantInvalid, gateway, read, state_directory
from gateway.vault import Vault

PLANT = click.argument("folder", metavar="PLANT", type=click.Path(path_type=Path))
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs instead of text.")
STATE = click.option(
    "--state", type=click.Path(path_type=Path), help="State directory to use instead of the one in gateway.yaml."
)


def adapters() -> Mapping[str, Adapter[Any, Any]]:
    """The adapters that are installed; says which cannot be used, and ends with 1 for what is no adapter."""
    try:
        found = plugins.find()
    except plugins.PluginRefused as refused:
        click.echo(str(refused), err=True)
        sys.exit(1)
    for name, why in found.missing.items():
        click.echo(f'adapter "{name}" cannot be used: {why}', err=True)
    return found.adapters


def load(folder: Path, *, quiet: bool = False, as_json: bool = False) -> Plant:
    """The plant in a folder; prints what is wrong with it and ends with 2 where something is."""
    try:
        plant = read(folder, adapters())
    except PlantInvalid as invalid:
        _tell(invalid, as_json)
    if not quiet:
        for diagnostic in warnings(plant):
            click.echo(str(diagnostic), err=True)
    return plant


def _tell(invalid: PlantInvalid, as_json: bool) -> NoReturn:
    """Print what is wrong with a plant, and end with 2."""
    if as_json:
        click.echo(json.dumps({"ok": False, "diagnostics": [found.as_json() for found in invalid.diagnostics]}))
        sys.exit(2)
    for diagnostic in invalid.diagnostics:
        click.echo(str(diagnostic), err=True)
    click.echo(diagnostics.summary(invalid.diagnostics), err=True)
    sys.exit(2)


def state_of(folder: Path, state: Path | None, *, as_json: bool = False) -> Path:
    """The state directory, whatever is wrong with the plant's other files; ends with 2 where it cannot be known."""
    try:
        return state or state_directory(folder)
    except PlantInvalid as invalid:
        _tell(invalid, as_json)


def gateway_of(folder: Path, *, as_json: bool = False) -> Gateway:
    """What gateway.yaml says, whatever is wrong with the plant's other files; ends with 2 where it has mistakes."""
    try:
        return gateway(folder)
    except PlantInvalid as invalid:
        _tell(invalid, as_json)


@contextmanager
def opened(output: Path | None) -> Iterator[TextIO]:
    """A file to write what is exported into, for its owner alone; the screen where none is named."""
    if output is None:
        yield sys.stdout
        return
    output.touch(mode=0o600)
    with output.open("w", encoding="utf-8") as stream:
        yield stream


def refuse(text: str, hint: str = "", *, code: int = 1, as_json: bool = False) -> NoReturn:
    """Say why not, as text or as JSON, and end with this code."""
    if as_json:
        click.echo(json.dumps({"ok": False, "error": text, "hint": hint}))
    else:
        click.echo(text, err=True)
        if hint:
            click.echo(f"    hint: {hint}", err=True)
    sys.exit(code)


def count(number: int, what: str) -> str:
    """``1 device``, ``2 devices``, ``10,000 points``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _missing_secrets(plant: Plant) -> list[Diagnostic]:
    try:
        kept = Vault(plant.gateway.state).names()
    except OSError as error:
        text = f"whether its secrets are set cannot be seen: {error.strerror}"
        hint = "ask as the user of the gateway"
        whole = Diagnostic(str(plant.folder), 0, 0, "warning", "G03", text, hint)
        return [whole] if plant.secrets else []
    return [
        Diagnostic(
            *place, "warning", "G03", f'the secret "{name}" is not set', f"fieldgate secret set {plant.folder} {name}"
        )
        for name, place in plant.secrets.items()
        if name not in kept
    ]


def warnings(plant: Plant) -> list[Diagnostic]:
    """What is probably not meant, and what is not there yet: secrets (G03), and reading for some protocols (G04)."""
    found = list(plant.warnings)
    found += _missing_secrets(plant)
    mute = {name for name, adapter in adapters().items() if adapter.connect is None}
    for protocol in sorted({device.protocol for device in plant.devices} & mute):
        devices = [device.name for device in plant.devices if device.protocol == protocol]
        text = f"this version of Fieldgate cannot read {protocol} devices yet: {', '.join(devices[:5])}"
        hint = "they are judged, exported and planned, and give no data"
        found.append(Diagnostic(str(plant.folder), 0, 0, "warning", "G04", text, hint))
    return found


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Write a commented starter plant into a new folder."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        click.echo(f"{folder} exists already and is not empty; name a new folder", err=True)
        sys.exit(1)
    try:
        shutil.copytree(MAPPINGS / "starter", folder, dirs_exist_ok=True)
        (folder / ".schema").mkdir()
        schema.write(folder / ".schema", adapters())
    except OSError as error:
        click.echo(f"{folder} cannot be written: {error.strerror or error}", err=True)
        sys.exit(1)
    for path in sorted(folder.rglob("*.yaml")):
        click.echo(f"wrote {path}")
    click.echo(f"\nNext: edit them, then\n  fieldgate check {folder}\n  fieldgate certs create {folder}")


@click.command()
@PLANT
@JSON
def check(folder: Path, as_json: bool) -> None:
    """Judge the files of a plant; touches no network and no device."""
    if not as_json:
        plant = load(folder)
        points = sum(len(device.points) for device in plant.devices)
        lines = len({device.line for device in plant.devices})
        doubts = len(warnings(plant))
        also = f", {count(doubts, 'warning')}" if doubts else ""
        what = f"{count(len(plant.devices), 'device')} on {count(lines, 'line')}, {count(points, 'point')}"
        click.echo(f"{plant.name}: {what}: ok{also}")
        return
    try:
        plant = read(folder, adapters())
    except PlantInvalid as invalid:
        click.echo(json.dumps({"ok": False, "diagnostics": [entry.as_json() for entry in invalid.diagnostics]}))
        sys.exit(2)
    click.echo(json.dumps({"ok": True, "diagnostics": [entry.as_json() for entry in warnings(plant)]}))


@click.command()
@PLANT
@JSON
def devices(folder: Path, as_json: bool) -> None:
    """List the device ids that the hub must know, with their lines and assets."""
    plant = load(folder, quiet=True, as_json=as_json)
    if as_json:
        entries = [
            {
                "id": device.identity,
                "device": device.name,
                "profile": device.profile,
                "line": device.line,
                "asset": device.asset.path if device.asset else None,
            }
            for device in plant.devices
        ]
        click.echo(json.dumps({"devices": entries}))
        return
    width = max(len(device.identity) for device in plant.devices)
    for device in plant.devices:
        asset = device.asset.path if device.asset else "-"
        click.echo(f"{device.identity:<{width}}  {device.profile}  {device.line}  {asset}")


COMMANDS = (init, check, devices)
