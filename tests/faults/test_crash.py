from __future__ import annotations

import random

from tests.faults.crash import Image, Style, Volume
from tests.faults.shim import Event, Kind


class Disk:
    """A volume, fed in words; inode numbers are given by name."""

    def __init__(self) -> None:
        self.volume = Volume("/d", 1)
        self._inodes: dict[str, int] = {"/d": 1}
        self._syncs = 0

    def _feed(self, kind: Kind, inode: int = 0, offset: int = 0, data: bytes = b"") -> None:
        self.volume.feed(Event(kind, inode, offset, 0, data))

    def create(self, path: str, kind: Kind = Kind.CREATE) -> None:
        self._inodes[path] = len(self._inodes) + 10
        self._feed(kind, self._inodes[path], data=path.encode() + b"\0")

    def write(self, path: str, data: bytes, offset: int = 0) -> None:
        self._feed(Kind.WRITE, self._inodes[path], offset, data)

    def truncate(self, path: str, size: int) -> None:
        self._feed(Kind.TRUNCATE, self._inodes[path], size)

    def begin(self, path: str) -> int:
        self._syncs += 1
        self._feed(Kind.SYNC_BEGIN, self._inodes[path], self._syncs)
        return self._syncs

    def end(self, path: str, number: int, kind: Kind = Kind.SYNC_END) -> None:
        self._feed(kind, self._inodes[path], number)

    def sync(self, path: str, kind: Kind = Kind.SYNC_END) -> None:
        self.end(path, self.begin(path), kind)

    def rename(self, old: str, new: str) -> None:
        self._feed(Kind.RENAME, data=f"{old}\0{new}".encode())
        self._inodes[new] = self._inodes.pop(old)

    def unlink(self, path: str) -> None:
        self._feed(Kind.UNLINK, data=path.encode() + b"\0")

    def images(self, style: Style, times: int = 300) -> list[Image]:
        """Different ones, without the folder itself."""
        chance = random.Random(1)
        found: list[Image] = []
        for _ in range(times):
            image = {path: content for path, content in self.volume.crash(style, chance).items() if path != "/d"}
            if image not in found:
                found.append(image)
        return found

    def contents(self, path: str, style: Style = Style.STRICT) -> set[bytes | None]:
        return {image[path] for image in self.images(style) if path in image}


def settled(path: str = "/d/a", data: bytes = b"old") -> Disk:
    """A file whose bytes and name are on the disk."""
    disk = Disk()
    disk.create(path)
    disk.write(path, data)
    disk.sync(path)
    disk.sync("/d")
    return disk


def test_what_was_synced_is_there_in_every_style() -> None:
    disk = settled()
    for style in Style:
        assert disk.images(style) == [{"/d/a": b"old"}]


def test_a_name_is_durable_when_its_directory_was_synced() -> None:
    disk = Disk()
    disk.create("/d/a")
    disk.write("/d/a", b"x")
    disk.sync("/d/a")
    assert {} in disk.images(Style.STRICT)
    assert disk.images(Style.JOURNAL) == [{"/d/a": b"x"}], "ext4 commits the name with a new file's first sync"
    disk.sync("/d")
    assert disk.images(Style.STRICT) == [{"/d/a": b"x"}]


def test_an_unsynced_write_is_there_or_not() -> None:
    disk = settled()
    disk.write("/d/a", b"new")
    assert disk.images(Style.NOTHING) == [{"/d/a": b"old"}]
    assert disk.images(Style.ALL) == [{"/d/a": b"new"}]
    assert disk.contents("/d/a") == {b"old", b"new"}


def test_writes_reach_the_disk_in_any_order() -> None:
    disk = settled(data=b"--")
    disk.write("/d/a", b"1", 0)
    disk.write("/d/a", b"2", 1)
    assert disk.contents("/d/a") == {b"--", b"1-", b"-2", b"12"}
    assert disk.contents("/d/a", Style.ONE_LOST) == {b"1-", b"-2"}
    assert disk.contents("/d/a", Style.ONE_KEPT) == {b"1-", b"-2"}


def test_a_write_is_torn_at_sectors_of_512_bytes() -> None:
    disk = settled(data=bytes(1300))
    disk.write("/d/a", b"x" * 1000, 100)
    found = disk.contents("/d/a")
    assert bytes(100) + b"x" * 412 + bytes(788) in found, "the first sector alone"
    assert bytes(512) + b"x" * 512 + bytes(276) in found, "the second alone"
    for content in found:
        assert content is not None
        assert len({content[100:512], content[512:1024], content[1024:1100]} - {b"x" * 412, b"x" * 512, b"x" * 76}) <= 3
        assert all(len(set(part)) == 1 for part in (content[100:512], content[512:1024], content[1024:1100]))


