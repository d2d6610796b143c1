"""Every mistake of mistakes.txt is explained once: at its place, in its words, with what to write instead."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from gateway.mapping.catalogue import ENTRIES
from tests.gateway.mapping.plants import FILES, changed, judged, write

HERE = Path(__file__).parent
ROOT = HERE.parent.parent.parent


class Mistake(NamedTuple):
    name: str
    file: str
    old: str
    """What is replaced; empty where the whole file is."""
    new: str
    said: str


def mistakes() -> list[Mistake]:
    blocks = (HERE / "mistakes.txt").read_text(encoding="utf-8").split("\n== ")[1:]
    return [_mistake(block.rstrip("\n").split("\n")) for block in blocks]


def _mistake(lines: list[str]) -> Mistake:
    name, place, *rest = lines
    old = _text(rest.pop(0)[2:]) if rest[0].startswith("- ") else ""
    return Mistake(name, place.removeprefix("@ "), old, _text(rest[0].removeprefix("+ ")), "\n".join(rest[1:]))


def _text(line: str) -> str:
    return line.translate(_SHOWN)


_SHOWN = str.maketrans({"⏎": "\n", "→": "\t", "␀": "\0", "⍽": "\u00a0", "⌁": "\u200b"})


def files(mistake: Mistake) -> dict[str, str]:
    return changed(mistake.file, mistake.old, mistake.new) if mistake.old else FILES | {mistake.file: mistake.new}


@pytest.mark.parametrize("mistake", mistakes(), ids=lambda mistake: mistake.name)
def test_a_mistake_is_told_once_at_its_place(mistake: Mistake, tmp_path: Path) -> None:
    plant, found = judged(write(tmp_path, files(mistake)))
    assert [str(one).replace(f"{tmp_path}/", "") for one in found] == [mistake.said]
    assert (plant is not None) == (found[0].severity == "warning")


def test_all_mistakes_of_all_files_are_told_in_one_run(tmp_path: Path) -> None:
    broken = FILES | {
        "gateway.yaml": FILES["gateway.yaml"].replace("info", "loud").replace("20 GB", "20"),
        "acme.profile.yaml": FILES["acme.profile.yaml"].replace("unit: W", "uint: W").replace("0.1", "0,1"),
        "hall/a.devices.yaml": FILES["hall/a.devices.yaml"].replace("unit_id: 2", "unit_id: 0"),
        "plant.assets.yaml": FILES["plant.assets.yaml"].replace("meter-2", "Meter 2"),
    }
    _, found = judged(write(tmp_path, broken))
    assert [(one.code, one.line) for one in found] == [
        *[("M01", 12), ("M07", 13)],
        *[("M19", 6), ("M03", 7)],
        ("M13", 9),
        ("M18", 5),
    ]


def test_a_profile_with_a_mistake_keeps_its_name_known(tmp_path: Path) -> None:
    _, found = judged(write(tmp_path, changed("acme.profile.yaml", "maker: ACME", "maker: ACME: x")))
    assert [one.code for one in found] == ["Y02"]  # and not: there is no profile "acme-meter"


def test_the_same_mistake_of_forty_devices_is_told_once(tmp_path: Path) -> None:
    devices = "".join(
        f"  meter-{number}:\n    profile: acme-meter\n    connect: {{field: bus://b, unit_id: {number}}}\n"
        for number in range(1, 41)
    )
    many = changed("acme.profile.yaml", "0x0034", "70000") | {
        "hall/a.devices.yaml": f"schema: fieldgate/devices/v1\ndevices:\n{devices}"
    }
    _, found = judged(write(tmp_path, many))
    assert [one.code for one in found] == ["B91"]


def codes_used() -> set[str]:
    found = set()
    for path in (*(ROOT / "gateway" / "mapping").rglob("*.py"), *(ROOT / "gateway").glob("*.py")):
        if path.name in ("catalogue.py", "unit_table.py") or "importers" in path.parts:
            continue
        # The list of units is full of UNECE codes, which look the same.
        pattern = r'fault\("([A-Z][0-9]{2})"' if path.name == "units.py" else r'"([A-Z][0-9]{2})"'
        found |= set(re.findall(pattern, path.read_text(encoding="utf-8")))
    return found


def test_every_code_stands_in_the_catalogue() -> None:
    assert codes_used() - set(ENTRIES) == set()


def test_every_code_of_the_files_has_a_mistake_here() -> None:
    tried = {code for mistake in mistakes() for code in re.findall(r" (?:error|warning) ([A-Z]\d\d):", mistake.said)}
    untried = {code for code in codes_used() - tried if code[0] in "YFMRXNADGB"}
    assert untried == {"F06"}  # test_load.py has it


def test_there_are_so_many_of_them() -> None:
    found = mistakes()
    assert len({mistake.name for mistake in found}) == len(found)
    assert len(found) > 200


@pytest.mark.parametrize("mistake", mistakes(), ids=lambda mistake: mistake.name)
def test_the_place_is_one_of_the_text(mistake: Mistake) -> None:
    place = re.match(r"([^:]+):(\d+):(\d+): ", mistake.said)
    if place is None:
        return  # of a whole file
    lines = files(mistake)[place[1]].splitlines() or [""]
    line, column = lines[int(place[2]) - 1], int(place[3])
    # A message never points at the blank before what it means, nor behind the end of a line that goes on.
    told = "TAB" in mistake.said or "space (from Word" in mistake.said
    assert column == 1 or column > len(line) or not line[column - 1].isspace() or told
