"""A formula is cut into words without a loss, and what no formula can hold is marked, with advice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mapping.tokens import FORBIDDEN, FUNCTIONS, INSTEAD, WORDS, Token, spelling, tokens


def cut(text: str) -> list[tuple[str, str]]:
    """Kinds and words, without the end."""
    return [(token.kind, token.text) for token in tokens(text)[:-1]]


def test_a_formula_becomes_words_with_their_columns() -> None:
    assert tokens("(l1+ 0x1F)") == [
        Token("sign", "(", 0),
        Token("name", "l1", 1),
        Token("sign", "+", 3),
        Token("number", "0x1F", 5),
        Token("sign", ")", 9),
        Token("end", "", 10),
    ]


@pytest.mark.parametrize("number", ["0", "230", "0.1", "5.", ".5", "1e3", "1.5E-3", "2e+10", "0x0", "0xABcd", "00.5"])
def test_numbers(number: str) -> None:
    assert cut(f"-{number}") == [("sign", "-"), ("number", number)]


@pytest.mark.parametrize("word", ["052", "3kW", "1_000", "0x", "0xG", "0b1", "1.2.3", "1e", "5.real", "10V", "1..5"])
def test_what_begins_like_a_number_and_is_none_is_one_wrong_word(word: str) -> None:
    assert cut(f"{word} + a") == [("wrong", word), ("sign", "+"), ("name", "a")]


def test_texts_stand_in_either_quotes() -> None:
    assert cut("""'1P2W' "it's" '' 'a'b""") == [
        *[("text", "'1P2W'"), ("text", '"it\'s"'), ("text", "''"), ("text", "'a'"), ("name", "b")]
    ]
    assert cut("a == 'auto") == [("name", "a"), ("sign", "=="), ("wrong", "'"), ("name", "auto")]


def test_signs_are_as_long_as_they_can_be() -> None:
    assert [text for _, text in cut("a<=b>=c!=d==e<f**g//h&&i||j<<k")] == [
        *[
            "a",
            "<=",
            "b",
            ">=",
            "c",
            "!=",
            "d",
            "==",
            "e",
            "<",
            "f",
            "**",
            "g",
            "//",
            "h",
            "&&",
            "i",
            "||",
            "j",
            "<<",
            "k",
        ]
    ]


def test_words_of_the_language_are_signs_in_small_letters_only() -> None:
    assert all(cut(word) == [("sign", word)] for word in WORDS)
    assert cut("AND or_ True in is mod") == [
        *[("wrong", "AND"), ("name", "or_"), ("wrong", "True"), ("name", "in"), ("name", "is"), ("name", "mod")]
    ]


def test_functions_are_names_because_a_point_may_be_called_min() -> None:
    assert all(cut(name) == [("name", name)] for name in FUNCTIONS)


def test_advice_is_there_for_every_sign_that_others_have() -> None:
    for sign in [*FORBIDDEN, *INSTEAD]:
        (token, *more) = tokens(sign)
        assert (token.kind in {"wrong", "name"}, token.text, len(more)) == (True, sign, 1)
    assert not FORBIDDEN.keys() & INSTEAD.keys()


@pytest.mark.parametrize(
    ("word", "advice"),
    [
        ("052", "write 52, or 0x52 for hexadecimal"),
        ("00", "write 0, or 0x0 for hexadecimal"),
        ("3kW", '"3kW" is not a number: write for example 230, 0.1, 1e-3 or 0x1F, without a unit'),
        ("'", "this text has no end: write a second '"),
        ("ä", '"ä" cannot stand in a formula: names have letters a-z, digits and _'),
    ],
)
def test_spelling(word: str, advice: str) -> None:
    assert spelling(Token("wrong", word, 0)) == advice


@given(st.text(max_size=60))
def test_nothing_is_lost_but_blanks(text: str) -> None:
    end = 0
    for token in tokens(text):
        assert text[end : token.column].strip(" \t\r\n") == ""
        assert text[token.column : token.column + len(token.text)] == token.text
        end = token.column + len(token.text)
    assert end == len(text)
