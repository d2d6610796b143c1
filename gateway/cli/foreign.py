"""Commands that bring in what others wrote, and write a plant in their forms: import, export."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import click

from gateway.cli.plants import JSON, PLANT, adapters, load
from gateway.mapping import diagnostics, schema, writer
from gateway.mapping import load as reading
from gateway.mapping.diagnostics import Diagnostic, Report
from gateway.mapping.document import NAME, NAME_HINT
from gateway.mapping.draft import Imported
from gateway.mapping.exporters import dtdl, points, publisher, table, wot
from gateway.mapping.importers import edgex, registers, sunspec, telegraf, thingsboard
from gateway.mapping.importers import publisher as published_nodes
from gateway.mapping.importers.drafting import plain_name
from gateway.mapping.importers.rows import Options
from gateway.plant import bundled_profiles
from gateway.values import quote

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
    over is named with its place and reason. Ends with 1 where something was left out, with 2 where nothing could be
    read.
    """


def _finish(found: Imported, into: Path | None, force: bool, as_json: bool, name: str) -> None:
    for draft in found.profiles:
        if not NAME.fullmatch(draft.profile):  # it becomes the name of a file
            click.echo(f"{quote(draft.profile)} is not a valid name for a profile; {NAME_HINT}", err=True)
            sys.exit(2)
    files = {f"{draft.profile}.profile.yaml": writer.write_profile(draft) for draft in found.profiles if draft.points}
    if found.devices:
        files[f"{name}.devices.yaml"] = writer.write_devices(found.devices)
    if not as_json:
        for diagnostic in found.found:
            click.echo(str(diagnostic), err=True)
    written = _write(files, into, force) if into is not None else []
    if as_json:
        entries = [diagnostic.as_json() for diagnostic in found.found]
        click.echo(json.dumps({"files": files, "written": written, "looked_at": found.rows, "diagnostics": entries}))
    elif into is None:
        click.echo("\n".join(files.values()), nl=False)
    taken = sum(len(draft.points) for draft in found.profiles)
    errors = sum(one.severity == "error" for one in found.found)
    if not as_json:
        parts = [f"{found.rows} looked at", f"{taken} points", f"{len(found.devices)} devices"]
        click.echo(f"{', '.join(parts)}; {diagnostics.summary(found.found)}", err=True)
    sys.exit(2 if not files else 1 if errors else 0)


def _write(files: Mapping[str, str], into: Path, force: bool) -> list[str]:
    there = [into / name for name in files if (into / name).exists()]
    if there and not force:
        click.echo(f"{there[0]} is there already; --force overwrites it, --profile names another one", err=True)
        sys.exit(1)
    try:
        into.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (into / name).write_text(text, encoding="utf-8")
            click.echo(f"wrote {into / name}", err=True)
    except OSError as error:
        click.echo(f"{into} cannot be written: {error.strerror}", err=True)
        sys.exit(1)
    return [str(into / name) for name in files]


def _pairs(texts: Sequence[str], option: str) -> dict[str, str]:
    pairs = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign:
            click.echo(f"{option} {text}: write NAME=VALUE", err=True)
            sys.exit(2)
        pairs[name.strip()] = value.strip()
    return pairs


def _name(path: Path, given: str | None) -> str:
    return given or plain_name(path.stem, "device")


@import_group.command(name="registers")
@FILE
@PROFILE
@click.option("--maker", default="", help="For the profile.")
@click.option("--model", default="", help="For the profile.")
@click.option("--sheet", default="", help="Only this sheet of a workbook.")
@click.option("--divide", "gain", flag_value="divide", help="The list's scale column divides: value = raw / scale.")
@click.option("--multiply", "gain", flag_value="multiply", help="The list's scale column multiplies.")
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
    --multiply. A list that `fieldgate export csv` wrote comes back as the same profile.
    """
    own = _own_table(path)
    if own is not None:
        _finish(table.profile_from_csv(own, path.name), into, force, as_json, path.stem)
    words["type"] = words.pop("type_")
    words["columns"] = _pairs(words.pop("column"), "--column")
    words["where"] = _pairs(words["where"], "--where")
    _finish(
        registers.import_registers(path, Options(profile=_name(path, profile), **words)),
        into,
        force,
        as_json,
        path.stem,
    )


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
            click.echo(f"there is no model {model} here: name its JSON file, or install pysunspec2", err=True)
            sys.exit(2)
        path = found
    try:
        repeats = {name: int(number) for name, number in _pairs(repeat, "--repeat").items()}
    except ValueError:
        click.echo("--repeat: write GROUP=NUMBER", err=True)
        sys.exit(2)
    _finish(sunspec.import_sunspec(path, sunspec.Layout(base, length, repeats)), into, force, as_json, path.stem)


@import_group.command(name="edgex")
@FILE
@click.option("--first-address", type=click.IntRange(0, 1), help="What EdgeX calls the first register there.")
@INTO
@FORCE
@JSON
def edgex_(path: Path, first_address: int | None, into: Path | None, force: bool, as_json: bool) -> None:
    """A device profile (or a deviceList) of EdgeX Foundry, YAML."""
    first: Literal[0, 1] | None = None if first_address is None else 1 if first_address else 0
    _finish(edgex.import_edgex(path, first), into, force, as_json, path.stem)


def _plain(name: str, what: str, function: Callable[[Path], Imported]) -> click.Command:
    def command(path: Path, into: Path | None, force: bool, as_json: bool) -> None:
        _finish(function(path), into, force, as_json, path.stem)

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
    """A PROFILE (a bundled one by name, or a *.profile.yaml file) as a table for Excel.

    `fieldgate import registers` reads it back. Redirect it into a file: it begins with a mark by which Excel knows
    that it is UTF-8.
    """
    path = Path(profile) if profile.endswith(".yaml") else bundled_profiles().get(profile)
    if path is None:
        click.echo(f'there is no profile "{profile}": fieldgate profiles lists the bundled ones', err=True)
        sys.exit(2)
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
