"""Drafts as the YAML that plant engineers edit: one line per point where it fits, quotes only where they are needed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from gateway.mapping.characters import FORBIDDEN, is_quoted, plain, strange, unseen
from gateway.mapping.draft import DraftDevice, DraftPoint, DraftProfile, Setting

LINE_LENGTH = 120
"""Characters; longer ones become blocks."""


def write_profile(draft: DraftProfile) -> str:
    """The text of a ``*.profile.yaml``. Reading it gives every text back.

    Except for characters that no plant file may hold (control characters): each becomes U+FFFD; and
    names get plain spaces, and no quotes of Word round them.
    """
    named = {"protocol": draft.protocol, "maker": draft.maker, "model": draft.model, "note": draft.note}
    top: dict[str, Setting] = {"schema": "fieldgate/profile/v1", "profile": draft.profile}
    top |= {**{key: text for key, text in named.items() if text}, **draft.head}
    lines = [line for key, setting in top.items() for line in _setting(key, setting, 0)]
    if draft.defaults:
        lines += _setting("defaults", draft.defaults, 0)
    # All points of a profile that extends another one can be those of the other.
    if draft.points or "extends" not in draft.head:
        lines += _points("points", draft.points)
    if draft.derived:
        lines += _points("derived", draft.derived)
    return "\n".join(lines) + "\n"


def write_devices(drafts: Iterable[DraftDevice]) -> str:
    """The text of a ``*.devices.yaml``; as for ``write_profile``."""
    lines = ["schema: fieldgate/devices/v1", "devices:"]
    for draft in drafts:
        settings: dict[str, Setting] = {"profile": draft.profile, "connect": draft.connect}
        settings |= {"note": draft.note} if draft.note else {}
        lines.append(f"  {_name(draft.name)}:")
        lines += [line for key, setting in settings.items() for line in _setting(key, setting, 4)]
    if lines[-1] == "devices:":
        lines[-1] = "devices: {}"
    return "\n".join(lines) + "\n"


_WIDEST_NAME = 32
"""Characters of a name and its colon up to which the settings of all points begin in one column."""


def _points(key: str, points: Sequence[DraftPoint]) -> list[str]:
    if not points:
        return [f"{key}: {{}}"]
    inline = [(f"{_name(point.name)}:", _flow(point.settings)) for point in points]
    fitting = [len(name) for name, flow in inline if _fits(f"  {name} {flow}") and len(name) <= _WIDEST_NAME]
    width = max(fitting, default=0)
    lines = [f"{key}:"]
    for point, (name, flow) in zip(points, inline, strict=True):
        aligned, close = f"  {name:{width}} {flow}", f"  {name} {flow}"
        line = aligned if _fits(aligned) else close
        lines += [line] if _fits(line) else _setting(point.name, point.settings, 2)
    return lines


def _fits(line: str) -> bool:
    return len(line) <= LINE_LENGTH


def _setting(key: str, setting: Setting, indent: int) -> list[str]:
    """``key: setting``: on one line where it fits and nobody expects a block."""
    begin = f"{' ' * indent}{_name(key)}:"
    line = f"{begin} {_flow(setting, key)}" if not isinstance(setting, str) else f"{begin} {_text(key, setting)}"
    if isinstance(setting, str) or not setting or _fits(line):
        return [line]
    if isinstance(setting, Mapping):
        return [begin, *(part for name, inner in setting.items() for part in _setting(name, inner, indent + 2))]
    # The entries of a list that is too long for one line are on one line each, however long.
    return [begin, *(f"{' ' * indent}  - {_flow(entry)}" for entry in setting)]


def _flow(setting: Setting, key: str = "") -> str:
    if isinstance(setting, str):
        return _text(key, setting, flow=True)
    if isinstance(setting, Mapping):
        return "{" + ", ".join(f"{_name(name, True)}: {_flow(inner, name)}" for name, inner in setting.items()) + "}"
    return "[" + ", ".join(_flow(entry) for entry in setting) + "]"


_WORDS = frozenset(("unit", "as", "maker", "model", "serial", "note"))
"""Settings whose values are words, also where they look like numbers: "1" is a unit."""
_NUMBER = re.compile(r"[-+]?[0-9][0-9a-fA-FxX_.:+-]*")


def _text(key: str, text: str, flow: bool = False) -> str:
    if key in _WORDS and _NUMBER.fullmatch(text):
        return f'"{text}"'
    return _scalar(text, flow)


_ESCAPED = {"\t": "\\t", "\n": "\\n", "\r": "\\r", "\x85": "\\N", "\u2028": "\\L", "\u2029": "\\P"}
_BREAK = re.compile("[\t\n\r\x85\u2028\u2029]")
_INDICATOR = re.compile(r"""[?:,\[\]{}#&*!|>'"%@`=~ ]|-(?![0-9.])""")
_MEANING = re.compile("[\\[\\]{},]")


def _name(text: str, flow: bool = False) -> str:
    """The name of a setting as YAML."""
    return _scalar(plain(text) or "_" if unseen(text) >= 0 or is_quoted(text) else text, flow)


def _scalar(text: str, flow: bool = False) -> str:
    """The text as YAML: plain where it can be, in quotes where it cannot."""
    text = FORBIDDEN.sub("\ufffd", text)
    if _BREAK.search(text):
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{_BREAK.sub(lambda found: _ESCAPED[found[0]], escaped)}"'
    # A colon inside { } is read in several ways by several readers.
    loose = ":" in text if flow else ": " in text or text.endswith(":")
    if (
        text
        and not _INDICATOR.match(text)
        and text[-1] != " "
        and " #" not in text
        and not loose
        and strange(text) < 0
        and not (flow and _MEANING.search(text))
    ):
        return text
    if '"' in text or "\\" in text:
        return "'" + text.replace("'", "''") + "'"
    return f'"{text}"'
