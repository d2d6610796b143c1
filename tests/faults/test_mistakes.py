"""Tests of the tests: each mistake turns a row red, and for the right reason."""

from __future__ import annotations

import shutil

import pytest

from tests.faults.mistakes import MISTAKES
from tests.faults.row import tried

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is missing: apt-get install gcc libc6-dev"),
]

SEEN = {
    "synchronous-normal": ("power", 60, ("lost",)),
    "acknowledge-before-commit": ("power", 60, ("lost",)),
    "delete-before-puback": ("power", 60, ("lost", "disordered")),
    "lifetime-by-wall-clock": ("clocks", 1, ("lost", "troubles")),
    "two-in-flight": ("power", 1, ("disordered", "again")),
    "cursor-before-acknowledgement": ("power", 60, ("lost",)),
    "unlink-before-sync": ("power", 300, ("reused", "disordered", "troubles")),
    "poison-for-ever": ("power", 1, ("again",)),
    "name-not-synced": ("power", 60, ("lost",)),
}
"""By mistake: the row that sees it, within so many tries, and what the row calls it."""


def test_each_mistake_has_a_row_that_sees_it() -> None:
    assert SEEN.keys() == MISTAKES.keys()


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_row_turns_red_over(mistake: str) -> None:
    row, count, words = SEEN[mistake]
    found = tried(row, [(1, count), (2, count)], mistake)
    assert found.red > 0
    assert any(f" {word} " in wrong for wrong in found.wrongs for word in words), found.wrongs[:3]
