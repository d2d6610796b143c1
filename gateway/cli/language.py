"""Commands that explain the mapping language: units, explain, profiles."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click
from pydantic_core import PydanticCustomError

from gateway.cli.plants import JSON, adapters, load, refuse
from gateway.mapping import catalogue
from gateway.mapping.diagnostics import closest, did_you_mean
from gateway.mapping.units import BUILT_IN, Unit
from gateway.plant import bundled_profiles, summaries


@click.command()
@click.argument("word", required=False)
@JSON
def units(word: str | None, as_json: bool) -> None:
    """The units that `unit:` and `as:` take, with their codes; WORD looks for a spelling or a kind (energy)."""
    found = [unit for unit in BUILT_IN if word is None or _fits(unit, word)]
    if not found and word is not None:
        hint = did_you_mean(word, [unit.symbol for unit in BUILT_IN], otherwise="fieldgate units lists all")
        refuse(f'no unit is spelled "{word}"', hint, code=2, as_json=as_json)
    if as_json:
        click.echo(json.dumps({"units": [_unit(unit) for unit in found]}))
        return
    kinds: dict[str, list[Unit]] = {}
    for unit in found:
        kinds.setdefault(unit.quantity, []).append(unit)
    for kind, members in kinds.items():
        click.echo(kind)
        for unit in members:
            also = f"  also: {', '.join(unit.aliases)}" if unit.aliases else ""
            click.echo(f"  {unit.symbol:<10} {unit.unece:<4} {unit.ucum:<16} {unit.dtdl:<30}{also}".rstrip())


def _fits(unit: Unit, word: str) -> bool:
    if word.casefold() in unit.quantity.casefold().split():
        return True
    try:
        return BUILT_IN.symbol(word) == unit.symbol
    except PydanticCustomError:
        return False


def _unit(unit: Unit) -> dict[str, Any]:
    return {
        "symbol": unit.symbol,
        "quantity": unit.quantity,
        "unece": unit.unece,
        "ucum": unit.ucum,
        "dtdl": unit.dtdl,
        "aliases": list(unit.aliases),
    }


@click.command()
@click.argument("code", required=False)
@JSON
def explain(code: str | None, as_json: bool) -> None:
    """What a message's CODE means and what to do; without a CODE the list of all."""
    if code is None:
        if as_json:
            click.echo(json.dumps({"codes": {name: entry.wrong for name, entry in catalogue.ENTRIES.items()}}))
        else:
            for name, entry in catalogue.ENTRIES.items():
                click.echo(f"{name}  {entry.wrong}")
        return
    told = catalogue.ENTRIES.get(code.upper())
    if told is None:
        close = closest(code.upper(), tuple(catalogue.ENTRIES))
        click.echo(f'there is no message "{code}"', err=True)
        click.echo(f"    hint: {f'did you mean {close}?' if close else 'fieldgate explain lists all'}", err=True)
        sys.exit(2)
    if as_json:
        click.echo(json.dumps({"code": code.upper()} | told._asdict()))
        return
    click.echo(f"{code.upper()}: {told.wrong}")
    click.echo(f"what to do: {told.remedy}")
    if told.example:
        click.echo("\n" + told.example)


@click.command()
@click.argument("name", required=False)
@click.option("--plant", "folder", type=click.Path(path_type=Path), help="Also the profiles of this plant.")
@JSON
def profiles(name: str | None, folder: Path | None, as_json: bool) -> None:
    """The device profiles that come with Fieldgate; with a NAME the whole file, to be read or copied."""
    files = bundled_profiles()
    if folder is not None:
        load(folder, quiet=True)
        files |= {path.name.removesuffix(".profile.yaml"): path for path in sorted(folder.rglob("*.profile.yaml"))}
    if name is not None:
        if name not in files:
            holding = [known for known in sorted(files) if name.casefold() in known]
            there = f"there are: {', '.join(holding)}" if holding else "fieldgate profiles lists all"
            hint = did_you_mean(name, sorted(files), otherwise=there)
            refuse(f'there is no profile "{name}"', hint, code=2, as_json=as_json)
        click.echo(files[name].read_text(encoding="utf-8"), nl=False)
        return
    found = summaries(files, adapters())
    if as_json:
        click.echo(json.dumps({"profiles": [entry._asdict() for entry in found]}))
        return
    width = max(len(entry.name) for entry in found)
    for entry in found:
        device = " ".join(filter(None, (entry.maker, entry.model)))
        variants = f", variants {', '.join(entry.variants)}" if entry.variants else ""
        click.echo(f"{entry.name:<{width}}  {entry.protocol:<7} {entry.points:>4} points  {device}{variants}")


COMMANDS = (units, explain, profiles)
