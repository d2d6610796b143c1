"""Two writes of a point keep their distance, whoever sends them, whatever happens to clocks and machines."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gateway import pace
from gateway.mapping.refused import TooSoon, Unkept
from gateway.mapping.spec import PointSpec, Write
from gateway.pace import Now, Pace, since_s
from tests.gateway.mapping.test_steps import spec


def paced(every_s: float) -> PointSpec:
    return spec(write=Write(every_s=every_s))


class Clocks:
    """Both, to be turned by hand."""

    def __init__(self) -> None:
        self.boot, self.up_s, self.wall_s = "first", 1000.0, 1_795_608_000.0

    def __call__(self) -> Now:
        return Now(self.boot, self.up_s, self.wall_s)

    def sleep(self, seconds: float) -> None:
        self.up_s += seconds
        self.wall_s += seconds

    def restart(self, after_s: float) -> None:
        self.boot, self.up_s = "second", 5.0
        self.wall_s += after_s


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


def waits(state: Path, clocks: Clocks, every_s: float = 10.0) -> float:
    """How long a process that is started now has to wait."""
    try:
        Pace(state, clocks).check("press-7", paced(every_s))
    except TooSoon as soon:
        return soon.wait_s
    return 0.0


def test_the_distance_binds_another_process(tmp_path: Path, clocks: Clocks) -> None:
    Pace(tmp_path, clocks).take("press-7", paced(10))
    clocks.sleep(4)
    with pytest.raises(TooSoon) as caught:
        Pace(tmp_path, clocks).take("press-7", paced(10))
    assert str(caught.value) == "p: it was written 4.0 s ago, and write: allows it every 10 s"
    assert caught.value.hint == "wait 6.0 s: it may be written again at 2026-11-25T12:00:10Z"
    Pace(tmp_path, clocks).take("press-8", paced(10))
    clocks.sleep(6)
    Pace(tmp_path, clocks).take("press-7", paced(10))


def test_a_process_of_its_own_is_bound(tmp_path: Path) -> None:
    other = (
        "import sys, pathlib; from gateway.pace import Pace; from tests.gateway.test_pace import paced\n"
        "Pace(pathlib.Path(sys.argv[1])).take('press-7', paced(3600))"
    )
    subprocess.run([sys.executable, "-c", other, str(tmp_path)], check=True)
    with pytest.raises(TooSoon) as caught:
        Pace(tmp_path).take("press-7", paced(3600))
    assert 3000 < caught.value.wait_s <= 3600


@pytest.mark.parametrize("jump_s", [-1e6, -1.0, 1.0, 1e6])
def test_while_the_machine_runs_a_jump_of_the_wall_clock_changes_nothing(
    tmp_path: Path, clocks: Clocks, jump_s: float
) -> None:
    Pace(tmp_path, clocks).take("press-7", paced(10))
    clocks.sleep(4)
    clocks.wall_s += jump_s
    assert waits(tmp_path, clocks) == pytest.approx(6)
    clocks.sleep(6)
    assert waits(tmp_path, clocks) == 0


def test_a_restart_does_not_forget_it(tmp_path: Path, clocks: Clocks) -> None:
    Pace(tmp_path, clocks).take("press-7", paced(60))
    clocks.restart(after_s=20)
    assert waits(tmp_path, clocks, 60) == pytest.approx(40)
    clocks.restart(after_s=40)
    assert waits(tmp_path, clocks, 60) == 0


def test_a_write_in_the_future_does_not_lock_for_ever(tmp_path: Path, clocks: Clocks) -> None:
    Pace(tmp_path, clocks).take("press-7", paced(60))
    clocks.restart(after_s=-1e9)
    assert waits(tmp_path, clocks, 60) == pytest.approx(55), "it was at least as long ago as the machine runs"
    clocks.sleep(55)
    assert waits(tmp_path, clocks, 60) == 0
    assert since_s(Now("x", 1.0, 1e12), Now("y", 2.0, 0.0)) == 2.0


def test_a_snapshot_that_was_restored_or_a_damaged_value_does_not_lock_until_a_restart(
    tmp_path: Path, clocks: Clocks
) -> None:
    clocks.up_s = 1e9
    Pace(tmp_path, clocks).take("press-7", paced(60))
    clocks.up_s = 20.0
    clocks.wall_s += 15
    assert waits(tmp_path, clocks, 60) == pytest.approx(40), "it runs as long as 20 s"
    clocks.sleep(40)
    assert waits(tmp_path, clocks, 60) == 0
    assert since_s(Now("x", 3.0, 100.0), Now("x", 2.0, 107.0)) == 7.0


def test_points_without_a_distance_leave_no_trace(tmp_path: Path, clocks: Clocks) -> None:
    Pace(tmp_path / "state", clocks).take("press-7", paced(0))
    Pace(tmp_path / "state", clocks).check("press-7", paced(0))
    assert not (tmp_path / "state").exists()


def test_what_is_remembered_is_bounded(tmp_path: Path, clocks: Clocks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "MOST", 3)
    for number in range(5):
        Pace(tmp_path, clocks).take(f"press-{number}", paced(10))
    Pace(tmp_path, clocks).check("press-1", paced(10))
    for number in (2, 3, 4):
        with pytest.raises(TooSoon):
            Pace(tmp_path, clocks).check(f"press-{number}", paced(10))


def test_a_file_that_is_damaged_locks_nobody_out(
    tmp_path: Path, clocks: Clocks, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "written.json").write_text("[[")
    Pace(tmp_path, clocks).take("press-7", paced(10))
    assert "written.json is damaged" in caplog.text
    assert waits(tmp_path, clocks) == 10


def test_what_cannot_be_kept_is_refused(tmp_path: Path, clocks: Clocks) -> None:
    (tmp_path / "written.lock").mkdir()
    with pytest.raises(Unkept, match="which cannot be used: Is a directory; nothing was sent") as caught:
        Pace(tmp_path, clocks).take("press-7", paced(10))
    assert caught.value.hint == "call it as the user of the gateway"


def test_the_clocks_of_this_machine_go() -> None:
    first, second = pace.now(), pace.now()
    assert first.boot == second.boot != ""
    assert 0 <= since_s(first, second) < 10
