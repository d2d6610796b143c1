"""Files that are whole or not there, one writer at a time, for their owner alone."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gateway import durable


def test_what_is_replaced_is_whole_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "known.json"
    durable.replace(path, b"[1]")
    durable.replace(path, b"[2]")
    assert path.read_bytes() == b"[2]"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["known.json"]


def test_what_a_crash_left_half_written_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / "known.json.new").write_bytes(b"[")
    durable.replace(tmp_path / "known.json", b"[1]")
    assert (tmp_path / "known.json").read_bytes() == b"[1]"


def test_what_is_appended_stands_behind_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "log"
    durable.append(path, b"a\n")
    durable.append(path, b"b\n")
    assert path.read_bytes() == b"a\nb\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"mine")
    (tmp_path / "log").symlink_to(tmp_path / "other")
    with pytest.raises(OSError, match="symbolic links"):
        durable.append(tmp_path / "log", b"a\n")
    assert (tmp_path / "other").read_bytes() == b"mine"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_makes_belongs_to_the_owner_of_the_directory(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, 12346)
    durable.append(tmp_path / "log", b"a\n")
    durable.replace(tmp_path / "known", b"b")
    with durable.locked(tmp_path / "lock"):
        pass
    for path in tmp_path.iterdir():
        assert (path.stat().st_uid, path.stat().st_gid) == (12345, 12346), path


def test_one_at_a_time_across_processes(tmp_path: Path) -> None:
    wait = (
        "import sys, pathlib; from gateway import durable\n"
        "with durable.locked(pathlib.Path(sys.argv[1])): print(1, flush=True); input()"
    )
    command = [sys.executable, "-c", wait, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(TimeoutError) as caught, durable.locked(tmp_path / "lock", patience_s=0.05):
            pass
        assert caught.value.strerror == "another process holds lock"
        other.kill()
    with durable.locked(tmp_path / "lock", patience_s=5):
        pass
