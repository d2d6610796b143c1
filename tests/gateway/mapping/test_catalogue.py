"""Every code has its entry, and the README tells them all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.mapping.catalogue import ENTRIES, table

ROOT = Path(__file__).parent.parent.parent.parent
OTHER = {"units.py": r'fault\(\s*"([A-Z]\d\d)"|, "(N\d\d)"', "unit_table.py": "(?!)", "catalogue.py": "(?!)"}
"""Where codes of units (UNECE) look the same."""


def used() -> set[str]:
    paths = [*(ROOT / "gateway").rglob("*.py"), *(ROOT / "adapters").rglob("*.py")]
    found: set[str] = set()
    for path in paths:
        pattern = OTHER.get(path.name, r'"([A-Z]\d\d)"')
        for match in re.findall(pattern, path.read_text(encoding="utf-8")):
            found |= set(match) if isinstance(match, tuple) else {match}
    return found - {""}


def test_every_code_that_can_be_told_stands_here_and_no_other() -> None:
    assert set(ENTRIES) - {"T03"} == used()


def test_every_entry_says_what_is_wrong_and_what_to_do() -> None:
    assert all(entry.wrong and entry.remedy for entry in ENTRIES.values())


def test_examples_show_the_wrong_and_the_right_way() -> None:
    shown = {code: entry.example for code, entry in ENTRIES.items() if entry.example}
    assert len(shown) >= 15
    assert all("\n" in example or "#" in example for example in shown.values())


def test_the_readme_has_the_same_table() -> None:
    readme = (ROOT / "mappings" / "README.md").read_text(encoding="utf-8")
    assert table() in readme


@pytest.mark.parametrize("code", sorted(ENTRIES))
def test_a_table_in_markdown_is_not_broken_by_an_entry(code: str) -> None:
    assert "|" not in ENTRIES[code].wrong + ENTRIES[code].remedy
