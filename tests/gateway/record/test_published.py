"""What was corrected already: the same points of the same time."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.record.published import LONGEST, Correction, Unusable, ledger


def correction(first: int, last: int, *points: str, device: str = "press-7") -> Correction:
    return Correction(device, list(points), first, last, "2026-11-30T10:15:00.000Z")


def test_what_was_published_is_known_to_the_next_command(tmp_path: Path) -> None:
    with ledger(tmp_path) as known:
        made = correction(10, 20, "power", "load")
        known.add(made)
        made.messages, made.whole = 11, True
        known.write()
    with ledger(tmp_path) as known:
        assert known.before("press-7", ["power"], 20, 30) == [made]


@pytest.mark.parametrize(
    ("device", "points", "first", "last"),
    [("press-8", ["power"], 10, 20), ("press-7", ["voltage"], 10, 20), ("press-7", ["power"], 21, 30)],
)
def test_other_devices_points_and_times_are_none_of_it(
    tmp_path: Path, device: str, points: list[str], first: int, last: int
) -> None:
    with ledger(tmp_path) as known:
        known.add(correction(10, 20, "power", "load"))
        assert known.before(device, points, first, last) == []


def test_one_that_was_killed_is_known_as_broken_off(tmp_path: Path) -> None:
    with ledger(tmp_path) as known:
        known.add(correction(10, 20, "power"))
    with ledger(tmp_path) as known:
        assert [one.whole for one in known.corrections] == [False]
        known.remove(known.corrections[0])
    with ledger(tmp_path) as known:
        assert known.corrections == []


def test_two_commands_do_not_publish_at_once(tmp_path: Path) -> None:
    with ledger(tmp_path), pytest.raises(Unusable, match="just now"), ledger(tmp_path):
        pass
    with ledger(tmp_path):
        pass


def test_a_ledger_that_cannot_be_read_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "published.json").write_text("[{")
    with pytest.raises(Unusable, match="is damaged, it says"), ledger(tmp_path):
        pass


def test_it_does_not_grow_for_ever(tmp_path: Path) -> None:
    with ledger(tmp_path) as known:
        known.corrections = [correction(n, n, "power") for n in range(LONGEST)]
        known.add(correction(LONGEST, LONGEST, "power"))
        assert (len(known.corrections), known.corrections[0].first_ns) == (LONGEST, 1)
