"""Texts, flags, true and false on their way back."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from gateway.mapping import raw_texts
from gateway.mapping.refused import OutOfBounds, Refused, Unfit, Wanted
from gateway.mapping.spec import PointSpec, Write
from gateway.model import Value
from gateway.values import ValueType
from tests.gateway.mapping.test_steps import spec

MODES = {0: "off", 1: "slow", 2: "fast", 5: "off"}
ALARMS = {0: "overload", 3: "door_open", 15: "emergency"}


def refusal(call: Any, *arguments: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        call(*arguments)
    return caught.value


@pytest.mark.parametrize(
    ("type_", "enum", "wanted", "raw"),
    [
        ("uint16", MODES, "fast", 2),
        ("uint16", MODES, 2, 2),
        ("uint16", MODES, 0, 0),
        ("float32", MODES, "fast", 2.0),
        ("bool", {0: "closed", 1: "open"}, "open", True),
        ("bool", {0: "closed", 1: "open"}, False, False),
        ("int16", {-1: "reverse"}, "reverse", -1),
    ],
)
def test_a_text_and_its_code(type_: ValueType, enum: dict[int, str], wanted: Wanted, raw: Value) -> None:
    made = raw_texts.code(spec(type_, enum=enum), Write(), wanted)
    assert (made, type(made)) == (raw, type(raw))


@pytest.mark.parametrize(
    ("write", "wanted", "kind", "text", "hint"),
    [
        (Write(), "fats", Unfit, 'p: "fats" is no text of its enum', 'did you mean "fast"?'),
        (Write(), 7, Unfit, "p: 7 is no text of its enum", "there are: off, slow, fast"),
        (Write(), "off", Unfit, 'p: "off" stands for 0 and 5', "write the number that is meant"),
        (Write(values=("slow",)), "fast", OutOfBounds, 'p: write: does not allow "fast"', "allowed: slow"),
        (Write(values=("slow",)), 2, OutOfBounds, 'p: write: does not allow "fast"', "allowed: slow"),
        (Write(Fraction(0), Fraction(1)), "fast", OutOfBounds, "p: 2 is outside of what write: allows: 0 to 1", ""),
    ],
)
def test_a_text_that_is_none_or_is_not_allowed(
    write: Write, wanted: Wanted, kind: type[Refused], text: str, hint: str
) -> None:
    told = refusal(raw_texts.code, spec(enum=MODES), write, wanted)
    assert (type(told), str(told), told.hint) == (kind, text, hint)


def test_a_code_that_the_type_cannot_hold_is_refused() -> None:
    assert str(refusal(raw_texts.code, spec("int16", enum={65535: "all"}), Write(), "all")) == (
        "p: its raw value 65535 does not fit: -32768 to 32767"
    )


@pytest.mark.parametrize(
    ("type_", "wanted", "raw"),
    [
        ("uint16", (), 0),
        ("uint16", ("door_open", "overload"), 9),
        ("uint16", ["overload"], 1),
        ("uint16", "overload", 1),
        ("uint16", ("emergency",), 0x8000),
        ("int16", ("emergency", "overload"), -32767),
        ("int32", ("emergency",), 0x8000),
    ],
)
def test_flags_are_the_bits_of_their_names(type_: ValueType, wanted: Wanted, raw: int) -> None:
    assert raw_texts.bits(spec(type_, flags=ALARMS), wanted) == raw


@pytest.mark.parametrize(
    ("wanted", "text", "hint"),
    [
        (("overlaod",), 'p: "overlaod" is none of its flags', 'did you mean "overload"?'),
        (("bit_5",), 'p: "bit_5" is none of its flags', "there are: overload, door_open, emergency"),
        (7, "p: 7 is no list of flags", "write their names, or none"),
    ],
)
def test_a_flag_that_is_none(wanted: Wanted, text: str, hint: str) -> None:
    told = refusal(raw_texts.bits, spec(flags=ALARMS), wanted)
    assert (str(told), told.hint) == (text, hint)


def test_a_flag_that_is_two_bits_is_not_guessed() -> None:
    assert str(refusal(raw_texts.bits, spec(flags={0: "on", 1: "on"}), ("on",))) == 'p: "on" is several bits'


def test_true_and_false() -> None:
    assert [raw_texts.truth(spec("bool"), wanted) for wanted in (True, False, 1, 0)] == [True, False, True, False]
    told = refusal(raw_texts.truth, spec("bool"), "yes")
    assert (str(told), told.hint) == ('p: "yes" is neither true nor false', "write true or false")


@pytest.mark.parametrize(
    ("type_", "wanted", "raw"),
    [
        ("string", "PUMP-1", "PUMP-1"),
        ("bytes", "0a1b", b"\x0a\x1b"),
        ("datetime", "2026-11-25 07:33:17", "2026-11-25T07:33:17"),
        ("hhmm", "06:30", "06:30"),
        ("version", "1.2.3.4", "1.2.3.4"),
    ],
)
def test_texts_of_every_type(type_: ValueType, wanted: str, raw: Value) -> None:
    assert raw_texts.text(spec(type_), wanted) == raw


@pytest.mark.parametrize(
    ("subject", "wanted", "text"),
    [
        (spec("string"), 7, "p: 7 is no text"),
        (spec("string"), "PUMP ", 'p: "PUMP " would be read without the spaces at its ends'),
        (spec("bytes"), "0x1", 'p: "0x1" is not hexadecimal'),
        (spec("datetime"), "tomorrow", 'p: "tomorrow" is no date and time'),
    ],
)
def test_a_text_that_the_type_cannot_be(subject: PointSpec, wanted: Wanted, text: str) -> None:
    assert str(refusal(raw_texts.text, subject, wanted)) == text
