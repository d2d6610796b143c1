"""What the READMEs tell people to type exists: commands, options, files."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from gateway.cli import main

ROOT = Path(__file__).parent.parent
READMES = sorted(
    path
    for path in ROOT.glob("**/README.md")
    if not any(part.startswith(".") or part == "node_modules" for part in path.relative_to(ROOT).parts)
)
CALL = re.compile(r"(?<![\w/.-])(?:\.venv/bin/)?fieldgate ((?:-{0,2}[A-Za-z][\w./-]* ?)+)")
SHOWN = re.compile(r"`(?:pytest )?((?:[\w/]+/)?(?:test_\w+|battery)\.py)`(?:: (\w+_\w+(?:, \w+_\w+)*))?")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)\)")


def code(text: str) -> str:
    """What stands in code blocks and between backquotes."""
    return "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL))


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.parent.name)
def test_commands_exist(path: Path) -> None:
    for call in CALL.findall(code(path.read_text())):
        command: click.Command = main
        for word in call.split():
            if word.startswith("-"):
                known = {option for parameter in command.params for option in parameter.opts}
                assert word in known | {"--help", "-h"}, f"{path}: fieldgate {call}: no option {word}"
            elif isinstance(command, click.Group):
                # Commands of adapters are loaded when they are asked for.
                found = command.get_command(click.Context(command), word)
                assert found is not None, f"{path}: fieldgate {call}: no command {word}"
                command = found


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.parent.name)
def test_links_lead_somewhere(path: Path) -> None:
    for target in LINK.findall(path.read_text()):
        assert (path.parent / target).exists(), f"{path}: {target} is not there"


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.parent.name)
def test_tests_that_are_named_exist(path: Path) -> None:
    """``test_x.py`` lies where the README's own tests do, a path begins at the root; names of tests may follow."""
    folder = path.parent.relative_to(ROOT)
    own = path.parent if "tests" in folder.parts else ROOT / "tests" / folder
    for file, names in SHOWN.findall(path.read_text()):
        named = ROOT / file if "/" in file else own / file
        assert named.exists(), f"{path}: there is no {named.relative_to(ROOT)}"
        found = re.findall(r"^(?:async )?def (?:test_)?(\w+)", named.read_text(), re.MULTILINE)
        for name in names.split(", ") if names else ():
            assert name in found, f"{path}: {file} has no {name}"


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for path in READMES:
        for target in re.findall(r"`make ([a-z]+)`|^make ([a-z]+)", path.read_text(), re.MULTILINE):
            assert (target[0] or target[1]) in targets, f"{path}: make {target}"
