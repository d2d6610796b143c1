"""What people type behind a command is taken as they mean it, or refused in a sentence."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from adapters.modbus.typed import address, addresses, at_least_one, per_second, register_table, table, units, where


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("1..247", tuple(range(1, 248))),
        ("17", (17,)),
        ("255", (255,)),
        ("5,1..3, 2, 10 .. 11", (5, 1, 2, 3, 10, 11)),
    ],
)
def test_unit_ids_are_asked_once_in_the_order_typed(text: str, means: tuple[int, ...]) -> None:
    assert units(text) == means


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("72", range(72, 73)),
        ("0..99", range(100)),
        ("0x5B00..0x5B20", range(23296, 23329)),
        ("0X10..20", range(16, 21)),
        ("65535", range(65535, 65536)),
    ],
)
def test_addresses_are_ranges_with_both_ends_in_them(text: str, means: range) -> None:
    assert addresses(text) == means


@pytest.mark.parametrize(("text", "means"), [("5/s", 5.0), ("30/min", 0.5), ("0.2 / s", 0.2), ("1000/s", 1000.0)])
def test_rates_have_their_unit(text: str, means: float) -> None:
    assert per_second(text) == means


def test_a_place_is_a_table_and_an_address() -> None:
    assert where("input 0x10") == ("input", 16)
    assert where("COIL") == ("coil", 0)
    assert address("0x0048") == 72
    assert table("Holding") == "holding"
    assert register_table("input") == "input"


@pytest.mark.parametrize(
    ("read", "text", "says"),
    [
        (units, "0..5", "0..5: unit ids are 1 to 255, the lower one first"),
        (units, "9..3", "9..3: unit ids"),
        (units, "256", "256: unit ids"),
        (units, "1,,2", '"" is no unit id'),
        (units, "all", '"all" is no unit id and no range of them; write for example 1..247'),
        (addresses, "5..", '"5.." is no address'),
        (addresses, "65536", "65536: addresses are 0 to 65535"),
        (addresses, "9..3", "the lower one first"),
        (addresses, "", '"" is no address'),
        (address, "1..2", '"1..2" is more than one address; write the first'),
        (table, "coils", '"coils" is no table; there are: coil, discrete, input, holding'),
        (register_table, "coil", "coil holds single bits, which have no order"),
        (per_second, "5", '"5" is no rate; write for example 5/s'),
        (per_second, "0/s", '"0/s" is no rate'),
        (per_second, "2000/s", "up to 1000/s"),
        (at_least_one, "0", '"0" is no count'),
        (at_least_one, "-1", '"-1" is no count'),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(read: Callable[[str], object], text: str, says: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 (the text is looked at)
        read(text)
    assert says in str(refused.value)
