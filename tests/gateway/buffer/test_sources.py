"""What is read of a damaged segment: all that is right in it, and how many frames there must have been."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.buffer import wal
from gateway.buffer.segments import Facts
from gateway.buffer.sources import Bad, Source, Whole, frames, is_sound
from gateway.model import Priority
from tests.gateway.buffer.test_rewriting import frame, sealed, source

T = Priority.TELEMETRY
COUNT = 12


@pytest.fixture(params=[512, 2048])
async def written(tmp_path: Path, request: pytest.FixtureRequest) -> Source:
    """Frames 1 to 12, each of one commit of its own and of several pages."""
    made = [frame(number, ("a", number, number), size=3000) for number in range(1, 13)]
    return source(await sealed(tmp_path, *made, page_size=request.param))


def spoil(of: Source, *pages: int, header: bool = False) -> None:
    """Wrong bytes in these pages of the log, counted from its end."""
    path = Path(f"{of.path}-wal")
    log = bytearray(path.read_bytes())
    found = wal.examine(bytes(log), 512, begun_anew=False).pages
    for page in pages:
        start = found[page].offset - (24 if header else 0)
        log[start + 8 : start + 500] = bytes(492)
    path.write_bytes(log)


def read(of: Source) -> tuple[list[int], list[int]]:
    """Numbers of the frames that are right, and of those that are not."""
    found = list(frames(of, T, salvage=True))
    right = [one.head.number for one in found if isinstance(one, Whole)]
    return right, [one.number for one in found if isinstance(one, Bad)]


def test_of_a_whole_segment_all_is_right(written: Source) -> None:
    assert read(written) == (list(range(1, COUNT + 1)), [])
    assert is_sound(written)


def test_a_log_whose_own_head_is_wrong_hides_nothing(written: Source) -> None:
    path = Path(f"{written.path}-wal")
    for place in range(0, 32, 4):
        log = bytearray(path.read_bytes())
        log[place] ^= 0x40
        path.write_bytes(log)
        assert read(written._replace(known=False)) == (list(range(1, COUNT + 1)), [])
        assert not is_sound(written)


@pytest.mark.parametrize("known", [True, False])
def test_a_wrong_root_of_the_tree_hides_nothing_that_was_there_before(written: Source, known: bool) -> None:
    log = Path(f"{written.path}-wal").read_bytes()
    pages = wal.examine(log, 512, begun_anew=False).pages
    root = max(index for index, page in enumerate(pages) if page.number == 2)
    before = sum(page.commits for page in pages[:root])
    spoil(written, root)
    right, wrong = read(written._replace(known=known))
    assert sorted(right + wrong) == list(range(1, COUNT + 1))
    assert set(range(1, before + 1)) <= set(right)
    assert before >= COUNT - 2
    assert not is_sound(written)


def test_a_last_commit_of_which_hardly_a_page_is_right_is_counted_where_the_power_did_not_go(written: Source) -> None:
    spoil(written, -1, -2, -3, header=True)
    unknown = written._replace(known=False, facts=Facts(last=0))
    assert read(unknown) == (list(range(1, COUNT)), [COUNT])
    assert read(unknown._replace(whole=False)) == (list(range(1, COUNT)), [])
    accepted = unknown._replace(facts=Facts(last=COUNT + 1))
    assert read(accepted) == (list(range(1, COUNT)), [COUNT, COUNT + 1]), "as others have it"


def test_a_wrong_page_costs_its_own_frame_and_all_others_are_known_to_be_there(written: Source) -> None:
    log = Path(f"{written.path}-wal").read_bytes()
    for page in range(len(wal.examine(log, 512, begun_anew=False).pages)):
        Path(f"{written.path}-wal").write_bytes(log)
        spoil(written, page)
        right, wrong = read(written)
        assert sorted(right + wrong) == list(range(1, COUNT + 1)), page
        assert len(wrong) <= 2, "where it is the root, what it alone points to"
