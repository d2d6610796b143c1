"""Commands that bring in what others wrote, and write a plant in their forms: import, export."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeVar

import click

from gateway.cli.imported import Target, finish, shown
from gateway.cli.plants import JSON, PLANT, adapters, load
from gateway.mapping import load as reading
from gateway.mapping import schema
from gateway.mapping.diagnostics import Diagnostic, Report, did_you_mean
from gateway.mapping.draft import Imported
from gateway.mapping.exporters import dtdl, points, publisher, table, wot
from gateway.mapping.importers import edgex, registers, sunspec, telegraf, thingsboard, types
from gateway.mapping.importers import publisher as published_nodes
from gateway.mapping.importers.cells import Gain
from gateway.mapping.importers.drafting import plain_name
from gateway.mapping.importers.rows import Options
from gateway.mapping.importers.table import Refused
from gateway.plant import bundled_profiles
from gateway.values import quote

T = TypeVar("T")
OWN_TABLE_BYTES = 20_000_000
FILE = click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
INTO = click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the files into this folder (of a plant) instead of printing them.",
)
FORCE = click.option("--force", is_flag=True, help="Overwrite files that are there.")
PROFILE = click.option("--profile", help="The name of the profile; by default that of the file.")


@click.group(name="import")
def import_group() -> None:
    """Make profiles and devices from register lists and from the files of others.

    What is written are ordinary plant files, each point with a note of where it came from. Whatever could not be taken
    over is named with its place and reason. Ends with 1 where something was left out, with 2 where nothing came of it.
    """


def _pairs(texts: Sequence[str], option: str) -> dict[str, str]:
    pairs = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign:
            _refuse(f"{option} {text}: write NAME=VALUE")
        pairs[name.strip()] = value.strip()
    return pairs


@import_group.command(name="registers")
@FILE
@PROFILE
@click.option("--maker", default="", help="For the profile.")
@click.option("--model", default="", help="For the profile.")
@click.option("--sheet", default="", help="Only this sheet of a workbook.")
@click.option("--divide", is_flag=True, help="The list's scale column divides: value = raw / scale.")
@click.option("--multiply", is_flag=True, help="The list's scale column multiplies.")
@click.option(
    "--numbering", type=click.Choice(["offset", "number"]), help="Addresses count from 0, or are printed as 40001."
)
@click.option("--table", type=click.Choice(["coil", "discrete", "input", "holding"]), help="Where the list says none.")
@click.option("--type", "type_", default="", help="The type where the list says none: uint16.")
@click.option("--order", default="", help="The byte order where the list says none: CDAB.")
@click.option("--column", multiple=True, metavar="ROLE=COLUMN", help="Where a column is: address=C, unit=Einheit.")
@click.option("--where", multiple=True, metavar="COLUMN=TEXT", help="Only rows in which this stands.")
@click.option("--group", default="", metavar="COLUMN", help="One profile for each value of this column.")
@click.option("--strings", type=click.Choice(["characters", "registers"]), help="What STRING(8) counts.")
@INTO
@FORCE
@JSON
def registers_(path: Path, profile: str | None, into: Path | None, force: bool, as_json: bool, **words: Any) -> None:
    """A register list in CSV or XLSX, as in the manual of a device.

    The header is found by itself, in several languages. What a "scale" column means is never guessed: say --divide or
    --multiply. A list that `fieldgate export csv` wrote comes back as the same profile, or not at all where it has a
    mistake.
    """
    target = Target(into, force, as_json)
    own = _own_table(path)
    if own is not None:
        given = [f"--{name.removesuffix('_')}" for name, word in words.items() if word]
        if given:
            _refuse(f"{shown(path)} is a profile that fieldgate export csv wrote: {given[0]} means nothing for it")
        found = table.profile_from_csv(own, shown(path))
        if profile is not None:
            found = replace(found, profiles=[replace(draft, profile=profile) for draft in found.profiles])
        finish(found, path, target, whole=True)
    options = _options(profile or plain_name(path.stem, "device"), **words)
    finish(registers.import_registers(path, options), path, target)


def _options(profile: str, *, divide: bool, multiply: bool, type_: str, order: str, **words: Any) -> Options:
    """The words of the call, judged before the file is read."""
    if divide and multiply:
        _refuse("--divide and --multiply: choose one of the two")
    words["columns"] = _pairs(words.pop("column"), "--column")
    words["where"] = _pairs(words["where"], "--where")
    gain: Gain | None = "divide" if divide else "multiply" if multiply else None
    if type_:
        _judged("--type", types.value_type, type_)
    order = _judged("--order", types.order, order) if order else ""
    return Options(profile=profile, gain=gain, type=type_, order=order, **words)


def _judged(option: str, judge: Callable[[str], T], word: str) -> T:
    try:
        return judge(word)
    except Refused as wrong:
        _refuse(f"{option}: {wrong.text}", wrong.hint)


def _refuse(text: str, hint: str = "") -> NoReturn:
    """Say what is wrong with the words of the call, and end."""
    click.echo(f"{text}\n    hint: {hint}" if hint else text, err=True)
    sys.exit(2)


def _own_table(path: Path) -> str | None:
    """The text of a table that Fieldgate wrote itself; None for the lists of others."""
    try:
        with path.open("rb") as stream:
            if path.suffix.casefold() != ".csv" or not table.is_profile_table(
                stream.read(64).decode("utf-8-sig", "ignore")
            ):
                return None
            stream.seek(0)
            return stream.read(OWN_TABLE_BYTES).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return None


@import_group.command(name="sunspec")
@click.argument("model", metavar="MODEL")
@click.option("--base", type=click.IntRange(0, 65535), help="The offset of the model's ID register.")
@click.option("--length", type=click.IntRange(0, 65535), help="The model's length, its register L.")
@click.option("--repeat", multiple=True, metavar="GROUP=N", help="How often a group repeats.")
@INTO
@FORCE
@JSON
def sunspec_(
    model: str,
    base: int | None,
    length: int | None,
    repeat: tuple[str, ...],
    into: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """A SunSpec MODEL: the JSON file of one, or its number where the package pysunspec2 is installed."""
    path = Path(model)
    if model.isdecimal() and not path.exists():
        found = sunspec.published(int(model))
        if found is None:
            _refuse(f"there is no model {model} here: name its JSON file, or install pysunspec2")
        path = found
    try:
        repeats = {name: int(number) for name, number in _pairs(repeat, "--repeat").items()}
    except ValueError:
        _refuse("--repeat: write GROUP=NUMBER")
    layout = sunspec.Layout(base, length, repeats)
    finish(sunspec.import_sunspec(path, layout), path, Target(into, force, as_json))


@import_group.command(name="edgex")
@FILE
@click.option("--first-address", type=click.IntRange(0, 1), help="What EdgeX calls the first register there.")
@INTO
@FORCE
@JSON
def edgex_(path: Path, first_address: int | None, into: Path | None, force: bool, as_json: bool) -> None:
    """A device profile (or a deviceList) of EdgeX Foundry, YAML."""
    first: Literal[0, 1] | None = None if first_address is None else 1 if first_address else 0
    finish(edgex.import_edgex(path, first), path, Target(into, force, as_json))


def _plain(name: str, what: str, function: Callable[[Path], Imported]) -> click.Command:
    def command(path: Path, into: Path | None, force: bool, as_json: bool) -> None:
        finish(function(path), path, Target(into, force, as_json))

    command.__doc__ = what
    made: click.Command = import_group.command(name=name)(FILE(INTO(FORCE(JSON(command)))))
    return made


_plain("published-nodes", "A published_nodes.json of OPC Publisher.", published_nodes.import_published_nodes)
_plain("thingsboard", "The Modbus connector of a ThingsBoard IoT gateway, JSON.", thingsboard.import_thingsboard)
_plain("telegraf", "The inputs.modbus of a Telegraf configuration, TOML.", telegraf.import_telegraf)


@click.group(name="export")
def export_group() -> None:
    """Write a plant in the forms of others; nothing of a secret is in them."""


@export_group.command(name="points")
@PLANT
def export_points(folder: Path) -> None:
    """The flat list of all points as JSON: what a simulator needs to play the plant."""
    click.echo(json.dumps(points.points(load(folder, quiet=True)), indent=1))


@export_group.command(name="wot")
@PLANT
def export_wot(folder: Path) -> None:
    """W3C Thing Descriptions 1.1: a JSON list, one for each device."""
    plant = load(folder, quiet=True)
    click.echo(json.dumps(wot.things(plant, plant.units), indent=1, ensure_ascii=False))


@export_group.command(name="dtdl")
@PLANT
def export_dtdl(folder: Path) -> None:
    """DTDL v3: a JSON list, one interface for each profile and variant in use."""
    plant = load(folder, quiet=True)
    click.echo(json.dumps(dtdl.interfaces(plant, plant.units), indent=1, ensure_ascii=False))


@export_group.command(name="published-nodes")
@PLANT
def export_published_nodes(folder: Path) -> None:
    """The published_nodes.json of OPC Publisher for the plant's OPC UA devices; what is left out is named."""
    nodes, found = publisher.published_nodes(load(folder, quiet=True))
    for diagnostic in found:
        click.echo(str(diagnostic), err=True)
    click.echo(json.dumps(nodes, indent=1, ensure_ascii=False))


