"""What is refused for good is kept, bounded, and can be looked at, tried again, exported and dropped."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from gateway.buffer.port import BufferFull, BufferUnavailable
from gateway.buffer.quarantine import NAME, Limits, Quarantine
from gateway.model import Message, Priority, Stored

AT_NS = 1_795_372_189_000_000_000


@asynccontextmanager
async def opened(folder: Path, limits: Limits | None = None) -> AsyncIterator[Quarantine]:
    quarantine = Quarantine(folder, lambda: AT_NS, limits)
    async with asyncio.timeout(20):
        await quarantine.open()
        try:
            yield quarantine
        finally:
            await quarantine.close()


def stored(sequence: int, body: bytes = b"{}", priority: Priority = Priority.TELEMETRY, identity: str = "a") -> Stored:
    return Stored(identity, 0xBEEF, sequence, 5_000_000_000, "profile=x", body, priority)


async def ids(quarantine: Quarantine) -> list[str]:
    return [entry.id for entry in await quarantine.entries()]


async def test_nothing_in_it_is_no_file(tmp_path: Path) -> None:
    async with opened(tmp_path) as quarantine:
        assert await quarantine.entries() == []
        assert await quarantine.show("a-0000beef-1") is None
        assert await quarantine.drop() == 0
    assert list(tmp_path.iterdir()) == []


async def test_what_was_put_in_is_there_after_a_restart_whole(tmp_path: Path) -> None:
    given = stored(7, bytes(range(256)), Priority.ALARM)
    async with opened(tmp_path) as quarantine:
        await quarantine.put([given], "larger than 256 KB")
    async with opened(tmp_path) as quarantine:
        assert (quarantine.messages, quarantine.size_bytes) == (1, 256 + len("profile=x"))
        entry = await quarantine.show("a-0000beef-a7")
        assert entry is not None
        assert entry.message == given
        assert (entry.reason, entry.refused_ns, entry.sound) == ("larger than 256 KB", AT_NS, True)


async def test_it_is_on_the_disk_when_put_returns(tmp_path: Path) -> None:
    async with opened(tmp_path) as quarantine:
        await quarantine.put([stored(1)], "")
        image = tmp_path / "image"
        image.mkdir()
        for path in tmp_path.glob(f"{NAME}*"):
            (image / path.name).write_bytes(path.read_bytes())
    async with opened(image) as quarantine:
        assert await ids(quarantine) == ["a-0000beef-1"]


async def test_refused_again_after_a_crash_it_is_there_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as quarantine:
        await quarantine.put([stored(1)], "first")
        await quarantine.put([stored(1), stored(2)], "second")
        assert [(entry.id, entry.reason) for entry in await quarantine.entries()] == [
            ("a-0000beef-1", "first"),
            ("a-0000beef-2", "second"),
        ]


async def test_a_list_is_the_oldest_first_of_all_or_of_one_identity(tmp_path: Path) -> None:
    async with opened(tmp_path) as quarantine:
        await quarantine.put([stored(5), stored(6, identity="b")], "")
        await quarantine.put([stored(1)], "")
        assert await ids(quarantine) == ["a-0000beef-5", "b-0000beef-6", "a-0000beef-1"]
        assert [entry.message.identity for entry in await quarantine.entries("b")] == ["b"]


@pytest.mark.parametrize("limits", [Limits(messages=3), Limits(size_bytes=3 * (10 + len("profile=x")))])
async def test_at_its_limit_the_oldest_go_and_are_counted(
    tmp_path: Path, limits: Limits, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(tmp_path, limits) as quarantine:
        for sequence in range(1, 6):
            await quarantine.put([stored(sequence, b"0123456789")], "")
        assert await ids(quarantine) == [f"a-0000beef-{number}" for number in (3, 4, 5)]
        assert (quarantine.messages, quarantine.evicted) == (3, 2)
    assert [record.levelname for record in caplog.records] == ["WARNING"]


async def test_the_file_stays_within_its_bounds(tmp_path: Path) -> None:
    async with opened(tmp_path, Limits(size_bytes=1_000_000)) as quarantine:
        for sequence in range(1, 41):
            await quarantine.put([stored(sequence, bytes([sequence]) * 100_000)], "")
        size = sum(path.stat().st_size for path in tmp_path.glob(f"{NAME}*"))
    assert size < 1_000_000 + 1_500_000, "the messages, the log and the table's own pages"


async def test_tried_again_it_is_a_new_message_that_names_the_old_one(tmp_path: Path) -> None:
    appended: list[Message] = []

    async def append(messages: Sequence[Message]) -> None:
        appended.extend(messages)

    async with opened(tmp_path) as quarantine:
        await quarantine.put([stored(1, b"x", Priority.BULK), stored(2)], "")
        assert await quarantine.retry(append, ["a-0000beef-b1", "nothing"]) == ["a-0000beef-b1"]
        assert await ids(quarantine) == ["a-0000beef-2"]
    given = Message("a", 5_000_000_000, "profile=x&retried=a-0000beef-b1", b"x", Priority.BULK)
    assert appended == [given]


async def test_tried_again_twice_it_names_the_last_one_alone(tmp_path: Path) -> None:
    appended: list[Message] = []

    async def append(messages: Sequence[Message]) -> None:
        appended.extend(messages)

    async with opened(tmp_path) as quarantine:
        await quarantine.put([stored(9)._replace(properties="retried=a-0000beef-1&profile=x")], "")
        await quarantine.retry(append, ["a-0000beef-9"])
    assert appended[0].properties == "profile=x&retried=a-0000beef-9"


async def test_what_the_buffer_does_not_take_stays(tmp_path: Path) -> None:
    async def full(_: Sequence[Message]) -> None:
        raise BufferFull("quota")

    async with opened(tmp_path) as quarantine:
        await quarantine.put([stored(1)], "")
        with pytest.raises(BufferFull):
            await quarantine.retry(full, ["a-0000beef-1"])
        assert await ids(quarantine) == ["a-0000beef-1"]


async def test_export_writes_a_line_for_each_message_text_as_text(tmp_path: Path) -> None:
    async with opened(tmp_path) as quarantine:
        await quarantine.put([stored(number, b'{"t":"\xc3\xa4"}') for number in range(1, 100)], "too large")
        await quarantine.put([stored(100, b"\xff\x00")], "")
        lines = [json.loads(line) async for line in quarantine.export()]
    assert len(lines) == 100
    assert lines[0] == {
        "id": "a-0000beef-1",
        "identity": "a",
        "class": "telemetry",
        "refused": "2026-11-22T18:29:49Z",
        "reason": "too large",
        "created": "1970-01-01T00:00:05Z",
        "properties": "profile=x",
        "size": 10 + len("profile=x"),
        "body": '{"t":"ä"}',
    }
    assert lines[99]["base64"] == "/wA="


async def test_dropped_it_is_gone_and_the_last_one_takes_the_file_with_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as quarantine:
        await quarantine.put([stored(number) for number in (1, 2, 3)], "")
        assert await quarantine.drop(["a-0000beef-2", "nothing"]) == 1
        assert await ids(quarantine) == ["a-0000beef-1", "a-0000beef-3"]
        assert await quarantine.drop() == 2
        assert list(tmp_path.iterdir()) == []
        await quarantine.put([stored(4)], "")
        assert await ids(quarantine) == ["a-0000beef-4"]


async def test_a_flipped_bit_in_a_body_is_seen(tmp_path: Path) -> None:
    async with opened(tmp_path) as quarantine:
        await quarantine.put([stored(1, b"value=1")], "")
    with closing(sqlite3.connect(tmp_path / NAME)) as foreign, foreign:
        foreign.execute("UPDATE refused SET body = CAST('value=3' AS BLOB)")
    async with opened(tmp_path) as quarantine:
        entry = await quarantine.show("a-0000beef-1")
        assert entry is not None
        assert not entry.sound
        assert entry.as_json()["damaged"] is True


async def test_a_damaged_file_is_set_aside_and_another_one_begun(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / NAME).write_bytes(b"\xa5" * 20_000)
    async with opened(tmp_path) as quarantine:
        assert await quarantine.entries() == []
        await quarantine.put([stored(1)], "")
        assert await ids(quarantine) == ["a-0000beef-1"]
    assert len(list(tmp_path.glob(f"{NAME}.damaged-*"))) == 1
    assert "was set aside" in caplog.text


async def test_a_file_whose_tables_are_others_is_set_aside(tmp_path: Path) -> None:
    async with opened(tmp_path) as quarantine:
        await quarantine.put([stored(1)], "")
    with closing(sqlite3.connect(tmp_path / NAME)) as foreign, foreign:
        foreign.execute("ALTER TABLE refused RENAME COLUMN reason TO seasom")
    async with opened(tmp_path) as quarantine:
        await quarantine.put([stored(2)], "")
        assert await ids(quarantine) == ["a-0000beef-2"]
    assert len(list(tmp_path.glob(f"{NAME}.damaged-*"))) == 1


async def test_of_a_damaged_file_what_can_be_read_is_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with opened(tmp_path) as quarantine:
        await quarantine.put([stored(number, bytes([number]) * 3000) for number in range(1, 41)], "too large")
    content = bytearray((tmp_path / NAME).read_bytes())
    middle = content.index(bytes([20]) * 3000)
    content[middle - middle % 4096 : middle - middle % 4096 + 4096] = b"\xa5" * 4096
    (tmp_path / NAME).write_bytes(content)
    async with opened(tmp_path) as quarantine:
        kept = await quarantine.entries()
        assert {entry.message.sequence for entry in kept} >= {*range(1, 19), *range(23, 41)}
        whole = await quarantine.show("a-0000beef-40")
        assert whole is not None
        assert (whole.message.body, whole.sound) == (bytes([40]) * 3000, True)
    assert len(list(tmp_path.glob(f"{NAME}.damaged-*"))) == 1
    assert f"kept: {len(kept)}" in caplog.text


@pytest.mark.parametrize(
    "change", ["reason = CAST(x'ff61' AS TEXT)", "class = 7", "sequence = 'x'", "body = 5", "identity = NULL"]
)
async def test_what_cannot_have_been_written_is_shown_as_damaged_beside_the_rest(tmp_path: Path, change: str) -> None:
    async with opened(tmp_path) as quarantine:
        await quarantine.put([stored(1), stored(2)], "why")
    with closing(sqlite3.connect(tmp_path / NAME)) as foreign, foreign:
        foreign.executescript(f"""
            PRAGMA writable_schema=1;
            UPDATE sqlite_schema SET sql = replace(sql, 'NOT NULL', '') WHERE name = 'refused';
            PRAGMA writable_schema=RESET;
            UPDATE refused SET {change} WHERE number = 1;
        """)
    async with opened(tmp_path) as quarantine:
        assert len(await quarantine.entries()) == 2
        lines = [json.loads(line) async for line in quarantine.export()]
        assert [line.get("damaged", False) for line in lines] == [True, False]
        assert await quarantine.retry(_no_append, [line["id"] for line in lines][:1]) == []


async def _no_append(messages: Sequence[Message]) -> None:
    raise AssertionError(messages)


async def test_a_newer_file_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    async with opened(tmp_path) as quarantine:
        await quarantine.put([stored(1)], "")
    with closing(sqlite3.connect(tmp_path / NAME)) as foreign, foreign:
        foreign.execute("PRAGMA user_version=99")
    before = (tmp_path / NAME).read_bytes()
    async with opened(tmp_path) as quarantine:
        with pytest.raises(BufferUnavailable, match="newer version"):
            await quarantine.put([stored(2)], "")
    assert (tmp_path / NAME).read_bytes() == before


async def test_who_puts_in_and_is_cancelled_leaves_it_whole(tmp_path: Path) -> None:
    async with opened(tmp_path) as quarantine:
        for sequence in range(1, 20):
            putting = asyncio.create_task(quarantine.put([stored(sequence)], ""))
            await asyncio.sleep(0)
            putting.cancel()
            await asyncio.wait([putting])
        assert len(await ids(quarantine)) >= 18
