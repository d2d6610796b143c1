"""fieldgate modbus scan ...: the commands that adapters bring along, dressed as all the others."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeAlias, get_args, get_origin

import click
from pydantic.fields import FieldInfo
from rich import progress
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway import link, plugins, recording
from gateway.adapter import (
    Adapter,
    Argument,
    Call,
    Command,
    LinkLost,
    Note,
    Progress,
    RawBlock,
    Row,
    Said,
    SecretMissing,
)
from gateway.cli.looking import device_of
from gateway.cli.plants import JSON, STATE, load, refuse, state_of
from gateway.mapping.diagnostics import Place, Report
from gateway.mapping.judge import Owner, judge
from gateway.mapping.load import Block
from gateway.vault import Vault

_Adapter: TypeAlias = Adapter[Any, Any]
_Typed: TypeAlias = dict[str, Any]
_SETTING = "setting_"
_OPTION = "option_"
"""Before the names of what adapters name themselves, so that none of it is taken for ours."""


def groups() -> dict[str, click.Group]:
    """The commands of the adapters that are installed and bring some, by protocol."""
    try:
        found = plugins.find().adapters
    except plugins.PluginRefused:  # what needs an adapter says so
        return {}
    return {name: group(name, adapter) for name, adapter in found.items() if adapter.commands}


def group(protocol: str, adapter: _Adapter) -> click.Group:
    """All commands of one adapter."""
    made = click.Group(protocol, help=f"Look at {protocol} devices that no plant describes yet.")
    for command in adapter.commands:
        made.add_command(_command(protocol, adapter, command))
    return made


def _command(protocol: str, adapter: _Adapter, command: Command[Any]) -> click.Command:
    def callback(words: tuple[str, ...], folder: Path | None, **typed: Any) -> None:
        use = _Use(protocol, adapter, command, as_json=typed["as_json"])
        _carry_out(use, _call(use, words, folder, typed), typed.get("record"))

    needs = [name.upper() for name in (*command.needs, *(one.name for one in command.arguments))]
    plant = _PLANT_HELP + "".join(f" and has its own {name.upper()}, which is left out then" for name in command.needs)
    path = click.Path(path_type=Path)
    params: list[click.Parameter] = [
        click.Argument(["words"], nargs=-1, metavar=" ".join(["LINE", *needs])),
        *(_option(option) for option in command.options),
        click.Option(["--plant", "folder"], metavar="PLANT", type=path, help=f"{plant}."),
    ]
    if command.records:
        params += [
            click.Option(["--record"], type=path, help="Keep the raw values in this file, for `diff`."),
            click.Option(["--device"], metavar="NAME", help="Whose values they are; with --plant it is known."),
        ]
    params += [_setting(name, adapter.settings.model_fields[name]) for name in command.settings]
    made = click.Command(command.name, params=params, callback=callback, help=_help(command), no_args_is_help=True)
    return JSON(STATE(made))


_PLANT_HELP = "LINE is the name of a device in this plant, which knows how it is reached"


def _option(option: Argument) -> click.Option:
    names = [_flag(option.name), _OPTION + option.name]
    return click.Option(
        names, metavar=option.name.upper(), default=option.default, show_default=bool(option.default), help=option.help
    )


def _setting(name: str, field_: FieldInfo) -> click.Option:
    words = get_args(field_.annotation) if get_origin(field_.annotation) is Literal else ()
    default = str(field_.default) if isinstance(field_.default, str | int) else False
    return click.Option(
        [_flag(name), _SETTING + name],
        metavar="|".join(words) or name.upper(),
        show_default=default,
        help=field_.description,
    )


def _help(command: Command[Any]) -> str:
    words = "\n".join(f"{one.name.upper()}: {one.help}" for one in command.arguments)
    return f"{command.help}\n\n\b\n{words}" if words else command.help


@dataclass(frozen=True)
class _Use:
    """One command, and how its answer is wanted."""

    protocol: str
    adapter: _Adapter
    command: Command[Any]
    as_json: bool

    def refuse(self, text: str, hint: str = "", *, code: int = 1) -> NoReturn:
        refuse(text, hint, code=code, as_json=self.as_json)


def _call(use: _Use, words: Sequence[str], folder: Path | None, typed: _Typed) -> Call[Any]:
    """What was typed, read and judged. Ends with 2 where something is wrong."""
    command = use.command
    needs = [] if folder is not None else list(command.needs)
    expected = ["LINE", *needs, *(one.name for one in command.arguments)]
    if len(words) < len(expected):
        raise click.UsageError(f"Missing argument '{expected[len(words)].upper()}'.")
    if len(words) > len(expected):
        raise click.UsageError(f"Got unexpected extra argument ({' '.join(words[len(expected) :])})")
    given = {
        one.name: _read(use, one.name.upper(), one.read, word)
        for one, word in zip(command.arguments, words[len(needs) + 1 :], strict=True)
    }
    for option in command.options:
        given[option.name] = _read(use, f"--{option.name}", option.read, typed[_OPTION + option.name])
    settings = {name: typed[_SETTING + name] for name in command.settings if typed[_SETTING + name] is not None}
    settings |= dict(zip(needs, words[1:], strict=False))
    name = typed.get("device") or words[0]
    if folder is None:
        return Call(_judged(use, {use.protocol: words[0]} | settings), name, given)
    return _of_plant(use, folder, words[0], settings, typed, given)


def _read(use: _Use, name: str, read: Callable[[str], Any], text: str) -> Any:
    try:
        return read(text)
    except ValueError as error:
        use.refuse(f"{name}: {error}", code=2)


def _of_plant(
    use: _Use, folder: Path, name: str, settings: Mapping[str, str], typed: _Typed, given: Mapping[str, Any]
) -> Call[Any]:
    plant = load(folder, quiet=True, as_json=use.as_json)
    device = device_of(plant, name, as_json=use.as_json)
    if device.protocol != use.protocol:
        use.refuse(f"{device.name} speaks {device.protocol}, not {use.protocol}", code=2)
    fields = type(device.connect).model_fields
    own = {field.alias or key: getattr(device.connect, key) for key, field in fields.items()}
    connect = _judged(use, {**own, **settings}) if settings else device.connect
    try:
        filled = Vault(state_of(folder, typed["state"], as_json=use.as_json)).filled(connect)
    except SecretMissing as missing:
        use.refuse(str(missing), f"fieldgate secret set {folder} {missing.name}")
    return Call(filled, typed.get("device") or device.name, given)


def _judged(use: _Use, settings: Mapping[str, Any]) -> Any:
    """The settings as the adapter types them, judged in the words that a plant's files are judged in."""
    report = Report()
    block = Block(Place("LINE", 0, 0))
    for name, value in settings.items():
        if value is not None:
            place = Place(
                "LINE" if name == use.protocol else name.upper() if name in use.command.needs else _flag(name), 0, 0
            )
            block.put(name, value, place, place)
    judged = judge(use.adapter.settings, block, Owner("LINE", block.place), report)
    if judged is not None:
        return judged
    found = report.sorted()
    if use.as_json:
        click.echo(json.dumps({"ok": False, "diagnostics": [one.as_json() for one in found]}))
    else:
        click.echo("\n".join(map(str, found)), err=True)
    sys.exit(2)


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