@export_group.command(name="csv")
@click.argument("profile", metavar="PROFILE")
def export_csv(profile: str) -> None:
    """A PROFILE (a bundled one by name, or the path of a *.profile.yaml file) as a table for Excel.

    `fieldgate import registers` reads it back. Redirect it into a file: it begins with a mark by which Excel knows
    that it is UTF-8.
    """
    path = Path(profile) if profile.endswith(".yaml") else bundled_profiles().get(profile)
    if path is None:
        otherwise = "fieldgate profiles lists the bundled ones"
        hint = did_you_mean(profile, bundled_profiles(), otherwise=otherwise)
        wrong = f"there is no bundled profile {quote(profile)}; for one of a plant write the path of its file"
        _refuse(f"{wrong}: my-plant/{profile}.profile.yaml", hint)
    report = Report()
    text = reading.read(path, path.name, report)
    block = reading.parse(text, path.name, report) if text is not None else None
    if not isinstance(block, reading.Block) or report.errors:
        _say(report.sorted())
        sys.exit(2)
    click.echo(table.profile_to_csv(block).encode(), nl=False)


@export_group.command(name="schema")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
def export_schema(directory: Path) -> None:
    """JSON Schemas of the plant's files, for editors: which settings there are, and what they mean."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for path in schema.write(directory, adapters()):
            click.echo(f"wrote {path}")
    except OSError as error:
        click.echo(f"{directory} cannot be written: {error.strerror}", err=True)
        sys.exit(1)


def _say(found: Sequence[Diagnostic]) -> None:
    for diagnostic in found:
        click.echo(str(diagnostic), err=True)


COMMANDS = (import_group, export_group)
