"""kill -9 at random moments of append, drain, unlink and start; and proof that the judge sees mistakes."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gateway.buffer.segments import PATTERN
from tests.gateway.buffer import child
from tests.gateway.buffer.ledger import Verdict, judge

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
KILLS = 20


def run(folder: Path, ledger: Path, number: int, mode: str, *, kill_after_s: float | None) -> None:
    """One life of the process; killed so long after it has opened the buffer, or before that (negative)."""
    command = [sys.executable, "-m", "tests.gateway.buffer.child", str(folder), str(ledger), str(number), mode]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            if kill_after_s is not None and kill_after_s < 0:
                time.sleep(-kill_after_s)
                return
            assert process.stdout.readline() == b"open\n"
            if kill_after_s is None:
                assert process.wait(60) == 0
            else:
                time.sleep(kill_after_s)
                assert process.poll() is None, "it should have worked until it was killed"
        finally:
            process.kill()


def lives(tmp_path: Path, kills: int, mode: str, seed: int) -> Verdict:
    """So many lives that end by kill -9, a last one that drains what is left, and the verdict."""
    chance = random.Random(seed)
    folder, ledger = tmp_path / "buffer", tmp_path / "ledger"
    for number in range(kills):
        during_start = number % 5 == 4
        run(
            folder,
            ledger,
            number,
            mode,
            kill_after_s=-chance.uniform(0.2, 0.5) if during_start else chance.uniform(0.05, 0.7),
        )
    run(folder, ledger, kills, "drain", kill_after_s=None)
    return judge(ledger.read_text().splitlines())


def test_nothing_accepted_is_lost_by_kill_9(tmp_path: Path) -> None:
    verdict = lives(tmp_path, KILLS, "work", seed=20_261_124)
    assert verdict.lost == []
    assert verdict.disordered == []
    assert verdict.reused == []
    assert verdict.late_duplicates == []
    assert verdict.accepted > 20 * KILLS
    in_flight = 5 * child.PRODUCERS * len(child.IDENTITIES) + 1
    assert verdict.unaccepted <= in_flight * KILLS
    assert verdict.worst_opening_s < 5
    assert list((tmp_path / "buffer").glob(PATTERN)) == [], "all was drained"
    assert list((tmp_path / "buffer").glob("*.damaged*")) == []


@pytest.mark.parametrize("mistake", child.MISTAKES)
def test_the_judge_sees_a_seeded_mistake(tmp_path: Path, mistake: str) -> None:
    verdict = lives(tmp_path, 4, mistake, seed=7)
    seen = {
        "acknowledge-before-commit": verdict.lost,
        "unlink-before-sync": verdict.reused,
        "cursor-before-delivery": verdict.lost,
    }
    assert seen[mistake], verdict