@dataclass
class _Result:
    """What a command has said so far."""

    rows: list[Mapping[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    blocks: list[RawBlock] = field(default_factory=list)
    done: Progress = field(default_factory=lambda: Progress(0, 0))


def _carry_out(use: _Use, call: Call[Any], record: Path | None) -> None:
    """Run it, show what it said, and end with 0; with 1 where it could not go on."""
    result, trouble = _Result(), None
    try:
        asyncio.run(_gather(use.command.run(call), result))
    except (LinkLost, OSError) as error:
        line = use.adapter.line(call.connect)
        trouble = link.words(error, line)
        trouble = trouble._replace(reason=f"{line}: {trouble.reason}")
    except KeyboardInterrupt:
        trouble = link.Trouble(f"stopped at {result.done.done} of {result.done.total}", "")
    if record is not None:
        _keep(use, record, result.blocks)
    if use.as_json:
        failed = {} if trouble is None else {"error": trouble.reason, "hint": trouble.remedy}
        told = {"ok": trouble is None, use.command.rows: result.rows, "notes": result.notes} | failed
        click.echo(json.dumps(told))
        sys.exit(0 if trouble is None else 1)
    _print(result)
    if trouble is not None:
        use.refuse(trouble.reason, trouble.remedy)


async def _gather(said: AsyncGenerator[Said, None], result: _Result) -> None:
    console = Console(stderr=True)
    columns = (
        "{task.description}",
        progress.BarColumn(),
        "{task.completed}/{task.total}",
        progress.TimeRemainingColumn(),
    )
    bar = progress.Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty())
    with bar:
        task = bar.add_task("", total=None)
        async with aclosing(said) as each:
            async for one in each:
                match one:
                    case Row(cells):
                        result.rows.append(cells)
                    case Note(text):
                        result.notes.append(text)
                    case Progress(done, total, text):
                        result.done = one
                        bar.update(task, completed=done, total=total, description=text)
                    case RawBlock():
                        result.blocks.append(one)


def _keep(use: _Use, path: Path, blocks: Sequence[RawBlock]) -> None:
    try:
        path.write_text(recording.dump(blocks), encoding="utf-8")
    except OSError as error:
        use.refuse(f"{path} cannot be written: {error.strerror}")


def _print(result: _Result) -> None:
    filled = {name for row in result.rows for name, cell in row.items() if _shown(cell)}
    names = [name for name in dict.fromkeys(name for row in result.rows for name in row) if name in filled]
    table = Table(box=None, padding=(0, 2), header_style="dim")
    for name in names:
        numbers = all(isinstance(row.get(name), int | float | None) for row in result.rows)
        table.add_column(name.replace("_", " "), justify="right" if numbers else "left")
    for row in result.rows:
        table.add_row(*(Text(_shown(row.get(name))) for name in names))
    if names:
        Console(width=None if sys.stdout.isatty() else 200).print(table)
    for note in result.notes:
        click.echo(note, err=True)


def _shown(cell: Any) -> str:
    """A cell for people: a device's texts must not disturb the terminal."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, list | tuple):
        return " ".join(map(_shown, cell))
    if isinstance(cell, Mapping):
        return ", ".join(f"{name} {_shown(value)}" for name, value in cell.items())
    text = f"{cell:.7g}" if isinstance(cell, float) else str(cell)
    return text if text.isprintable() else "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
