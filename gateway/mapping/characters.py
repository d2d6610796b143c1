"""Characters that look like others or like nothing: what they are called, and what to write instead."""

from __future__ import annotations

import re

from gateway.values import quote

_SPACES = {
    "\u00a0": "a non-breaking space",
    "\u2007": "a figure space",
    "\u2009": "a thin space",
    "\u202f": "a narrow non-breaking space",
    "\u3000": "a wide space",
}
"""Word and Excel put them in, and nobody sees it."""
_NOTHING = {
    "\u200b": "a zero-width space",
    "\u2060": "a word joiner",
    "\u00ad": "a soft hyphen",
    "\ufeff": "a byte order mark",
    **dict.fromkeys(
        "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069", "a mark of writing direction"
    ),
}
_OPENING, _CLOSING = "“„‟‘‚‛«»‹›", "”“‟’‘»«›‹"

# What no plant file needs, and some YAML readers refuse: control characters, and a byte order mark inside the text.
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff\ud800-\udfff]")
_UNSEEN = re.compile(f"[{''.join(_SPACES)}{''.join(_NOTHING)}]")
_STRANGE = re.compile(f"[{''.join(_SPACES)}{''.join(_NOTHING)}{_OPENING}{_CLOSING}]")


def unseen(text: str) -> int:
    """Where the first character stands that nobody sees, or sees as a space; -1 where there is none."""
    found = _UNSEEN.search(text)
    return found.start() if found else -1


def strange(text: str) -> int:
    """Where the first such character or quote stands; -1 where there is none."""
    found = _STRANGE.search(text)
    return found.start() if found else -1


def plain(text: str) -> str:
    """The text as it was meant: with plain spaces, and without such quotes round it."""
    seen = _UNSEEN.sub(lambda found: " " if found[0] in _SPACES else "", text)
    return seen.strip().strip(_OPENING + _CLOSING).strip()


def begins_quoted(text: str) -> bool:
    """Whether the text begins with a quote that is none to YAML."""
    return text != "" and text[0] in _OPENING


def ends_quoted(text: str) -> bool:
    """Whether the text ends with such a quote."""
    return text != "" and text[-1] in _CLOSING


def is_quoted(text: str) -> bool:
    """Whether the text stands in quotes that are none to YAML."""
    return len(text) > 1 and begins_quoted(text) and ends_quoted(text)


def told(character: str) -> tuple[str, str, str]:
    """Code, sentence and hint for a character that was found here."""
    if character in _SPACES:
        return "Y10", f"{_SPACES[character]} (from Word or Excel) stands here", "replace it by a space"
    code = f"U+{ord(character):04X}"
    if character in _NOTHING:
        return "Y10", f"{_NOTHING[character]} ({code}), which nobody sees, stands here", "delete it, or write it anew"
    if FORBIDDEN.match(character):
        return "Y10", f"the character {code} is not allowed in a text", "delete it"
    return "Y10", f"{character} is no quote in these files (it comes from Word)", 'write "plain quotes"'


def quoted(text: str) -> tuple[str, str, str]:
    """Code, sentence and hint for a text in such quotes."""
    code, sentence, _ = told(text[0])
    return code, sentence, f"write {quote(plain(text))}"
