from __future__ import annotations

import pytest

from gateway.buffer import policy
from gateway.buffer.policy import OnFull, sizes

MB = 1024 * 1024


@pytest.mark.parametrize(
    ("quota", "segment", "ballast", "wal_pages"),
    [
        (1 * MB, 64 * 1024, 64 * 1024, 4),
        (16 * MB, 1 * MB, 1 * MB, 32),
        (64 * MB, 4 * MB, 1 * MB, 128),
        (256 * MB, 16 * MB, 1 * MB, 128),
        (100_000 * MB, 16 * MB, 1 * MB, 128),
    ],
)
def test_sizes_follow_from_the_quota(quota: int, segment: int, ballast: int, wal_pages: int) -> None:
    assert sizes(quota) == (quota, segment, ballast, wal_pages)


def test_the_ballast_holds_a_full_log_from_16_mb_on() -> None:
    for quota in (16 * MB, 64 * MB, 1000 * MB):
        assert sizes(quota).ballast >= sizes(quota).wal_pages * policy.PAGE_SIZE


def test_a_quota_that_is_too_small_is_refused_with_the_least() -> None:
    with pytest.raises(ValueError, match=r"1048575 bytes is too small.*at least 1048576"):
        sizes(MB - 1)


@pytest.mark.parametrize(("stored", "pages"), [(100, 100), (8191, 8191), (8192, 8192), (8193, 16_384)])
def test_a_large_row_has_its_pages_alone(stored: int, pages: int) -> None:
    assert policy.pages(stored) == pages


@pytest.mark.parametrize(("stored", "growth"), [(0, 24_576), (8191, 24_576), (8192, 32_768), (100_000, 122_880)])
def test_files_grow_by_whole_pages(stored: int, growth: int) -> None:
    assert policy.growth(stored) == growth


@pytest.mark.parametrize(
    ("used", "coming", "refusing", "fits"),
    [
        (0, 16 * MB, False, True),
        (0, 16 * MB + 1, False, False),
        (15 * MB, MB, False, True),
        (15 * MB, MB, True, False),
        (14 * MB, MB, True, True),
        (14 * MB + 1, MB, True, False),
    ],
)
def test_after_a_refusal_a_whole_segment_must_be_free(used: int, coming: int, refusing: bool, fits: bool) -> None:
    assert policy.fits(sizes(16 * MB), used, coming, refusing=refusing) is fits


@pytest.mark.parametrize(("used", "relieved"), [(14 * MB, True), (14 * MB + 1, False), (16 * MB, False)])
def test_dropping_has_ended_when_two_segments_are_free(used: int, relieved: bool) -> None:
    assert policy.relieved(sizes(16 * MB), used) is relieved


@pytest.mark.parametrize(
    ("quota", "free", "has_room"),
    [(64 * MB, 2 * MB, True), (64 * MB, 1 * MB + 100_000, False), (1 * MB, 231_072, True), (1 * MB, 231_071, False)],
)
def test_a_disk_that_was_full_must_hold_the_ballast_and_more(quota: int, free: int, has_room: bool) -> None:
    assert policy.disk_has_room(sizes(quota), free, coming=100_000) is has_room


@pytest.mark.parametrize(
    ("on_full", "segments", "sealed", "may"),
    [
        ("refuse", 16, 15, False),
        ("drop-oldest", 16, 15, True),
        ("drop-oldest", 2, 2, True),
        ("drop-oldest", 2, 1, True),
        ("drop-oldest", 1, 1, False),
        ("drop-oldest", 1, 0, False),
        ("drop-oldest", 0, 0, False),
    ],
)
def test_the_only_segment_is_never_dropped(on_full: OnFull, segments: int, sealed: int, may: bool) -> None:
    assert policy.may_drop(on_full, segments, sealed) is may
