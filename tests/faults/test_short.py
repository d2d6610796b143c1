"""The short form of every fault; ``make faults`` is the long one."""

from __future__ import annotations

import shutil

import pytest

from tests.faults.rows import FAULTS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is missing: apt-get install gcc libc6-dev"),
]


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault.short])
def test_nothing_is_lost_by(name: str) -> None:
    fault = FAULTS[name]
    row = fault.try_it(fault.short, "")
    if row.left_out:
        pytest.skip(row.left_out)
    assert row.wrongs == []
    assert row.red == row.lost == 0
    assert row.tried == fault.short
    assert row.accepted > 0
    assert row.delivered > 0
    assert row.worst_opening_s < 5
