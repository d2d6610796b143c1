"""What an importer made: judged beside its plant, told, and written as plant files."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, NoReturn

import click

from gateway.cli.plants import adapters
from gateway.mapping import diagnostics, writer
from gateway.mapping.diagnostics import Diagnostic
from gateway.mapping.document import NAME, NAME_HINT
from gateway.mapping.draft import Imported
from gateway.mapping.importers.review import beside, review
from gateway.plant import bundled_profiles
from gateway.values import quote

_CHOICES = ("I03", "I07")
"""What only the person who calls can decide, for the whole list."""


class Target(NamedTuple):
    """Where the files go."""

    into: Path | None
    """None: they are printed."""
    force: bool
    """Whether files that are there may be overwritten."""
    as_json: bool


def finish(found: Imported, source: Path, target: Target, *, whole: bool = False) -> NoReturn:
    """Judge, tell and write an import of the file ``source``, and end.

    ``whole``: it comes without a mistake, or not at all. Ends with 1 where something was left out, with 2 where nothing
    came of it.
    """
    found = review(found, shown(source), adapters(), beside(target.into, bundled_profiles()), whole=whole)
    for draft in found.profiles:
        if not NAME.fullmatch(draft.profile):  # it becomes the name of a file
            click.echo(f"{quote(draft.profile)} is not a valid name for a profile; {NAME_HINT}", err=True)
            sys.exit(2)
    errors = [one for one in found.found if one.severity == "error"]
    undecided = any(one.code in _CHOICES for one in errors)
    stopped = bool(errors) and (whole or (undecided and target.into is not None))
    files = {} if stopped else _files(found, source.stem)
    if not files and not errors:
        told = Diagnostic(shown(source), 0, 0, "error", "I21", "nothing in this file became a point or a device")
        found = replace(found, found=(*found.found, told))
    _tell(found, files, target)
    if stopped and target.into is not None:
        what = "before it is chosen" if undecided else "before these mistakes are corrected"
        click.echo(f"nothing is written {what}", err=True)
    sys.exit(2 if not files else 1 if errors else 0)


def shown(path: Path) -> str:
    """How messages call a file: without its folders."""
    return path.name or str(path)


def _files(found: Imported, name: str) -> dict[str, str]:
    """The texts of the plant files, by name."""
    drafts = [draft for draft in found.profiles if draft.points or "extends" in draft.head]
    files = {f"{draft.profile}.profile.yaml": writer.write_profile(draft) for draft in drafts}
    if found.devices:
        files[f"{name}.devices.yaml"] = writer.write_devices(found.devices)
    return files


def _tell(found: Imported, files: Mapping[str, str], target: Target) -> None:
    """Print what was found, and the files or that they were written."""
    if not target.as_json:
        for diagnostic in found.found:
            click.echo(str(diagnostic), err=True)
    written = _write(files, target.into, target.force) if target.into is not None and files else []
    if target.as_json:
        entries = [diagnostic.as_json() for diagnostic in found.found]
        click.echo(json.dumps({"files": files, "written": written, "looked_at": found.rows, "diagnostics": entries}))
        return
    if target.into is None:
        click.echo("\n".join(files.values()), nl=False)
    taken = sum(len(draft.points) for draft in found.profiles) if files else 0
    parts = [f"{found.rows} looked at", f"{taken} points", f"{len(found.devices)} devices"]
    click.echo(f"{', '.join(parts)}; {diagnostics.summary(found.found)}", err=True)


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
