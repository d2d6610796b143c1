"""A chain of lines shows where one was changed, removed, added or moved."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import chain
from gateway.chain import START, Broken, Check, Link


def made(count: int) -> tuple[list[bytes], Link]:
    last, lines = START, []
    for number in range(count):
        text, last = chain.line(last, {"a": number})
        lines.append(text.removesuffix(b"\n"))
    return lines, last


def judged(lines: list[bytes], head: Link | None, *, whole: bool = True) -> str:
    """What is wrong; empty where nothing is."""
    check = Check(whole=whole)
    try:
        for number, text in enumerate(lines, 1):
            check.take(text, f"f:{number}")
        check.finish(head)
    except Broken as broken:
        return str(broken)
    return ""


def test_a_line_is_json_with_its_number_and_the_sha256_of_the_one_before() -> None:
    (first, second), last = made(2)
    assert json.loads(first) == {"n": 1, "a": 0, "before": "0" * 64}
    assert json.loads(second) == {"n": 2, "a": 1, "before": hashlib.sha256(first).hexdigest()}
    assert last == Link(2, hashlib.sha256(second).hexdigest())


def test_a_text_cannot_make_a_line_of_its_own() -> None:
    text, _ = chain.line(START, {"a": 'x\n{"n":2}\u2028"'})
    assert text.count(b"\n") == 1
    assert text.isascii()


def test_what_is_whole_is_right() -> None:
    lines, head = made(5)
    assert judged(lines, head) == ""
    assert judged([], None) == ""
    assert judged(lines[2:], head, whole=False) == ""
    assert judged(lines, Link(4, chain.digest(lines[3]))) == "", "a power cut before the end was noted"
    assert judged(lines[:1], None) == "", "a power cut after the very first line"


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (lambda five: [five[0].replace(b":0,", b":9,"), *five[1:]], "f:1: line 1 is not as it was written"),
        (lambda five: [*five[:2], five[2].replace(b":2,", b":7,"), *five[3:]], "f:3: line 3 is not as it was written"),
        (lambda five: [*five[:4], five[4].replace(b":4,", b":7,")], "f:5: line 5 is not as it was written"),
        (lambda five: five[1:], "line 1 is missing before f:1"),
        (lambda five: [five[0], *five[3:]], "lines 2 to 3 are missing before f:2"),
        (lambda five: five[:-1], "line 5 is missing at the end"),
        (lambda five: five[:1], "lines 2 to 5 are missing at the end"),
        (lambda five: [], "lines 1 to 5 are missing at the end"),
        (lambda five: [*five[:2], five[1], *five[2:]], "f:3: line 2 stands where line 3 should"),
        (lambda five: [five[1], five[0], *five[2:]], "line 1 is missing before f:1"),
        (lambda five: [*five[:2], b"{}", *five[3:]], "f:3: line 3 should stand here, and this is no line"),
        (lambda five: [*five[:4], b"x"], "f:5: line 5 should stand here, and this is no line"),
        (lambda five: [five[0].replace(b"0000", b"0001"), *five[1:]], "f:1: line 1 names a line before it"),
    ],
)
def test_the_first_wrong_line_is_named(change: object, wrong: str) -> None:
    lines, head = made(5)
    assert callable(change)
    assert judged(change(lines), head).startswith(wrong)


def test_without_a_note_of_the_end_nobody_knows_it() -> None:
    lines, _ = made(3)
    assert "lines may be missing at the end" in judged(lines, None)


def test_a_line_that_a_power_cut_broke_off_is_passed_over() -> None:
    lines, head = made(3)
    assert judged([*lines[:2], b'{"n":3,"a"', lines[2]], head) == ""


@pytest.mark.parametrize("text", [b"[" * 60_000, b"\xff", b"3", b'{"n":true,"before":""}', b'{"n":1}', b"9" * 5000])
def test_what_is_no_line_is_passed_over(text: bytes) -> None:
    lines, head = made(3)
    assert chain.read(text) is None
    assert judged([lines[0], text, *lines[1:]], head) == ""


@given(st.data())
def test_no_change_of_one_byte_goes_unseen(data: st.DataObject) -> None:
    lines, head = made(4)
    which = data.draw(st.integers(0, 3))
    at = data.draw(st.integers(0, len(lines[which]) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda one: one not in (lines[which][at], 10)))
    lines[which] = lines[which][:at] + bytes([byte]) + lines[which][at + 1 :]
    assert judged(lines, head) != ""
