"""What to ask for round registers that are not there, on devices made of a few lines; and how it is shown."""

from __future__ import annotations

from collections.abc import Callable, Collection

import pytest

from adapters.modbus.dump import FORBIDDEN, Page, Piece, Search, blocks
from adapters.modbus.visit import Heard, Miss
from gateway.adapter import TIMEOUT, Quality, Status

ILLEGAL = Status(Quality.BAD, "exception 2: illegal data address", 2)
TOO_LONG = Status(Quality.BAD, "exception 3: illegal data value", 3)


def memory(held: Collection[int], longest: int = 125, refusal: Status = ILLEGAL) -> Callable[[range], Heard]:
    """A device with these registers, each holding its address; a longer read is exception 3."""

    def answer(here: range) -> Heard:
        if len(here) > longest:
            return Miss("refused", TOO_LONG)
        if not set(here) <= set(held):
            return Miss("refused", refusal)
        return b"".join(at.to_bytes(2, "big") for at in here)

    return answer


def run(search: Search, answer: Callable[[range], Heard]) -> tuple[list[Piece], list[range]]:
    """What was found, by address, and what was asked for."""
    found: list[Piece] = []
    asked: list[range] = []
    while (here := search.next()) is not None:
        asked.append(here)
        search.tell(answer(here))
        found += search.take()
    return found + search.take(), asked


def holds(pieces: list[Piece]) -> dict[int, int]:
    return {
        at: int.from_bytes(piece.data[2 * place : 2 * place + 2], "big")
        for piece in pieces
        for place, at in enumerate(piece.here)
        if piece.data
    }


def test_what_is_there_whole_takes_the_fewest_requests() -> None:
    search = Search(range(300), 125)
    found, asked = run(search, memory(range(300)))
    assert asked == [range(125), range(125, 250), range(250, 300)]
    assert holds(found) == {at: at for at in range(300)}
    assert search.known == 300


@pytest.mark.parametrize(
    "held",
    [
        range(10, 50),
        [*range(37), *range(38, 125)],
        [*range(5), 60, *range(90, 300)],
        range(0, 300, 10),
        [],
    ],
    ids=["an island", "one missing", "three islands", "every tenth", "nothing"],
)
def test_every_register_that_is_there_is_found_and_no_other(held: Collection[int]) -> None:
    found, _ = run(Search(range(300), 125), memory(held))
    assert holds(found) == {at: at for at in held}
    covered = [at for piece in found for at in piece.here]
    assert covered == list(range(300))
    assert {piece.status for piece in found if not piece.data} <= {ILLEGAL}


def test_one_bad_register_among_125_costs_a_bisection() -> None:
    _, asked = run(Search(range(125), 125), memory([*range(37), *range(38, 125)]))
    assert len(asked) <= 15


def test_neighbours_can_be_given_up_together() -> None:
    found, asked = run(Search(range(125), 125, finest=16), memory([]))
    assert not holds(found)
    assert len(asked) == 15
    assert min(len(here) for here in asked) >= 15


def test_a_device_with_a_shorter_longest_read_is_found_out_once() -> None:
    search = Search(range(1000), 125)
    found, asked = run(search, memory(range(1000), longest=64))
    assert len(holds(found)) == 1000
    assert search.longest == 63
    assert sum(len(here) > 64 for here in asked) == 1


def test_a_boundary_that_no_read_may_cross_makes_not_every_read_short() -> None:
    def answer(here: range) -> Heard:
        if here.start < 40 < here.stop:
            return Miss("refused", ILLEGAL)
        return bytes(2 * len(here))

    search = Search(range(500), 125)
    found, asked = run(search, answer)
    assert sum(len(piece.here) for piece in found if piece.data) == 500
    assert search.longest >= 32
    assert len(asked) < 30


def test_what_is_forbidden_is_never_asked_for() -> None:
    found, asked = run(Search(range(10, 60), 125, [(0, 12), (30, 39), (35, 41), (59, 80)]), memory(range(100)))
    assert asked == [range(13, 30), range(42, 59)]
    assert [piece.here for piece in found if piece.status is FORBIDDEN] == [
        range(10, 13),
        range(30, 40),
        range(40, 42),
        range(59, 60),
    ]
    assert Search(range(5), 125, [(0, 9)]).next() is None


@pytest.mark.parametrize("status", [TIMEOUT, Status(Quality.BAD, "exception 1: illegal function", 1)])
def test_what_says_nothing_of_addresses_is_not_split(status: Status) -> None:
    _, asked = run(Search(range(125), 125), lambda here: Miss("silent", status))
    assert asked == [range(125)]


def words(*values: int) -> bytes:
    return b"".join(value.to_bytes(2, "big") for value in values)


def test_registers_are_shown_four_in_a_row_cut_at_multiples() -> None:
    page = Page("holding")
    assert page.add(Piece(range(2, 7), words(0x4366, 0x3333, 1, 65535, 0x504D))) == [
        {"at": 2, "count": 2, "hex": "4366 3333", "decimal": [17254, 13107], "ascii": "Cf33"}
    ]
    # The row goes on with the next block.
    assert page.add(Piece(range(7, 8), words(0x2031))) == []
    assert page.end() == [
        {"at": 4, "count": 4, "hex": "0001 ffff 504d 2031", "decimal": [1, 65535, 20557, 8241], "ascii": "....PM 1"}
    ]


def test_neighbours_that_are_missing_for_one_reason_are_one_row() -> None:
    page = Page("input")
    assert page.add(Piece(range(1), words(7)))[:] == []
    assert page.add(Piece(range(1, 2), b"", ILLEGAL)) == [
        {"at": 0, "count": 1, "hex": "0007", "decimal": [7], "ascii": ".."}
    ]
    assert page.add(Piece(range(2, 9), b"", ILLEGAL)) == []
    assert page.add(Piece(range(9, 10), b"", TIMEOUT)) == [
        {"at": 1, "count": 8, "missing": "exception 2: illegal data address"}
    ]
    assert page.add(Piece(range(10, 11), words(8))) == [{"at": 9, "count": 1, "missing": "timeout"}]
    assert page.end() == [{"at": 10, "count": 1, "hex": "0008", "decimal": [8], "ascii": ".."}]


def test_bits_are_shown_sixteen_in_a_row() -> None:
    # The answer of the standard's example for function 1: coils 20 to 38 (V1.1b3, section 6.1).
    page = Page("coil")
    shown = page.add(Piece(range(19, 38), bytes.fromhex("cd 6b 05"))) + page.end()
    assert shown == [
        {"at": 19, "count": 13, "decimal": [1, 0, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 0]},
        {"at": 32, "count": 6, "decimal": [1, 1, 0, 1, 0, 1]},
    ]


def test_what_is_kept_is_named_as_recordings_name_it() -> None:
    pieces = [
        Piece(range(2), words(1, 2)),
        Piece(range(2, 3), b"", ILLEGAL),
        Piece(range(3, 5), b"", ILLEGAL),
        Piece(range(7, 9), b"", ILLEGAL),
    ]
    kept = blocks("press-7", "holding", pieces, 5)
    assert [(block.device, block.key, block.data, block.status.code) for block in kept] == [
        ("press-7", "holding 0..1", words(1, 2), None),
        ("press-7", "holding 2..4", b"", 2),
        ("press-7", "holding 7..8", b"", 2),
    ]
