"""One entry becomes many points: numbers in names and addresses, and none of it without end."""

from __future__ import annotations

import time

import pytest

from gateway.mapping.diagnostics import Report
from gateway.mapping.load import SPOILED, Block
from gateway.mapping.repeat import MOST, expanded, names_of
from tests.gateway.mapping.plants import block


def points(text: str, *steps: str) -> tuple[dict[str, object], list[str]]:
    report = Report()
    found = expanded(block(text, report), steps or ("at",), report)
    assert found.complete == (report.errors == 0 or {one.code for one in report.sorted()} == {"R08"})
    return dict(found.points), [f"{one.line}:{one.column} {one.code} {one.text}" for one in report.sorted()]


def ats(text: str, *steps: str) -> dict[str, object]:
    found, said = points(text, *steps)
    assert said == []
    return {name: point["at"] if isinstance(point, Block) else point for name, point in found.items()}


def test_step_moves_the_address() -> None:
    assert ats("cell_{i}: {at: 100, repeat: {i: 1..4, step: 2}}\n") == {
        "cell_1": "100",
        "cell_2": "102",
        "cell_3": "104",
        "cell_4": "106",
    }


def test_numbers_may_begin_anywhere_and_step_counts_from_the_first() -> None:
    assert ats("c{i}: {at: 0x10, repeat: {i: 5..6, step: 3}}\n") == {"c5": "16", "c6": "19"}
    assert ats("c{i + 2}: {at: 9, repeat: {i: -1..0, step: -1}}\n") == {"c1": "9", "c2": "8"}


def test_arithmetic_in_braces() -> None:
    assert ats('c{i}: {at: "{100 + 10 * i}", repeat: {i: 1..2}}\n') == {"c1": "110", "c2": "120"}
    assert ats('c{i}: {at: "{round(i / 2)}", repeat: {i: 2..4}}\n') == {"c2": "1", "c3": "2", "c4": "2"}


def test_two_letters_give_each_pair_and_step_goes_on_from_one_to_the_next() -> None:
    found = ats("rack{r}_cell{c}: {at: 100, repeat: {r: 1..2, c: 1..3, step: 2}}\n")
    assert list(found) == [f"rack{r}_cell{c}" for r in (1, 2) for c in (1, 2, 3)]
    assert list(found.values()) == ["100", "102", "104", "106", "108", "110"]


def test_two_letters_in_a_formula() -> None:
    found = ats('r{r}c{c}: {at: "{100 * r + 2 * c}", repeat: {r: 1..2, c: 0..1}}\n')
    assert found == {"r1c0": "100", "r1c1": "102", "r2c0": "200", "r2c1": "202"}


def test_a_manuals_number_keeps_its_zeros() -> None:
    assert ats('c{i}: {at: "00001", repeat: {i: 1..2, step: 9}}\n') == {"c1": "00001", "c2": "00010"}


def test_lists_of_addresses_are_moved_too() -> None:
    found, said = points("c{i}: {registers: [5, 9], repeat: {i: 1..2, step: 2}}\n", "at", "registers")
    assert said == []
    assert [point["registers"] for point in found.values() if isinstance(point, Block)] == [["5", "9"], ["7", "11"]]


def test_braces_are_filled_in_every_text_of_the_entry() -> None:
    found, _ = points('c{i}: {node: "m;s=Cell[{i}].V", enum: {0: "off {i}"}, list: ["{i}", x], repeat: {i: 7..7}}\n')
    assert found == {"c7": {"node": "m;s=Cell[7].V", "enum": {"0": "off 7"}, "list": ["7", "x"]}}


def test_places_are_those_of_the_entry() -> None:
    report = Report()
    found = expanded(block("a: {at: 1}\nc{i}: {at: 1, repeat: {i: 1..2, step: 1}}\n", report), ("at",), report)
    assert {place.line for name, place in found.points.keys_at.items() if name != "a"} == {2}
    assert found.written == {"c1": "c{i}", "c2": "c{i}"}


