"""Whatever stands in a plant folder is judged at once, and is a Plant or PlantInvalid, never anything else."""

from __future__ import annotations

import json
import random
import re
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.mapping.diagnostics import Diagnostic
from tests.fuzz import mapping as fuzz
from tests.gateway.mapping.plants import FILES, changed, judged, write
from tests.gateway.mapping.rich import RICH

_WORD = re.compile(r'"[^"\n]*"|[\w./%]+')
PLACES = [
    (name, word.start(), word.end())
    for name, text in RICH.items()
    if name.endswith(".yaml")
    for word in _WORD.finditer(text)
]
"""Every word of the rich plant: names and values."""


def told(folder: Path, files: dict[str, str]) -> tuple[Diagnostic, ...]:
    before = time.process_time()
    _, found = judged(write(folder, files))
    # Of the whole suite nothing else shall be measured here; a second is a hundred times what it takes.
    assert time.process_time() - before < 1
    return found


def test_the_rich_plant_is_right(tmp_path: Path) -> None:
    plant, found = judged(write(tmp_path, RICH))
    assert [str(one) for one in found] == []
    assert plant is not None
    assert {device.name: (len(device.points), len(device.derived)) for device in plant.devices} == {
        "meter-1": (4, 0),
        "meter-2": (4, 0),
        "battery-1": (21, 2),
        "rack-1": (28, 5),
    }
    fuzz.live(plant)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(place=st.sampled_from(PLACES), text=st.text(max_size=40), quoted=st.booleans())
@example(place=PLACES[5], text="{i}" * 10, quoted=True)
@example(place=PLACES[5], text="\ufeff", quoted=True)
@example(place=PLACES[5], text="&a *b !c <<", quoted=False)
def test_any_text_as_any_scalar_is_judged(tmp_path: Path, place: tuple[str, int, int], text: str, quoted: bool) -> None:
    name, start, end = place
    put = json.dumps(text, ensure_ascii=False) if quoted else text
    broken = RICH[name][:start] + put + RICH[name][end:]
    told(tmp_path, RICH | {name: broken.encode("utf-8", "replace").decode()})


@pytest.mark.slow
def test_plants_with_random_mistakes_are_judged() -> None:
    found, longest = fuzz.run(300, seed=20)
    assert longest < fuzz.LONGEST_S
    assert len(found) > 30  # they reach deep


@pytest.mark.slow
def test_a_plant_is_broken_alike_for_the_same_seed() -> None:
    first, second = (fuzz.mutated(RICH, random.Random(5)) for _ in range(2))
    assert first == second != RICH


SCRIPTS = [
    "Спеед",
    "速度",
    "سرعة",
    "गति",
    "θερμοκρασία",
    "e\u0301",
    "ﬁ",
    "１２３",
    "𝟙",
    "🙂",
    "İ",
    "ß",
]
UNSEEN = ["\u202eabc", "a\u200bb", "a\u00a0b"]


@pytest.mark.parametrize("text", [*SCRIPTS, *UNSEEN])
def test_texts_of_every_script_are_taken_where_a_text_belongs(text: str, tmp_path: Path) -> None:
    files = changed("plant.assets.yaml", "Meter 1", text) | {
        "acme.profile.yaml": FILES["acme.profile.yaml"].replace("maker: ACME", f"maker: {text}")
    }
    assert told(tmp_path, files) == ()


@pytest.mark.parametrize("text", SCRIPTS)
@pytest.mark.parametrize(
    ("file", "old", "code"),
    [
        ("acme.profile.yaml", "  voltage_l2:", "R01"),
        ("acme.profile.yaml", "0x0034", "M04"),
        ("acme.profile.yaml", "unit: W", "M12"),
        ("hall/a.devices.yaml", "  meter-2:", "M18"),
        ("plant.assets.yaml", "acme/hall/meter-2", "M18"),
    ],
)
def test_texts_of_every_script_are_refused_where_a_name_or_a_number_belongs(
    text: str, file: str, old: str, code: str, tmp_path: Path
) -> None:
    new = old.replace(old.strip(" :").removeprefix("unit: "), text)
    found = told(tmp_path, changed(file, old, new))
    assert [one.code for one in found] == [code]
    assert found[0].text.isprintable()


@pytest.mark.parametrize("text", UNSEEN)
@pytest.mark.parametrize(
    ("file", "old", "line"),
    [
        ("acme.profile.yaml", "voltage_l2:", 8),
        ("acme.profile.yaml", "0x0034", 10),
        ("hall/a.devices.yaml", "meter-2:", 7),
        ("plant.assets.yaml", "acme/hall/meter-2", 5),
    ],
)
def test_what_nobody_sees_is_told_where_a_name_or_a_number_belongs(
    text: str, file: str, old: str, line: int, tmp_path: Path
) -> None:
    found = told(tmp_path, changed(file, old, old.replace(old.strip(":"), text)))
    assert [one.line for one in found if one.code == "Y10"] == [line]


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".yaml")])
def test_a_byte_order_mark_and_windows_line_ends_change_nothing(name: str, tmp_path: Path) -> None:
    assert told(tmp_path, FILES | {name: "\ufeff" + FILES[name].replace("\n", "\r\n")}) == ()


BOMBS = {
    "aliases": "a: &a [x, x]\nb: &b [" + "*a, " * 50_000 + "]\nc: [" + "*b, " * 50_000 + "]\n",
    "laughs": "a: &a x\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c]\n",
    "flow depth": "a: " + "[" * 100_000,
    "block depth": "".join(" " * n + "a:\n" for n in range(2000)),
    "keys": "? " * 50_000,
    "one long line": "a: " + "x" * 2_000_000,
    "one long name": "x" * 100_000 + ": 1",
    "quotes": "a: '" + "''" * 500_000,
    "many documents": "---\n" * 100_000,
    "tags": "a: " + "!x " * 50_000,
    "comments": "#\n" * 500_000,
    "tabs": "\t\n" * 200_000,
    "zeros": "\0" * 100_000,
    "numbers": "points: {p: {at: " + "9" * 500_000 + "}}",
    "braces": "points: {'p{i}': {at: '" + "{" * 100_000 + "', repeat: {i: 1..9}}}",
    "formula": "derived: {d: {expr: " + "-" * 100_000 + "a}}",
    "merge": "<<: " * 3 + "x",
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
@pytest.mark.parametrize("name", ["acme.profile.yaml", "gateway.yaml"])
def test_a_bomb_is_refused_in_few_words(bomb: str, name: str, tmp_path: Path) -> None:
    head = FILES[name].split("\n", 1)[0] + "\n" if bomb[:1] != "\ufeff" else ""
    found = told(tmp_path, FILES | {name: head + bomb + "\n"})
    assert 1 <= len(found) <= 30
    assert all(len(str(one)) < 2000 for one in found)


def test_a_file_of_a_hundred_megabytes_is_not_read(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    with (tmp_path / "big.profile.yaml").open("wb") as stream:
        stream.truncate(100_000_000)
    _, found = judged(tmp_path)
    assert [(one.code, one.text) for one in found] == [("F06", "this file is larger than 8 MB")]
