"""A small plant on disk for tests of commands, and a way to call them."""

from __future__ import annotations

import shutil
from pathlib import Path

from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.plant import MAPPINGS


def call(*arguments: str | Path) -> Result:
    """Run a command in this process. ``output`` holds both streams, ``stdout`` and ``stderr`` each."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def example(directory: Path) -> Path:
    """The example plant, with everything that is written kept below ``directory``."""
    folder = directory / "plant"
    shutil.copytree(MAPPINGS / "example", folder)
    return folder


def replace(folder: Path, name: str, old: str, new: str) -> None:
    """Change a text in one file of the plant."""
    path = next(folder.rglob(name))
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