def test_without_repeat_nothing_is_copied() -> None:
    report = Report()
    root = block("a: {at: 1}\nb:\n", report)
    assert expanded(root, ("at",), report).points is root


def test_what_was_complained_about_is_not_told_again() -> None:
    report = Report()
    root = block("c{i}: {at: 1, repeat: *x}\nd{i}: {at: 1, repeat: {i: *y}}\n", report)
    found = expanded(root, ("at",), report)
    assert not found.complete
    assert [one.code for one in report.sorted()] == ["Y05"]


def test_an_entry_that_is_no_block_is_left_to_the_reader() -> None:
    report = Report()
    root = block("a: 5\nb: *x\nc{i}: {at: 1, repeat: {i: 1..2, step: 1}}\n", report)
    assert dict(expanded(root, ("at",), report).points) == {
        "a": "5",
        "b": SPOILED,
        "c1": {"at": "1"},
        "c2": {"at": "2"},
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('c{i}: {at: "{i / 0}", repeat: {i: 1..2}}', "1:18 X01 division by zero"),
        ('c{i}: {at: "{1 / (i - 1)}", repeat: {i: 1..2}}', "1:14 X01 {1 / (i - 1)} does not come to a whole number"),
        ('c{i}: {at: "{i > 1}", repeat: {i: 1..2}}', "1:14 X01 {i > 1} does not come to a whole number"),
        ('c{i}: {at: "{}", repeat: {i: 1..2}}', "1:14 X01 the formula is empty"),
        ("c{i}: {at: 1, repeat: {i: 1..2, step: x}}", '1:39 M04 "step" must be a whole number, but it is "x"'),
        ("c{i}: {at: 1, repeat: {i: }}", '1:24 R13 "i" has no numbers to repeat for'),
        ("c{ii}: {at: 1, repeat: {ii: 1..2}}", '1:25 M01 unknown setting "ii"'),
        ("c{i}: {at: 1, repeat: {i: 1..2, j: 1..2, step: 1}}", '1:1 R13 {j} must stand in the name "c{i}", or all are'),
        ("c{i % 2}: {at: 1, repeat: {i: 1..3, step: 1}}", '1:1 R08 "c1" is already a point (line 1)'),
    ],
)
def test_what_cannot_be_written_out_is_told(text: str, said: str) -> None:
    found = points(f"{text}\n")[1]
    assert len(found) == 1
    assert found[0].startswith(said)


def test_a_profile_has_a_bounded_number_of_points() -> None:
    plain = "".join(f"p{n}: {{at: {n}}}\n" for n in range(MOST + 5))
    found, said = points(plain)
    assert len(found) == MOST
    assert [one.split()[1] for one in said] == ["R13"]


@pytest.mark.parametrize(
    "text",
    [
        "c{i}{j}: {at: 1, repeat: {i: 1..999999, j: 1..999999}}",
        f'c{{i}}: {{at: 1, note: "{{i}}{"x" * 100_000}", repeat: {{i: 1..9999, step: 1}}}}',
        f'c{{i}}: {{at: 1, note: "{"{i}" * 50_000}", repeat: {{i: 1..9999, step: 1}}}}',
        f"c{{i}}: {{at: 1, enum: {{{', '.join(f'{n}: a' for n in range(20_000))}}}, repeat: {{i: 1..9999, step: 1}}}}",
        f'c{{i}}: {{at: "{"9" * 6000}", repeat: {{i: 1..2, step: 1}}}}',
    ],
)
def test_a_short_text_cannot_take_long_or_much(text: str) -> None:
    before = time.process_time()
    points(f"{text}\n")
    assert time.process_time() - before < 5


def test_names_are_known_without_being_told_what_is_wrong() -> None:
    root = block("a: {at: 1}\nc{i}: {at: 1, repeat: {i: 1..3}}\nd: {repeat: {i: 1..2}}\ne{i}: {repeat: 5}\n", Report())
    assert names_of(root) == {"c1", "c2", "c3"}
