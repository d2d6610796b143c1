"""What the state directory lies on is said where it keeps nothing, or is slow, or full."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, cycle
from pathlib import Path

import pytest

from gateway.buffer import ground
from gateway.buffer.ground import Ground, doubts, kind, min_free

GOOD = Ground("ext4", 50_000_000_000, 0.004)
HERE = Path("/var/lib/fieldgate")


def test_nothing_is_said_of_a_good_disk() -> None:
    assert doubts(GOOD, HERE, 2_000_000_000) == []


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (GOOD._replace(kind="tmpfs"), "/var/lib/fieldgate is memory (tmpfs)"),
        (GOOD._replace(kind="overlay"), "the writable layer of a container (overlay)"),
        (GOOD._replace(kind="nfs4"), "is on another machine (nfs4)"),
        (GOOD._replace(sync_s=0.0451), "a commit to the disk takes 45 ms"),
        (GOOD._replace(free_bytes=1_500_000_000), "2.0 GB shall stay free (buffer: min_free), but only 1.5 GB are"),
        (GOOD._replace(free_bytes=12_000_000), "but only 12 MB are"),
    ],
)
def test_each_doubt_is_said_once(found: Ground, words: str) -> None:
    (said,) = doubts(found, HERE, 2_000_000_000)
    assert words in said
    assert "; " in said  # what to do


def test_several_doubts_are_all_said() -> None:
    assert len(doubts(Ground("tmpfs", 0, 1.0), HERE, 1)) == 3


def test_a_twentieth_of_the_disk_stays_free_at_most_2_gb() -> None:
    assert (min_free(8_000_000_000), min_free(500_000_000_000)) == (400_000_000, 2_000_000_000)


MOUNTS = """\
22 1 {root} / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 22 0:99 / /somewhere rw - tmpfs tmpfs rw
41 22 {here} / /var rw,noatime shared:2 master:1 - xfs /dev/sdb1 rw,attr2
"""


def device(folder: Path) -> str:
    import os

    number = folder.stat().st_dev
    return f"{os.major(number)}:{os.minor(number)}"


def test_the_kind_of_file_system_is_that_of_the_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS.format(root="250:1", here=device(tmp_path)))
    assert kind(tmp_path, mounts) == "xfs"


def test_what_is_mounted_later_over_the_same_place_counts(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS.format(root=device(tmp_path), here=device(tmp_path)))
    assert kind(tmp_path, mounts) == "xfs"


def test_a_kernel_that_does_not_say_is_no_doubt(tmp_path: Path) -> None:
    assert kind(tmp_path, tmp_path / "missing") == ""
    mounts = tmp_path / "mountinfo"
    mounts.write_text("nonsense\n")
    assert kind(tmp_path, mounts) == ""


def test_the_memory_of_this_machine_is_known_as_such() -> None:
    memory = Path("/dev/shm")  # nothing is written there
    if not memory.is_dir():
        pytest.skip("no /dev/shm here")
    assert kind(memory) == "tmpfs"


def ticks(*took: float) -> Iterator[float]:
    """A clock that is looked at before and after each write."""
    return accumulate(step for one in took for step in (0.0, one))


def test_two_slow_commits_are_chance_three_are_the_disk(tmp_path: Path) -> None:
    few = cycle(ticks(*[0.001] * 30, 0.5, 0.5))
    many = cycle(ticks(*[0.001] * 29, 0.5, 0.5, 0.5))
    assert ground.look(tmp_path, lambda: next(few)).sync_s == pytest.approx(0.001)
    assert ground.look(tmp_path, lambda: next(many)).sync_s == pytest.approx(0.5)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_written_raises(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        ground.look(tmp_path / "missing")
