"""Commands on a plant's files: init, check, devices, export."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from gateway import plugins
from gateway.adapter import Adapter
from gateway.mapping import diagnostics, export
from gateway.plant import MAPPINGS, Plant, PlantInvalid, read

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


def load(folder: Path, *, quiet: bool = False) -> Plant:
    """The plant in a folder; prints what is wrong with it and ends with 2 where something is."""
    try:
        plant = read(folder, adapters())
    except PlantInvalid as invalid:
        for diagnostic in invalid.diagnostics:
            click.echo(str(diagnostic), err=True)
        click.echo(diagnostics.summary(invalid.diagnostics), err=True)
        sys.exit(2)
    if not quiet:
        for diagnostic in plant.warnings:
            click.echo(str(diagnostic), err=True)
    return plant


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Write a commented starter plant into a new folder."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        click.echo(f"{folder} exists already and is not empty; name a new folder", err=True)
        sys.exit(1)
    try:
        shutil.copytree(MAPPINGS / "starter", folder, dirs_exist_ok=True)
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
        warnings = f", {len(plant.warnings)} warnings" if plant.warnings else ""
        click.echo(f"{plant.name}: {len(plant.devices)} devices on {lines} lines, {points} points: ok{warnings}")
        return
    try:
        plant = read(folder, adapters())
    except PlantInvalid as invalid:
        click.echo(json.dumps({"ok": False, "diagnostics": [entry.as_json() for entry in invalid.diagnostics]}))
        sys.exit(2)
    click.echo(json.dumps({"ok": True, "diagnostics": [entry.as_json() for entry in plant.warnings]}))


@click.command()
@PLANT
@JSON
def devices(folder: Path, as_json: bool) -> None:
    """List the device ids that the hub must know, with their lines and assets."""
    plant = load(folder, quiet=True)
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


@click.group(name="export")
def export_group() -> None:
    """Write a plant in other forms."""


@export_group.command(name="points")
@PLANT
def export_points(folder: Path) -> None:
    """The flat list of all points as JSON: what a simulator needs to play the plant."""
    click.echo(json.dumps(export.points(load(folder, quiet=True)), indent=1))


COMMANDS = (init, check, devices, export_group)
