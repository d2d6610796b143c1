"""What no configuration should be: trees of any shape, wrong types under the right names, sizes and depths."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import strategies as st

from gateway.mapping.draft import Imported
from gateway.mapping.importers.source import Source, Text
from tests.gateway.mapping.importers.folders import plant

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(1 << 70), 1 << 70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(("", "1", "0x10", "10-12", "tcp", "int16", "ns=2;s=A", "{i}", "${address}", "opc.tcp://a:4840"))
)


def trees(words: Sequence[str]) -> st.SearchStrategy[Any]:
    """JSON values whose names are those that the importer looks for, at places where they may not belong."""
    names = st.sampled_from(words) | st.text(max_size=4)
    return st.recursive(
        _SCALARS,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=6),
        max_leaves=30,
    )


@st.composite
def spoiled(draw: st.DrawFn, good: Any, words: Sequence[str]) -> Any:
    """A good configuration with a few of its values replaced by anything."""
    value = deepcopy(good)
    for _ in range(draw(st.integers(0, 4))):
        here = value
        while True:
            places = list(here) if isinstance(here, dict) else list(range(len(here)))
            if not places:
                break
            place = draw(st.sampled_from(places))
            inner = here[place]
            if not isinstance(inner, dict | list) or draw(st.integers(0, 9)) == 0:
                here[place] = draw(trees(words))
                break
            here = inner
    return value


def holds(take: Callable[[Source], Imported], source: Source) -> Imported:
    """Import something; whatever comes out makes a plant without errors, and what is said of it is fit to print."""
    imported = take(source)
    with TemporaryDirectory() as folder:
        plant(Path(folder), imported)
    for profile in imported.profiles:
        assert profile.points
        names = [point.name for point in profile.points]
        assert len(set(names)) == len(names)
    assert len({device.name for device in imported.devices}) == len(imported.devices)
    for found in imported.found:
        assert found.text
        assert str(found).isprintable() or "\n    hint: " in str(found)
    return imported


def refused(take: Callable[[Source], Imported], text: str) -> str:
    """The only message about a file that cannot be read at all."""
    imported = take(Text("x", text))
    assert (imported.profiles, imported.devices) == ((), ())
    (found,) = imported.found
    return str(found)


def too_large(take: Callable[[Source], Imported], folder: Path) -> str:
    """A file of 100 MB; it is never read whole."""
    path = folder / "large"
    with path.open("wb") as stream:
        stream.truncate(100_000_000)
    imported = take(path)
    assert imported.profiles == ()
    (found,) = imported.found
    return str(found)


def as_json(value: Any) -> Text:
    """As a file of its own."""
    return Text("x.json", json.dumps(value))
