"""Corrected messages from a file into the buffer, frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from gateway.buffer import BufferFull, Stats
from gateway.model import Message
from gateway.record import corrections
from gateway.record.corrections import FRAME_MESSAGES, Spool, Taken, answer, clear, read, take
from gateway.record.recorder import health
from gateway.status import Board
from tests.gateway.upstream.fakes import MemoryBuffer

NAME = "1.messages"


def spool(folder: Path, count: int) -> list[Message]:
    messages = [Message("press-7", n, "corrected=now", b"{}") for n in range(1, count + 1)]
    made = Spool(folder / "corrections" / NAME)
    for message in messages:
        made.add(message)
    made.finish()
    assert (made.messages, made.first_ns, made.last_ns) == (count, min(count, 1), count)
    return messages


class Small(MemoryBuffer):
    """One that knows how full it is."""

    def __init__(self, used: int = 0, fault: BufferFull | None = None) -> None:
        super().__init__()
        self.used, self.fault = used, fault

    async def append(self, messages: Sequence[Message]) -> None:
        if self.fault is not None:
            raise self.fault
        await super().append(messages)

    def stats(self) -> Stats:
        return super().stats()._replace(bytes_on_disk=self.used, quota_bytes=100)


async def test_all_messages_arrive_in_order_a_frame_at_a_time(tmp_path: Path) -> None:
    messages = spool(tmp_path, 2 * FRAME_MESSAGES + 50)
    buffer, board = MemoryBuffer(), Board()
    counts, at = [], 0
    while True:
        taken = await take(tmp_path, buffer, board, NAME, at)
        assert not taken.trouble
        counts.append(taken.messages)
        assert taken.last_ns == sum(counts)
        if taken.next is None:
            break
        at = taken.next
    assert counts == [FRAME_MESSAGES, FRAME_MESSAGES, 50]
    assert [message.created_ns for message in buffer.lanes["press-7"]] == [message.created_ns for message in messages]
    assert health(board).counters["corrected"] == len(messages)


async def test_the_past_does_not_push_out_the_present(tmp_path: Path) -> None:
    spool(tmp_path, 3)
    buffer = Small(used=51)
    taken = await take(tmp_path, buffer, Board(), NAME, 0)
    assert (taken.messages, taken.next, taken.again) == (0, 0, True)
    assert "half of the buffer" in taken.trouble
    assert not buffer.lanes
    assert (await take(tmp_path, Small(used=49), Board(), NAME, 0)).messages == 3


async def test_a_full_buffer_is_told(tmp_path: Path) -> None:
    spool(tmp_path, 3)
    taken = await take(tmp_path, Small(fault=BufferFull("disk")), Board(), NAME, 0)
    assert taken == Taken(0, 0, 0, "the buffer takes nothing now: disk", again=True)


@pytest.mark.parametrize(
    ("name", "at", "said"),
    [
        ("../lock", 0, "no file of corrections"),
        ("2.messages", 0, "No such file"),
        (NAME, 3, "damaged"),
        (NAME, 10**6, "damaged"),
        (NAME, -1, "Invalid argument"),
    ],
)
async def test_a_question_that_makes_no_sense_does_no_harm(tmp_path: Path, name: str, at: int, said: str) -> None:
    spool(tmp_path, 3)
    buffer = MemoryBuffer()
    told = await answer(tmp_path, buffer, Board(), {"file": name, "at": at})
    assert said in told["trouble"]
    assert (told["messages"], told["again"], dict(buffer.lanes)) == (0, False, {})


@pytest.mark.parametrize("question", [{}, {"file": 5, "at": 0}, {"file": NAME, "at": True}, {"file": NAME}])
async def test_a_question_without_file_and_place_is_refused(tmp_path: Path, question: dict[str, object]) -> None:
    told = await answer(tmp_path, MemoryBuffer(), Board(), question)
    assert told["trouble"] == "the question names no file and place"


async def test_who_asks_is_told_all_that_can_be_written_as_json(tmp_path: Path) -> None:
    spool(tmp_path, 3)
    told = await answer(tmp_path, MemoryBuffer(), Board(), {"ask": "corrections", "file": NAME, "at": 0})
    assert told == {"messages": 3, "next": None, "last_ns": 3, "trouble": "", "again": False}


def test_a_large_message_ends_its_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corrections, "FRAME_BYTES", 100)
    made = Spool(tmp_path / "corrections" / NAME)
    for _ in range(3):
        made.add(Message("a", 1, "", b"x" * 60))
    made.finish()
    messages, following = read(tmp_path, NAME, 0)
    assert len(messages) == 2
    assert following is not None


def test_what_an_earlier_command_left_is_removed(tmp_path: Path) -> None:
    spool(tmp_path, 1)
    clear(tmp_path)
    assert list((tmp_path / "corrections").iterdir()) == []
    clear(tmp_path / "nowhere")
