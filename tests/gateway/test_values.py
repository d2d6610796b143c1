"""The texts of the mapping language: what they mean, and what is said of those that mean nothing."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, get_args

import pytest
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from gateway.values import (
    BIT_WIDTHS,
    Settings,
    ValueType,
    fault,
    lifetime,
    looks_like_thousands,
    names_secret,
    number,
    quote,
    seconds,
    size_bytes,
    whole,
)


def refused(convert: Callable[[Any], Any], text: str) -> tuple[str, str]:
    """Code and hint."""
    with pytest.raises(PydanticCustomError) as caught:
        convert(text)
    context = caught.value.context or {}
    return str(context["code"]), str(context["hint"])


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("72", 72), ("-5", -5), ("+5", 5), ("0x0048", 72), ("0XfF", 255), ("18446744073709551615", 2**64 - 1)],
)
def test_whole_numbers(text: str, value: int) -> None:
    assert whole(text) == value


@pytest.mark.parametrize("text", ["", "x", "1.0", "1e3", "1_000", "0b1", "0x", "4x0034", "１", "9" * 41])
def test_what_is_no_whole_number(text: str) -> None:
    assert refused(whole, text) == ("M04", "write for example 72 or 0x0048")


@pytest.mark.parametrize(("text", "digits"), [("052", "52"), ("-007", "7"), ("00", "0")])
def test_a_leading_zero_is_not_guessed_at(text: str, digits: str) -> None:
    assert refused(whole, text) == ("M05", f"write {digits}, or 0x{digits} for hexadecimal")


@pytest.mark.parametrize(("text", "value"), [("0.1", "0.1"), ("-273.15", "-273.15"), ("1e-3", "0.001"), (".5", "0.5")])
def test_numbers_are_exact(text: str, value: str) -> None:
    assert number(text) == Decimal(value)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("abc", ("M06", "write for example 0.1")),
        ("nan", ("M06", "write for example 0.1")),
        ("1e9999", ("M06", "write for example 0.1")),
        ("0,1", ("M07", "write 0.1")),
    ],
)
def test_what_is_no_number(text: str, answer: tuple[str, str]) -> None:
    assert refused(number, text) == answer


@pytest.mark.parametrize(
    ("text", "value"), [("500ms", 0.5), ("5s", 5), ("1.5 s", 1.5), ("10min", 600), ("1h", 3600), ("60d", 5_184_000)]
)
def test_times(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("60", "did you mean 60s? Write for example 500ms, 5s, 10min, 1h"),
        ("soon", "write for example 500ms, 5s, 10min, 1h"),
        ("-5s", "write for example 500ms, 5s, 10min, 1h"),
        ("5m", "write for example 500ms, 5s, 10min, 1h"),
        ("9" * 400 + "d", "write for example 500ms, 5s, 10min, 1h"),
    ],
)
def test_what_is_no_time(text: str, hint: str) -> None:
    assert refused(seconds, text) == ("M09", hint)


@pytest.mark.parametrize(
    ("text", "value"),
    [("20 GB", 20 * 10**9), ("500MB", 5 * 10**8), ("1 kB", 1000), ("2 KiB", 2048), ("1.5 TiB", 1649267441664)],
)
def test_sizes(text: str, value: int) -> None:
    assert size_bytes(text) == value


@pytest.mark.parametrize("text", ["20", "20 G", "x GB", "-1 GB", "20 gb", "1 B", "9" * 50 + " TB"])
def test_what_is_no_size(text: str) -> None:
    assert refused(size_bytes, text) == ("M19", "write for example 500 MB, 20 GB or 2 GiB")


@pytest.mark.parametrize("convert", [whole, number, seconds, size_bytes])
@pytest.mark.parametrize("value", [None, [], {}, 5, 5.0])
def test_what_is_no_text_is_left_to_the_model(convert: Callable[[Any], Any], value: Any) -> None:
    assert convert(value) == value


def test_settings_know_their_keys_and_do_not_change() -> None:
    class One(Settings):
        a: str

    with pytest.raises(ValidationError, match="extra"):
        One.model_validate({"a": "1", "b": "2"})
    with pytest.raises(ValidationError, match="frozen"):
        One(a="1").a = "2"  # type: ignore[misc]  # that it is refused is what is tested
    assert One(a=" 1 ").a == "1"


def test_a_fault_keeps_braces_of_users() -> None:
    error = fault("M04", 'it is "{x}"', "write {y}")
    assert error.message() == 'it is "{x}"'
    assert error.context == {"code": "M04", "text": 'it is "{x}"', "hint": "write {y}"}


def test_a_long_text_is_quoted_in_part() -> None:
    assert quote("a" * 60) == '"' + "a" * 60 + '"'
    assert quote("a" * 61) == '"' + "a" * 59 + '…"'


def test_every_type_has_a_width() -> None:
    assert set(BIT_WIDTHS) == set(get_args(ValueType))


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "Passwort",
        "db_password",
        "secret",
        "api_key",
        "apikey",
        "SharedAccessKey",
        "token",
        "user-token",
        "pwd",
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert names_secret(name)


@pytest.mark.parametrize("name", ["key", "keyboard", "tokens_used", "passage", "pass", "secretary", "bypass", "hall"])
def test_names_of_no_secrets(name: str) -> None:
    assert not names_secret(name)


@pytest.mark.parametrize(
    ("text", "doubtful"),
    [("1.000", True), ("999.000", True), ("1.00", False), ("0.000", False), ("1000.000", False), ("1.001", False)],
)
def test_a_dot_that_may_be_one_of_thousands(text: str, doubtful: bool) -> None:
    assert looks_like_thousands(text) == doubtful


@pytest.mark.parametrize(
    ("text", "value"), [("12h", 43_200.0), ("60d", 5_184_000.0), ("1y", 31_536_000.0), ("2 y", 63_072_000.0)]
)
def test_how_long_something_is_kept_is_said_in_years_as_well(text: str, value: float) -> None:
    assert lifetime(text) == value


def test_none_keeps_it_without_end() -> None:
    assert lifetime("none") is None


@pytest.mark.parametrize("text", ["", "60", "1 year", "1.5y", "y", "None", "for ever", "9999y"])
def test_what_is_no_lifetime(text: str) -> None:
    assert refused(lifetime, text) == ("M09", "write for example 12h, 60d, 1y or none")
