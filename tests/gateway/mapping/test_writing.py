"""A value for people becomes the raw value that is published as it, or is refused with a sentence."""

from __future__ import annotations

import struct
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mapping.nearest import LARGEST
from gateway.mapping.raw import is_real, limits, meaning, type_of
from gateway.mapping.refused import Denied, OutOfBounds, Refused, TooSoon, Unfit, Wanted
from gateway.mapping.spec import PointSpec, Write
from gateway.mapping.steps import POWERS
from gateway.mapping.writing import Setpoint, agrees, encode, paced, read
from gateway.model import GOOD, Value
from gateway.values import TEXTS, ValueType
from tests.gateway.mapping.test_steps import single, spec
from tests.mappings.bundled import profiles

FREE = Write()
NOON_S = 1795608000.0
"""2026-11-25."""


def refusal(subject: PointSpec, wanted: Wanted, power: int | None = 0) -> Refused:
    with pytest.raises(Refused) as caught:
        encode(subject, wanted, power)
    return caught.value


def test_nothing_is_written_without_write() -> None:
    told = refusal(spec(), 7)
    assert isinstance(told, Denied)
    assert str(told) == "p: it cannot be written: its mapping has no write:"


@pytest.mark.parametrize(
    ("subject", "wanted", "setpoint"),
    [
        (spec(scale=Fraction(1, 10), write=FREE), Decimal("21.5"), Setpoint(215, 21.5)),
        (spec("float32", single=True, write=FREE), 230.2, Setpoint(single(230.2), single(230.2))),
        (spec(enum={0: "off", 1: "on"}, write=FREE), "on", Setpoint(1, "on")),
        (spec(enum={0: "off", 1: "on"}, write=FREE), 1, Setpoint(1, "on")),
        (spec(flags={0: "a", 3: "b"}, write=FREE), ("b", "a"), Setpoint(9, ("a", "b"))),
        (spec("bool", write=FREE), True, Setpoint(True, True)),
        (spec("bytes", write=FREE), "0A1b", Setpoint(b"\x0a\x1b", "0a1b")),
        (spec("string", write=FREE), "PUMP", Setpoint("PUMP", "PUMP")),
        (spec(None, write=FREE), "PUMP", Setpoint("PUMP", "PUMP")),
        (spec(None, write=FREE), True, Setpoint(True, True)),
    ],
)
def test_what_is_written_and_how_it_will_be_published(subject: PointSpec, wanted: Wanted, setpoint: Setpoint) -> None:
    assert encode(subject, wanted) == setpoint


def test_what_means_no_value_is_not_written() -> None:
    told = refusal(spec(nan=frozenset((0x8000,)), write=FREE), 32768)
    assert isinstance(told, Unfit)
    assert str(told) == "p: 32768 is no value (nan 0x8000), says its mapping"


def test_what_the_mapping_calls_impossible_is_not_written() -> None:
    told = refusal(spec(range=(0.0, 100.0), write=FREE), 101)
    assert isinstance(told, OutOfBounds)
    assert str(told) == "p: 101 is outside range 0..100, says its mapping"


def test_bounds_count_for_values_whose_type_only_the_device_knows() -> None:
    assert isinstance(refusal(spec(None, write=Write(Fraction(0), Fraction(10))), "lots"), Unfit)
    assert isinstance(refusal(spec(None, write=Write(Fraction(0), Fraction(10))), 11), OutOfBounds)


def test_two_writes_have_their_distance() -> None:
    subject = spec(write=Write(every_s=5.0))
    paced(subject, 5.0, NOON_S)
    paced(spec(write=FREE), 0.0, NOON_S)
    with pytest.raises(TooSoon) as caught:
        paced(subject, 0.3, NOON_S)
    assert str(caught.value) == "p: it was written 0.3 s ago, and write: allows it every 5 s"
    assert caught.value.wait_s == pytest.approx(4.7)
    assert caught.value.hint == "wait 4.7 s: it may be written again at 2026-11-25T12:00:05Z"


@pytest.mark.parametrize(
    ("subject", "text", "wanted"),
    [
        (spec(), "21.50", Decimal("21.5")),
        (spec(), "-5", Decimal(-5)),
        (spec(enum={0: "0", 1: "7"}), "7", "7"),
        (spec(enum={0: "off", 1: "on"}), "1", Decimal(1)),
        (spec(enum={0: "off", 1: "on"}), "onn", "onn"),
        (spec("bool"), "ON", True),
        (spec("bool"), "0", False),
        (spec("bool"), "yes", "yes"),
        (spec("string"), "0042", "0042"),
        (spec(flags={0: "a"}), "b, a", ("b", "a")),
        (spec(flags={0: "a"}), "none", ()),
        (spec(None), "auto", "auto"),
        (spec(None), "7", Decimal(7)),
    ],
)
def test_what_was_typed(subject: PointSpec, text: str, wanted: Wanted) -> None:
    assert read(subject, text) == wanted


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ("0,5", 'p: "0,5" uses a decimal comma', "write 0.5"),
        ("fast", 'p: it must be a number, but it is "fast"', "write for example 0.1"),
    ],
)
def test_a_number_that_is_none(text: str, says: str, hint: str) -> None:
    with pytest.raises(Unfit) as caught:
        read(spec(), text)
    assert (str(caught.value), caught.value.hint) == (says, hint)


