"""One gateway per state directory, and the second is told who the first is."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from gateway.status.lock import Holder, InUse, held, holder

FIRST = Holder("tampere-gw1", 4711, "/etc/plant", "2026-11-24T10:00:00.000Z")
SECOND = Holder("other", 4712, "/etc/other", "2026-11-24T10:01:00.000Z")


def test_names_the_first_to_the_second(tmp_path: Path) -> None:
    with held(tmp_path, FIRST), pytest.raises(InUse) as error, held(tmp_path, SECOND):
        pass
    assert error.value.holder == FIRST
    first = 'gateway "tampere-gw1": fieldgate run, pid 4711, plant /etc/plant, since 2026-11-24T10:00:00.000Z'
    assert str(error.value) == f"the state directory {tmp_path} is in use by {first}"


def test_lets_go_at_the_end(tmp_path: Path) -> None:
    with held(tmp_path, FIRST):
        pass
    with held(tmp_path, SECOND):
        pass


def test_a_lock_file_that_is_not_ours_is_still_a_lock(tmp_path: Path) -> None:
    with held(tmp_path, FIRST):
        (tmp_path / "lock").write_text("garbage")
        with pytest.raises(InUse) as error, held(tmp_path, SECOND):
            pass
    assert error.value.holder is None
    assert "in use by another gateway" in str(error.value)


def test_who_looks_holds_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    assert holder(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
    with held(tmp_path, FIRST):
        assert holder(tmp_path) == FIRST
        (tmp_path / "lock").write_text("")
        assert holder(tmp_path) == Holder("unknown", 0, "", "", "unknown")
    assert holder(tmp_path) is None
    with held(tmp_path, SECOND):
        pass


def test_is_for_the_owner_alone(tmp_path: Path) -> None:
    with held(tmp_path, FIRST):
        assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600


@pytest.mark.slow
def test_a_killed_holder_holds_no_longer(tmp_path: Path) -> None:
    script = textwrap.dedent(
        """
        import sys, time, pathlib
        from gateway.status.lock import Holder, held
        with held(pathlib.Path(sys.argv[1]), Holder("dies", 1, "p", "t")):
            print("held", flush=True)
            time.sleep(60)
        """
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        process.kill()
        process.wait()
    with held(tmp_path, SECOND):
        pass
