from __future__ import annotations

import pytest

from gateway.buffer import policy
from gateway.buffer.policy import sizes
from gateway.buffer.port import OnFull
from gateway.model import Priority

MB = 1024 * 1024
A, T, B = Priority


@pytest.mark.parametrize(
    ("quota", "segment", "ballast", "reserve"),
    [
        (1 * MB, 64 * 1024, 64 * 1024, 104_857),
        (16 * MB, 1 * MB, 1 * MB, 1_677_721),
        (64 * MB, 4 * MB, 1 * MB, 6_710_886),
        (256 * MB, 16 * MB, 1 * MB, 26_843_545),
        (100_000 * MB, 16 * MB, 1 * MB, 10_485_760_000),
    ],
)
def test_sizes_follow_from_the_quota(quota: int, segment: int, ballast: int, reserve: int) -> None:
    assert sizes(quota) == (quota, segment, ballast, reserve)


def test_a_quota_that_is_too_small_is_refused_with_the_least() -> None:
    with pytest.raises(ValueError, match=r"1048575 bytes is too small.*at least 1048576"):
        sizes(MB - 1)


@pytest.mark.parametrize(
    ("stored", "page_size", "growth"),
    [(0, 512, 2680), (507, 512, 2680), (508, 512, 3216), (100_000, 512, 107_736), (100_000, 2048, 10_360 + 48 * 2072)],
)
def test_a_log_grows_by_whole_pages(stored: int, page_size: int, growth: int) -> None:
    assert policy.growth(stored, page_size) == growth


@pytest.mark.parametrize(("frame_bytes", "page_size"), [(100, 512), (32_767, 512), (32_768, 2048), (1_000_000, 2048)])
def test_large_frames_get_large_pages(frame_bytes: int, page_size: int) -> None:
    assert policy.page_size(frame_bytes) == page_size


@pytest.mark.parametrize(
    ("used", "priority", "refusing", "fits"),
    [
        (15 * MB, A, False, True),
        (15 * MB + 1, A, False, False),
        (15 * MB, A, True, False),
        (14 * MB, A, True, True),
        (15 * MB - 1_677_721, T, False, True),
        (15 * MB - 1_677_720, T, False, False),
        (14 * MB - 1_677_720, B, True, False),
    ],
)
def test_a_tenth_is_for_alarms_and_after_a_refusal_a_segment_must_be_free(
    used: int, priority: Priority, refusing: bool, fits: bool
) -> None:
    assert policy.fits(sizes(16 * MB), used, MB, priority, refusing=refusing) is fits


def test_dropping_has_ended_when_two_segments_are_free_beside_the_reserve() -> None:
    assert policy.relieved(sizes(16 * MB), 14 * MB - 1_677_721)
    assert not policy.relieved(sizes(16 * MB), 14 * MB - 1_677_720)


@pytest.mark.parametrize(
    ("quota", "free", "has_room"),
    [(64 * MB, 2 * MB, True), (64 * MB, 1 * MB + 100_000, False), (1 * MB, 231_072, True), (1 * MB, 231_071, False)],
)
def test_a_disk_that_was_full_must_hold_the_ballast_and_more(quota: int, free: int, has_room: bool) -> None:
    assert policy.disk_has_room(sizes(quota), free, coming=100_000) is has_room


@pytest.mark.parametrize(
    ("on_full", "coming", "givers"),
    [
        ({}, A, []),
        ({A: "refuse", T: "thin", B: "drop-oldest"}, A, [B, T]),
        ({A: "refuse", T: "thin", B: "drop-oldest"}, T, [B, T]),
        ({A: "refuse", T: "thin", B: "drop-oldest"}, B, [B]),
        ({A: "drop-oldest", T: "refuse", B: "refuse"}, T, []),
        ({A: "drop-oldest", T: "refuse", B: "refuse"}, A, [A]),
    ],
)
def test_the_least_important_gives_first_and_never_for_what_counts_less(
    on_full: dict[Priority, OnFull], coming: Priority, givers: list[Priority]
) -> None:
    assert policy.givers(on_full, coming) == givers


@pytest.mark.parametrize(
    ("segments", "index"),
    [
        ([], None),
        ([(16, 0)], 0),
        ([(16, 2)], None),
        ([(16, 0)] * 4, 0),
        ([(4, 1), (16, 0), (16, 0), (16, 0)], 1),
        ([(16, 1), (16, 1), (16, 0), (16, 0)], 2),
        ([(16, 1), (16, 1), (15, 0), (16, 0), (16, 0)], 2),
        ([(16, 1), (16, 1), (16, 1), (16, 0)], 0),
        ([(1, 2), (16, 1), (16, 1), (16, 0), (16, 0)], 1),
        ([(16, 2), (16, 2), (16, 2), (16, 0)], None),
    ],
)
def test_what_is_old_gets_coarse_before_what_is_new(segments: list[tuple[int, int]], index: int | None) -> None:
    assert policy.to_thin(segments) == index


def test_small_commits_are_worth_packing_and_large_frames_are_not() -> None:
    assert policy.worth_packing(16 * MB, policy.packed(8 * MB, 16 * MB, 0.25))
    assert not policy.worth_packing(16 * MB, policy.packed(64 * MB, 16 * MB, 0.25))
    assert not policy.worth_packing(10_000, policy.packed(100, 10_000, 0.25)), "a file takes some pages"


def test_a_segment_spans_a_twentieth_of_a_lifetime() -> None:
    assert policy.span_limit_s(86_400.0) == 4320.0
    assert policy.span_limit_s(None) is None


def test_many_small_files_are_put_together() -> None:
    assert policy.is_crumb(1 * MB, 16 * MB)
    assert not policy.is_crumb(1 * MB + 1, 16 * MB)
    assert policy.are_crumbs([1 * MB] * 16, 16 * MB)
    assert not policy.are_crumbs([1 * MB] * 15, 16 * MB)
    assert not policy.are_crumbs([1 * MB] * 17, 16 * MB)