@pytest.mark.parametrize(
    ("subject", "raw", "held", "same"),
    [
        (spec(write=FREE), 7, 7, True),
        (spec(write=FREE), 7, 8, False),
        (spec("float32", write=FREE), single(230.2), single(230.2), True),
        (spec("float32", write=FREE), single(230.2), struct.unpack(">f", b"\x43\x66\x33\x34")[0], False),
        (spec("float32", write=FREE), 1.0, None, False),
        (spec("bool", write=FREE), True, False, False),
        (spec("string", write=FREE), "a", "a", True),
        (spec(None, write=FREE), 0.1, single(0.1), True),
    ],
)
def test_what_is_read_back_is_what_was_written_within_half_a_step(
    subject: PointSpec, raw: Value, held: Value, same: bool
) -> None:
    assert agrees(subject, Setpoint(raw, raw), held) is same


# ---- there and back, for every meaning that a bundled profile gives a point


def _bundled() -> list[PointSpec]:
    kinds: dict[Any, PointSpec] = {}
    for profile in profiles().values():
        for point in profile.points:
            found = replace(point.spec, write=FREE, scale_from=0 if point.scale_from else None)
            address = found.point.address
            kind = (type_of(found), getattr(address, "bits", None), found.scale, found.offset, found.factor)
            texts = (tuple(found.enum.items()), tuple(found.flags.items()), found.nan, found.scale_from)
            kinds.setdefault((*kind, found.shift, texts), found)
    return list(kinds.values())


BUNDLED = _bundled()


def raws(subject: PointSpec) -> st.SearchStrategy[Any]:
    """Any raw value that the point can hold."""
    type_ = type_of(subject)
    if subject.enum:
        codes: st.SearchStrategy[Any] = st.sampled_from(sorted(subject.enum))
        return codes.map(bool) if type_ == "bool" else codes
    if subject.flags:
        bits = st.sets(st.sampled_from(sorted(subject.flags)))
        return bits.map(lambda found: sum(1 << bit for bit in found))
    if type_ == "bool":
        return st.booleans()
    if type_ == "bytes":
        return st.binary(min_size=2, max_size=8)
    if type_ in TEXTS:
        return st.sampled_from(["a", "PUMP-1", ""]) if type_ == "string" else st.just("2026-11-25T07:33:17")
    if type_ is None:
        return st.integers(-(2**31), 2**31) | st.floats(width=32, allow_nan=False, allow_infinity=False)
    if is_real(subject):
        width: Any = {"float16": 16, "float32": 32, "float64": 64}[type_]
        return st.floats(width=width, allow_nan=False, allow_infinity=False)
    return st.integers(*limits(subject))


def there_and_back(subject: PointSpec, raw: Value, power: int) -> None:
    value, status = meaning(subject, raw, power)
    if status is not GOOD:
        return
    if list(subject.enum.values()).count(str(value)) > 1:
        value = raw
    made = encode(subject, value, power)
    assert made.value == (meaning(subject, raw, power)[0])
    assert meaning(subject, made.raw, power) == (made.value, GOOD)
    if not is_real(subject) and isinstance(value, int) and type_of(subject) is not None:
        assert made.raw == raw


def test_there_are_many_meanings_in_the_bundled_profiles() -> None:
    assert len(BUNDLED) > 30
    assert {type_of(one) for one in BUNDLED} >= {"int16", "uint16", "int32", "uint64", "float32"}


@given(st.data())
def test_every_value_of_a_bundled_point_goes_there_and_back(data: st.DataObject) -> None:
    subject = data.draw(st.sampled_from(BUNDLED), label="point")
    power = data.draw(st.sampled_from(POWERS), label="power") if subject.scale_from is not None else 0
    there_and_back(subject, data.draw(raws(subject), label="raw"), power)


@pytest.mark.parametrize("subject", BUNDLED, ids=lambda subject: subject.point.name)
def test_the_ends_of_every_bundled_point_go_there_and_back(subject: PointSpec) -> None:
    if subject.enum or subject.flags or type_of(subject) in (None, "bool", *TEXTS):
        return
    ends: list[Value] = (
        [0.0, 1.0, -single(0.1), LARGEST[type_of(subject) or "float64"]]
        if is_real(subject)
        else [*limits(subject), 1, limits(subject)[1] // 3]
    )
    for raw in ends:
        there_and_back(subject, raw, -2 if subject.scale_from is not None else 0)


SCALES = st.fractions(min_value=Fraction(-1000), max_value=1000, max_denominator=10**6).filter(bool)
TYPES: list[ValueType] = ["int8", "uint16", "int24", "int32", "uint48", "int64", "uint64", "bcd32", "signmag16"]


@given(st.data(), st.sampled_from([*TYPES, "float16", "float32", "float64"]), SCALES, SCALES, SCALES)
def test_any_type_and_scale_goes_there_and_back(
    data: st.DataObject, type_: ValueType, scale: Fraction, offset: Fraction, factor: Fraction
) -> None:
    subject = spec(type_, scale=scale, offset=offset, factor=factor, shift=Fraction(1, 3), write=FREE)
    there_and_back(subject, data.draw(raws(subject)), 0)
