"""fieldgate audit: who set what, when, and what became of it; and whether all of that is still there."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway import audit
from gateway.audit import Caller, Told
from gateway.cli.plants import JSON, PLANT, STATE, count, refuse, state_of
from gateway.cli.replaying import moment
from gateway.mapping.refused import shown, with_unit
from gateway.message import timestamp


@click.command("audit")
@PLANT
@STATE
@JSON
@click.option("--since", help="Only what was wanted since then: 2h, 3d, or 2026-11-24T10:00:00Z.")
@click.option("--device", help="Only of this device.")
@click.option("--verify", is_flag=True, help="Check that no line was changed or removed, and name the first that was.")
@click.option("--known", metavar="HASH", default="", help="With --verify: a line with this hash must be among them.")
def audit_(
    folder: Path, state: Path | None, as_json: bool, since: str | None, device: str | None, verify: bool, known: str
) -> None:
    """Who set which point, when, and what became of it.

    With --verify: whether every line is as it was written. Each holds the hash of the one before; note the last hash
    where nobody at this machine can change it, and give it back later with --known. Ends with 1 where a line is wrong.
    """
    directory = state_of(folder, state, as_json=as_json)
    if known and not verify:
        refuse("--known asks for a check", "add --verify", code=2, as_json=as_json)
    try:
        if verify:
            _verify(directory, known.lower(), as_json)
        since_at = "" if since is None else timestamp(moment(since, time.time_ns()))
        found = audit.acts(directory, lambda entry: _is_wanted(entry, since_at, device))
    except OSError as error:
        why = f"the audit in {directory} cannot be read: {error.strerror or error}"
        refuse(why, "ask as the user of the gateway, or as root", as_json=as_json)
    if as_json:
        click.echo(json.dumps({"acts": [{**one.entry, "outcome": one.outcome, "why": one.why} for one in found]}))
    elif found:
        Console(width=None if sys.stdout.isatty() else 250).print(_table(found))
    else:
        click.echo(f"nothing was set, says the audit in {directory}")


def _is_wanted(entry: Mapping[str, Any], since: str, device: str | None) -> bool:
    return str(entry.get("at")) >= since and device in (None, entry.get("device"))


def _verify(directory: Path, known: str, as_json: bool) -> NoReturn:
    verdict = audit.verify(directory, known)
    wrong = verdict.wrong or ("" if verdict.known else f"no line has the hash {known}: what was noted is not there")
    if as_json:
        told = {"ok": not wrong, "lines": verdict.lines, "first": verdict.first, "wrong": wrong}
        click.echo(json.dumps(told | {"last": verdict.last.number, "hash": verdict.last.hash}))
        sys.exit(1 if wrong else 0)
    if wrong:
        hint = "what stands before it is as it was written; a copy of the files may hold what stood there"
        refuse(wrong, hint if verdict.wrong else "the files were made anew, or are those of another gateway")
    if not verdict.lines:
        click.echo(f"nothing was set, says the audit in {directory}")
        sys.exit(0)
    older = f"; what is before line {verdict.first} was dropped for its age" if verdict.first > 1 else ""
    click.echo(f"{count(verdict.lines, 'line')}, every one as it was written{older}")
    click.echo(f"line {verdict.last.number} has the hash {verdict.last.hash}")
    sys.exit(0)


def _table(found: Sequence[Told]) -> Table:
    table = Table(box=None, padding=(0, 2), header_style="dim")
    for name in ("at", "who", "device", "point", "was", "wanted", "outcome", "where it is written"):
        table.add_column(name, no_wrap=name == "at")
    for one in found:
        entry = one.entry
        outcome = one.why if one.why.startswith(one.outcome) else f"{one.outcome}: {one.why}"
        row = (entry["at"], _who(entry["by"]), entry["device"], entry["point"], _old(entry), _wanted(entry), outcome)
        table.add_row(*(_cell(one) for one in (*row, _where(entry["source"]))))
    return table


def _cell(one: Any) -> Text:
    """What devices and people say must not disturb the terminal."""
    return Text("".join(sign if sign.isprintable() else "?" for sign in str(one)))


# The files may hold lines of another version, and what somebody wrote by hand: whatever can be shown is.


def _who(by: Any) -> str:
    if not isinstance(by, dict):
        return _value(by)
    return str(Caller(**{"way": ""} | {field.name: by[field.name] for field in fields(Caller) if field.name in by}))


def _old(entry: Mapping[str, Any]) -> str:
    if entry["kind"] == "refusal":
        return ""
    return _published(entry, "old") or str(entry.get("old_reason", ""))


def _wanted(entry: Mapping[str, Any]) -> str:
    unread = " --unread" if entry.get("unread") else ""
    note = f" [{entry['note']}]" if entry.get("note") else ""
    return f"{_published(entry, 'new') or entry['wanted']}{unread}{note}"


def _published(entry: Mapping[str, Any], name: str) -> str:
    value = entry.get(name)
    return "" if value is None else with_unit(_value(value), entry.get("unit", ""))


def _value(value: Any) -> str:
    return shown(tuple(value) if isinstance(value, list | dict) else value)


def _where(source: Any) -> str:
    if not isinstance(source, dict) or not source.get("file"):
        return ""
    return f"{Path(str(source['file'])).name}:{source.get('line', '')}"


COMMANDS = (audit_,)
