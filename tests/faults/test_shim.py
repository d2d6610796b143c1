"""What Python and SQLite ask of the kernel is seen, whole and in order; and it can be made to fail."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.faults import shim
from tests.faults.row import ROOT

pytestmark = pytest.mark.skipif(shim.library() is None, reason="gcc is missing: apt-get install gcc libc6-dev")

_BEGINNING = """
import errno, json, mmap, os, pathlib, shutil, sqlite3, sys, time
from tests.faults.shim import Failing, Kind, preloaded
layer = preloaded()
folder = pathlib.Path(sys.argv[1])
def kinds():
    return [event.kind.name for event in layer.log()]
def done(what):
    layer.stop()
    print(json.dumps(what))
"""


def inside(folder: Path, program: str) -> Any:
    """What the program hands to ``done``, run with the layer over this folder."""
    command = [sys.executable, "-c", _BEGINNING + program, str(folder)]
    environment = shim.environment()
    output = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    return json.loads(output)


def test_each_way_to_change_a_file_is_seen(tmp_path: Path) -> None:
    program = """
(folder / "before").write_bytes(b"123")
layer.start(folder)
descriptor = os.open(folder / "a", os.O_CREAT | os.O_RDWR)
os.write(descriptor, b"one")
os.pwrite(descriptor, b"two", 10)
os.pwritev(descriptor, [b"th", b"ree"], 20)
os.ftruncate(descriptor, 5)
os.fdatasync(descriptor)
os.close(descriptor)
with open(folder / "a", "ab") as file:
    file.write(b"!")
shutil.copyfile(folder / "a", folder / "b")
os.rename(folder / "b", folder / "c")
os.link(folder / "c", folder / "d")
os.truncate(folder / "c", 1)
os.unlink(folder / "c")
os.mkdir(folder / "sub")
(folder / "before").open("w").close()
directory = os.open(folder, os.O_RDONLY)
os.fsync(directory)
layer.mark(b"here")
(folder.parent / "elsewhere").write_bytes(b"not seen")
done([(event.kind.name, event.offset, event.data.decode().replace(str(folder), "")) for event in layer.log()])
"""
    folder = tmp_path / "watched"
    folder.mkdir()
    assert inside(folder, program) == [
        ["CREATE", 0, "/a\0"],
        ["WRITE", 0, "one"],
        ["WRITE", 10, "two"],
        ["WRITE", 20, "th"],
        ["WRITE", 22, "ree"],
        ["TRUNCATE", 5, ""],
        ["SYNC_BEGIN", 1, ""],
        ["SYNC_END", 1, ""],
        ["WRITE", 5, "!"],
        ["CREATE", 0, "/b\0"],
        ["WRITE", 0, "one\0\0!"],
        ["RENAME", 0, "/b\0/c"],
        ["LINK", 0, "/c\0/d"],
        ["TRUNCATE", 1, ""],
        ["UNLINK", 0, "/c\0"],
        ["MKDIR", 0, "/sub\0"],
        ["TRUNCATE", 0, ""],
        ["SYNC_BEGIN", 2, ""],
        ["SYNC_END", 2, ""],
        ["MARK", 0, "here"],
    ]


def test_a_commit_of_sqlite_is_seen_and_synced_and_the_log_rebuilds_the_files(tmp_path: Path) -> None:
    program = """
from tests.faults.crash import Style, Volume
import random
layer.start(folder)
database = sqlite3.connect(folder / "a.db", isolation_level=None)
database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t(a);")
before = len(layer.log())
database.execute("INSERT INTO t VALUES (zeroblob(9000))")
commit = [event.kind.name for event in layer.log()[before:]]
database.close()
layer.stop()
volume = Volume(str(folder), folder.stat().st_ino)
for event in layer.log():
    volume.feed(event)
image = volume.crash(Style.ALL, random.Random(1))
files = {str(path): path.read_bytes() for path in folder.iterdir()}
print(json.dumps([commit, image[str(folder / "a.db")] == files[str(folder / "a.db")], sorted(files)]))
"""
    commit, same, files = inside(tmp_path, program)
    assert commit[-2:] == ["SYNC_BEGIN", "SYNC_END"]
    assert commit.count("WRITE") == 2 * (commit.count("WRITE") // 2) > 0
    assert same
    assert files == [str(tmp_path / "a.db")]


def test_a_shared_mapping_that_is_written_is_seen(tmp_path: Path) -> None:
    program = """
(folder / "a").write_bytes(bytes(4096))
layer.start(folder)
with open(folder / "a", "r+b") as file:
    mmap.mmap(file.fileno(), 4096).close()
    mmap.mmap(file.fileno(), 4096, access=mmap.ACCESS_READ).close()
done(kinds())
"""
    assert inside(tmp_path, program) == ["MAPPED"]


def test_calls_fail_as_they_are_told_to(tmp_path: Path) -> None:
    program = """
layer.start(folder)
descriptor = os.open(folder / "a", os.O_CREAT | os.O_RDWR)
def tried(call, *arguments):
    try:
        return call(*arguments)
    except OSError as error:
        return errno.errorcode[error.errno]
found = []
for what in (Failing.WRITE, Failing.SYNC, Failing.TRUNCATE, Failing.OPEN, Failing.NAME, Failing.READ):
    layer.fail(what, 1.0, errno.EIO)
    found.append([
        tried(os.pwrite, descriptor, b"x", 0), tried(os.fsync, descriptor), tried(os.ftruncate, descriptor, 1),
        tried(os.open, folder / "b", os.O_CREAT) not in ("EIO",), tried(os.mkdir, folder / what.name),
        tried(os.pread, descriptor, 1, 0) != "EIO"])
layer.fail(Failing.SHORT, 1.0, errno.EIO)
short = os.pwrite(descriptor, bytes(1000), 0)
layer.fail(Failing(0), 0, 0)
found.append([0 < short < 1000, os.pwrite(descriptor, bytes(1000), 0), layer.failed()])
done(found)
"""
    assert inside(tmp_path, program) == [
        ["EIO", None, None, True, None, True],
        [1, "EIO", None, True, None, True],
        [1, None, "EIO", True, None, True],
        [1, None, None, False, None, True],
        [1, None, None, True, "EIO", True],
        [1, None, None, True, None, False],
        [True, 1000, 7],
    ]


def test_a_failed_sync_is_seen_as_failed(tmp_path: Path) -> None:
    program = """
layer.start(folder)
descriptor = os.open(folder / "a", os.O_CREAT | os.O_RDWR)
layer.fail(Failing.SYNC, 1.0, errno.EIO)
try:
    os.fsync(descriptor)
except OSError:
    pass
done(kinds())
"""
    assert inside(tmp_path, program) == ["CREATE", "SYNC_BEGIN", "SYNC_FAILED"]


def test_clocks_are_shifted_and_the_monotonic_one_is_not(tmp_path: Path) -> None:
    program = """
before = time.time(), time.clock_gettime(time.CLOCK_BOOTTIME), time.monotonic()
layer.clocks(-86400.0, 3600.0)
after = time.time(), time.clock_gettime(time.CLOCK_BOOTTIME), time.monotonic()
done([round(b - a, 0) for a, b in zip(before, after)])
"""
    assert inside(tmp_path, program) == [-86400.0, 3600.0, 0.0]
