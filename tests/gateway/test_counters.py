"""A total goes on after a restart."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path

import pytest

from gateway import counters
from gateway.counters import keep, kept


def test_a_total_goes_on_where_it_was(tmp_path: Path) -> None:
    with kept(tmp_path) as file:
        totals = file.totals
        total = totals.total("meter", "energy", 65536)
        assert [total(raw) for raw in (65000, 65535, 3)] == [65000, 65535, 65539]
    with kept(tmp_path) as file:
        totals = file.totals
        assert totals.total("meter", "energy", 65536)(10) == 65546


def test_a_rollover_while_the_gateway_stood_still_is_seen(tmp_path: Path) -> None:
    with kept(tmp_path) as file:
        totals = file.totals
        totals.total("meter", "energy", 65536)(65000)
    with kept(tmp_path) as file:
        totals = file.totals
        assert totals.total("meter", "energy", 65536)(5) == 65541


def test_writes_nothing_where_nothing_is_counted(tmp_path: Path) -> None:
    with kept(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_counter_of_which_nobody_asks_is_kept_all_the_same(tmp_path: Path) -> None:
    with kept(tmp_path) as file:
        totals = file.totals
        totals.total("meter", "energy", 100)(7)
    with kept(tmp_path):
        pass
    with kept(tmp_path) as file:
        totals = file.totals
        totals.total("meter", "energy", 100)(99)
        assert totals.dump()["meter/energy"]["last"] == 99


@pytest.mark.parametrize("text", ["", "[]", "{", '{"meter/energy": 5}', '{"meter/energy": {"base": "x"}}', "\udcff"])
def test_a_file_that_is_none_of_ours_begins_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / counters.NAME).write_text(text, errors="surrogateescape")
    with kept(tmp_path) as file:
        totals = file.totals
        assert totals.total("meter", "energy", 100)(7) == 7


async def test_is_written_within_a_second_after_a_rollover(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters, "LOOK_S", 0.01)
    with kept(tmp_path) as file:
        totals = file.totals
        total = totals.total("meter", "energy", 100)
        total(99)
        task = asyncio.create_task(keep(file))
        await asyncio.sleep(0.05)
        assert not (tmp_path / counters.NAME).exists()  # nothing has rolled over: nothing to write
        total(1)
        async with asyncio.timeout(5):
            while not (tmp_path / counters.NAME).exists():
                await asyncio.sleep(0.01)
        task.cancel()
    assert json.loads((tmp_path / counters.NAME).read_text())["meter/energy"]["base"] == 100


def test_a_disk_that_takes_nothing_is_said_and_ends_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), kept(tmp_path / "missing") as file:
        totals = file.totals
        totals.total("meter", "energy", 100)(1)
    assert "cannot be written" in caplog.text


async def test_the_last_value_is_kept_now_and_then_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed without a word, and full once meanwhile: the total goes on."""
    monkeypatch.setattr(counters, "LOOK_S", 0.01)
    monkeypatch.setattr(counters, "LAST_S", 0.03)
    with kept(tmp_path) as file:
        totals = file.totals
        totals.total("meter", "energy", 65536)(65000)
        task = asyncio.create_task(keep(file))
        async with asyncio.timeout(5):
            while not (tmp_path / counters.NAME).exists():
                await asyncio.sleep(0.01)
        task.cancel()
        after_the_kill = json.loads((tmp_path / counters.NAME).read_text())
    (tmp_path / counters.NAME).write_text(json.dumps(after_the_kill))
    with kept(tmp_path) as file:
        totals = file.totals
        assert totals.total("meter", "energy", 65536)(10) == 65546


def test_a_slow_writer_does_not_replace_what_is_newer(tmp_path: Path) -> None:
    file = counters.Kept(tmp_path)
    total = file.totals.total("meter", "energy", 100)
    total(99)
    old = file.take()
    total(1)
    file.write(*file.take())
    file.write(*old)
    assert json.loads((tmp_path / counters.NAME).read_text())["meter/energy"]["base"] == 100
