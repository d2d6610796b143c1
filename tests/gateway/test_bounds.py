"""Other settings of an open buffer: what costs nothing counts at once, the rest is held back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.bounds import AT_NEXT_START, Change, at_next_start, change
from gateway.buffer import BufferSettings, ClassStats, OnFull, Stats
from gateway.model import Priority

S_NS = 1_000_000_000
NOW_NS = 1_795_000_000 * S_NS
DAY_S = 86_400.0
THIN: dict[Priority, OnFull] = {Priority.TELEMETRY: "thin"}
BEFORE = BufferSettings(2_000_000_000, 1_000_000, on_full=THIN)


def stats(messages: int, bytes_on_disk: int = 50_000_000, age_s: float = 0.0) -> Stats:
    """So many telemetry messages wait, the oldest so old."""
    oldest_ns = NOW_NS - int(age_s * 1e9) if messages else None
    held = {Priority.TELEMETRY: ClassStats(messages, bytes_on_disk, oldest_ns)}
    return Stats(messages, bytes_on_disk, BEFORE.quota_bytes, oldest_ns, {}, {}, "", classes=held)


def test_what_costs_nothing_counts_at_once() -> None:
    wanted = BufferSettings(
        4_000_000_000, 0, keep={Priority.BULK: 3600.0}, on_full={Priority.TELEMETRY: "drop-oldest"}, order="live-first"
    )
    found = change(BEFORE, wanted, stats(1000, age_s=30 * DAY_S), NOW_NS)
    assert found == Change(wanted, ("quota", "min_free", "keep", "on_full", "order"), {})


def test_nothing_new_is_nothing() -> None:
    assert change(BEFORE, BEFORE, stats(1000), NOW_NS) == Change(BEFORE, (), {})


def test_room_for_what_waits_but_not_for_what_comes_is_too_little() -> None:
    """A tenth is the alarms', and a segment must be free: with less the next commit would push something out."""
    for quota_bytes, held in ((55_000_000, True), (61_000_000, False)):
        found = change(BEFORE, replace(BEFORE, quota_bytes=quota_bytes), stats(1000), NOW_NS)
        assert bool(found.later) is held, quota_bytes


def test_a_quota_below_what_waits_is_held_back_and_the_rest_counts() -> None:
    wanted = replace(BEFORE, quota_bytes=2_000_000, order="live-first")
    found = change(BEFORE, wanted, stats(1000), NOW_NS)
    assert found.settings == replace(BEFORE, order="live-first")
    assert found.now == ("order",)
    assert found.later == {"quota": "50.0 MB wait: with 2.0 MB old ones would go"}


@pytest.mark.parametrize(
    ("quota_bytes", "messages", "on_full"),
    [(61_000_000, 1000, THIN), (2_000_000, 0, THIN), (2_000_000, 1000, {Priority.TELEMETRY: "refuse"})],
    ids=["room for all", "nothing waits", "refuse"],
)
def test_a_smaller_quota_that_drops_nothing_counts_at_once(
    quota_bytes: int, messages: int, on_full: dict[Priority, OnFull]
) -> None:
    wanted = replace(BEFORE, quota_bytes=quota_bytes, on_full=on_full)
    assert change(BEFORE, wanted, stats(messages), NOW_NS).settings == wanted


def test_a_lifetime_that_what_waits_has_outlived_is_held_back() -> None:
    wanted = replace(BEFORE, keep={Priority.TELEMETRY: DAY_S})
    found = change(BEFORE, wanted, stats(1000, age_s=3 * DAY_S), NOW_NS)
    assert found.settings == BEFORE
    assert found.later == {"keep": "the oldest telemetry message is 3 d 0 h old: with 1 d 0 h it would go"}


@pytest.mark.parametrize(("kept_s", "age_s"), [(None, DAY_S / 2), (DAY_S / 2, 3 * DAY_S), (DAY_S, 3 * DAY_S)])
def test_a_lifetime_that_nothing_has_outlived_counts_at_once(kept_s: float | None, age_s: float) -> None:
    before = replace(BEFORE, keep={Priority.TELEMETRY: kept_s})
    wanted = replace(BEFORE, keep={Priority.TELEMETRY: DAY_S})
    assert change(before, wanted, stats(1000, age_s=age_s), NOW_NS).settings == wanted


def test_a_buffer_that_cannot_settle_takes_all_of_it_at_the_next_start() -> None:
    wanted = replace(BEFORE, quota_bytes=4_000_000_000, order="live-first")
    assert at_next_start(BEFORE, wanted) == Change(BEFORE, (), {"quota": AT_NEXT_START, "order": AT_NEXT_START})