def test_a_hole_before_what_was_kept_is_zeros() -> None:
    disk = settled(data=b"")
    disk.write("/d/a", b"1", 0)
    disk.write("/d/a", b"2", 1)
    assert b"\x002" in disk.contents("/d/a")


def test_a_sync_covers_what_was_written_before_it_began() -> None:
    disk = settled(data=b"--")
    disk.write("/d/a", b"1", 0)
    number = disk.begin("/d/a")
    disk.write("/d/a", b"2", 1)
    assert disk.contents("/d/a") == {b"--", b"1-", b"-2", b"12"}
    disk.end("/d/a", number)
    assert disk.contents("/d/a") == {b"1-", b"12"}


def test_after_a_failed_sync_a_later_one_says_nothing_of_what_it_covered() -> None:
    disk = settled(data=b"--")
    disk.write("/d/a", b"1", 0)
    disk.sync("/d/a", Kind.SYNC_FAILED)
    disk.sync("/d/a")
    assert disk.contents("/d/a") == {b"--", b"1-"}
    disk.write("/d/a", b"3", 0)
    disk.sync("/d/a")
    assert disk.contents("/d/a") == {b"3-"}, "written again it is durable"


def test_a_truncation_is_there_or_not() -> None:
    disk = settled()
    disk.truncate("/d/a", 1)
    assert disk.contents("/d/a") == {b"old", b"o"}
    disk.sync("/d/a")
    assert disk.contents("/d/a") == {b"o"}


def test_a_rename_is_whole_or_not_at_all() -> None:
    disk = settled("/d/new")
    disk.rename("/d/new", "/d/a")
    assert [sorted(image) for image in disk.images(Style.STRICT)] in ([["/d/a"], ["/d/new"]], [["/d/new"], ["/d/a"]])
    disk.sync("/d")
    assert disk.images(Style.STRICT) == [{"/d/a": b"old"}]


def test_an_unlinked_file_may_come_back() -> None:
    disk = settled()
    disk.unlink("/d/a")
    assert {} in disk.images(Style.STRICT)
    assert {"/d/a": b"old"} in disk.images(Style.STRICT)
    disk.sync("/d")
    assert disk.images(Style.STRICT) == [{}]


def test_names_of_a_journal_are_kept_in_order_and_strict_ones_are_not() -> None:
    disk = settled("/d/a")
    disk.create("/d/b")
    disk.create("/d/c")
    strict = [set(image) for image in disk.images(Style.STRICT)]
    journal = [set(image) for image in disk.images(Style.JOURNAL)]
    assert {"/d/a", "/d/c"} in strict
    assert {"/d/a", "/d/c"} not in journal
    assert {"/d/a", "/d/b"} in journal


def test_a_file_in_a_directory_that_is_not_there_is_not_there_either() -> None:
    disk = Disk()
    disk.create("/d/sub", Kind.MKDIR)
    disk.create("/d/sub/a")
    disk.write("/d/sub/a", b"x")
    disk.sync("/d/sub/a")
    disk.sync("/d/sub")
    assert {} in disk.images(Style.STRICT)
    disk.sync("/d")
    assert disk.images(Style.STRICT) == [{"/d/sub": None, "/d/sub/a": b"x"}]


def test_a_name_that_is_used_again_is_another_file() -> None:
    disk = settled()
    disk.unlink("/d/a")
    disk.create("/d/a")
    disk.write("/d/a", b"second")
    found = disk.images(Style.STRICT)
    assert {"/d/a": b"old"} in found
    assert {"/d/a": b"second"} in found
    assert {"/d/a": b""} in found


def test_a_volume_can_start_with_what_lies_there() -> None:
    volume = Volume("/d", 1, {"/d/a": b"old"})
    volume.adopt("/d/a", 7)
    volume.feed(Event(Kind.WRITE, 7, 0, 0, b"new"))
    chance = random.Random(1)
    assert volume.crash(Style.NOTHING, chance)["/d/a"] == b"old"
    assert volume.crash(Style.ALL, chance)["/d/a"] == b"new"


def test_the_folder_itself_may_stand_in_what_it_starts_with() -> None:
    volume = Volume("/d", 1, {"/d": None})
    volume.feed(Event(Kind.CREATE, 7, 0, 0, b"/d/a\0"))
    volume.feed(Event(Kind.SYNC_BEGIN, 1, 1, 0, b""))
    volume.feed(Event(Kind.SYNC_END, 1, 1, 0, b""))
    assert volume.crash(Style.NOTHING, random.Random(1)) == {"/d": None, "/d/a": b""}
