"""Characters that nobody sees, and quotes that are none, are named in words."""

from __future__ import annotations

import pytest

from gateway.mapping.characters import begins_quoted, is_quoted, plain, quoted, strange, told, unseen


@pytest.mark.parametrize(
    ("character", "sentence", "hint"),
    [
        ("\u00a0", "a non-breaking space (from Word or Excel) stands here", "replace it by a space"),
        ("\u202f", "a narrow non-breaking space (from Word or Excel) stands here", "replace it by a space"),
        ("\u200b", "a zero-width space (U+200B), which nobody sees, stands here", "delete it, or write it anew"),
        ("\x07", "the character U+0007 is not allowed in a text", "delete it"),
        ("„", "„ is no quote in these files (it comes from Word)", 'write "plain quotes"'),
    ],
)
def test_each_is_told_in_words(character: str, sentence: str, hint: str) -> None:
    assert told(character) == ("Y10", sentence, hint)


@pytest.mark.parametrize(
    ("text", "meant"),
    [("\u00a0unit", "unit"), ("5\u00a0s", "5 s"), ("“W”", "W"), ("„a b“", "a b"), ("a\u200bb", "ab"), ("°C", "°C")],
)
def test_what_was_meant(text: str, meant: str) -> None:
    assert plain(text) == meant


def test_the_first_is_found() -> None:
    assert (unseen("ab\u00a0c\u200b"), unseen("a “b”")) == (2, -1)
    assert (strange("ab “c\u00a0"), strange("µ° é 'x' \"y\" -")) == (3, -1)


@pytest.mark.parametrize("text", ["“W”", "„W“", "«W»", "‘W’"])
def test_quotes_of_every_country(text: str) -> None:
    assert is_quoted(text)
    assert begins_quoted(text)
    assert quoted(text)[2] == 'write "W"'


@pytest.mark.parametrize("text", ["", "“", "W”", '"W"', "it’s"])
def test_what_stands_in_no_such_quotes(text: str) -> None:
    assert not is_quoted(text)
