"""Imported SunSpec models must read foreign register blocks as pysunspec2 does (Apache-2.0, see tests/data)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from adapters.modbus import ADAPTER
from gateway.mapping.draft import DraftProfile
from gateway.mapping.importers.sunspec import Layout, import_sunspec, published
from gateway.mapping.program import Program
from gateway.mapping.totals import Totals
from gateway.mapping.writer import write_profile
from gateway.model import GOOD, Quality, RawBlock, Reading, Status
from gateway.plant import Device, read
from tests.gateway.mapping.importers.hostile import as_json, holds, refused, spoiled, too_large, trees

oracle = pytest.importorskip("sunspec2.device")

BLOCKS = Path(__file__).parents[3] / "data" / "sunspec_blocks.json"


@dataclass(frozen=True)
class Expected:
    """One point as pysunspec2 decodes it, raw."""

    definition: dict[str, Any]
    offset: int
    raw: Any
    factor: int | None
    """What its scale factor says; None where the device has none."""


def points(group: Any, around: tuple[Any, ...] = ()) -> Iterator[Expected]:
    """All points of a decoded model but the padding."""
    scopes = (group, *around)
    for point in group.points.values():
        if point.pdef["type"] == "pad":
            continue
        factor = point.pdef.get("sf")
        if isinstance(factor, str):
            factor = next(scope.points[factor].value for scope in scopes if factor in scope.points)
        # pysunspec2 too takes the last six of the eight bytes.
        offset = point.offset + (point.pdef["type"] == "eui48")
        yield Expected(point.pdef, offset, point.value, factor)
    for inner in group.groups.values():
        for one in inner if isinstance(inner, list) else [inner]:
            yield from points(one, scopes)


def repeats(group: Any) -> dict[str, int]:
    """How often the groups with a counting point repeat, in this block."""
    found: dict[str, int] = {}
    for inner in group.groups.values():
        many = inner if isinstance(inner, list) else [inner]
        definition = many[0].gdef if many else {}
        if isinstance(definition.get("count"), str):
            found[definition["count"]] = len(many)
        for one in many:
            found |= repeats(one)
    return found


@dataclass(frozen=True)
class Block:
    model: int
    data: bytes
    expected: tuple[Expected, ...]
    layout: Layout


def blocks() -> Iterator[Block]:
    for block in json.loads(BLOCKS.read_text()):
        data = bytes.fromhex(block["hex"])
        length = int.from_bytes(data[2:4], "big")
        model = oracle.Model(block["model"], model_len=length, data=data)
        assert model.error_info == ""
        counts = repeats(model)
        # A counting point of 0 makes pysunspec2 look at the length; nothing says how often an empty group would repeat.
        known = {"NPt", "NCrv", "NCrvSet", "NCtl", "NPrt", "NStr", "NMod", "NProf", "IVLen"}
        layout = Layout(length=length, repeats={name: counts.get(name, 0) for name in known})
        yield Block(block["model"], data, tuple(points(model)), layout)


ALL = list(blocks())


def draft(model: int, layout: Layout | None = None) -> DraftProfile:
    path = published(model)
    assert path is not None
    result = import_sunspec(path, layout)
    missing = [
        found for found in result.found if found.severity == "error" and "more than one request" not in found.text
    ]
    assert missing == []
    (profile,) = result.profiles
    return profile


@pytest.fixture(scope="module")
def devices(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Device]:
    """A device for each model and layout that stands in the blocks, read as a plant would read it."""
    folder = tmp_path_factory.mktemp("plant")
    (folder / "root.pem").touch()
    (folder / "gateway.yaml").write_text(
        "schema: fieldgate/gateway/v1\nname: g\nstate: s\nupstream: {hub: {kind: iothub, host: a, trust: root.pem}}\n"
    )
    lines = ["schema: fieldgate/devices/v1", "devices:"]
    for number, name in enumerate({key(block): None for block in ALL}, 1):
        block = next(block for block in ALL if key(block) == name)
        profile = replace(draft(block.model, block.layout), profile=name)
        (folder / f"{name}.profile.yaml").write_text(write_profile(profile))
        lines.append(f"  {name}: {{profile: {name}, connect: {{modbus: tcp://10.0.0.{number % 250}:{number + 502}}}}}")
    (folder / "all.devices.yaml").write_text("\n".join(lines) + "\n")
    plant = read(folder, {"modbus": ADAPTER})
    return {device.name: device for device in plant.devices}


def key(block: Block) -> str:
    counts = "-".join(str(count) for count in block.layout.repeats.values())
    return f"m{block.model}-{block.layout.length}-{counts}"


def decoded(device: Device, data: bytes) -> dict[int, tuple[Any, Status]]:
    """What the whole way gives, by address: registers decoded by the adapter, then normalised."""
    assert ADAPTER.decode is not None
    block = RawBlock(device.name, "holding 0", data, 1)
    addresses = [spec.point for spec in device.points]
    readings: list[Reading] = list(ADAPTER.decode(addresses, [block]))
    assert [reading.point for reading in readings] == list(range(len(addresses)))
    scan = Program(device, Totals()).scan(tuple(range(len(addresses))), readings)
    found = zip(addresses, scan.values, scan.statuses, strict=True)
    return {point.address.at: (value, status) for point, value, status in found}


def test_579_blocks_of_97_models_read_as_pysunspec2_reads_them(devices: dict[str, Device]) -> None:
    count: Counter[str] = Counter()
    for block in ALL:
        got = decoded(devices[key(block)], block.data)
        readable = [point for point in block.expected if point.definition["size"] <= 125]
        count["too long for one request"] += len(block.expected) - len(readable)
        assert set(got) == {point.offset for point in readable}
        for point in readable:
            value, status = got[point.offset]
            verdict = compare(point, value, status)
            assert verdict != "wrong", (block.model, point, value, status)
            count[verdict] += 1
    assert len(ALL) == 579
    assert len({block.model for block in ALL}) == 97
    assert count["too long for one request"] == 36
    assert sum(count.values()) > 25_000


def compare(point: Expected, value: Any, status: Status) -> str:
    """How our value goes with pysunspec2's; "wrong" where it does not."""
    kind = point.definition["type"]
    symbols = {symbol["value"]: symbol["name"] for symbol in point.definition.get("symbols", ())}
    if kind in ("ipaddr", "ipv6addr", "eui48"):
        return "address" if value == digits(point.raw, kind) else "wrong"
    if point.raw is None:
        nothing = value == "" if kind == "string" else value is None and status.quality is Quality.BAD
        return "not implemented" if nothing else "wrong"
    if kind.startswith("enum") and symbols:
        known = point.raw in symbols
        same = value == symbols.get(point.raw, point.raw) and (status == GOOD) == known
        return "enum" if same else "wrong"
    if kind.startswith("bitfield") and symbols:
        names = [symbols.get(bit, f"bit_{bit}") for bit in range(64) if point.raw >> bit & 1]
        known = all(bit in symbols for bit in range(64) if point.raw >> bit & 1)
        return "flags" if list(value) == names and (status == GOOD) == known else "wrong"
    if "sf" in point.definition and kind != "string":
        if point.factor is None:
            return "no scale factor" if value is None else "wrong"
        exact = Decimal(point.raw).scaleb(point.factor)
        # A whole number of 64 bits stays one; all others are the nearest double.
        nearest = exact if isinstance(value, int) else float(exact)
        return "scaled" if value == nearest else "wrong"
    if isinstance(point.raw, float):
        return "float" if value == point.raw else "wrong"
    return "plain" if value == point.raw and type(value) is type(point.raw) else "wrong"


def digits(raw: Any, kind: str) -> str:
    """An address as its bytes in hexadecimal; "not implemented" is one of zeros, bytes have no word for it."""
    length = {"ipaddr": 8, "eui48": 12, "ipv6addr": 32}[kind]
    text = f"{raw:x}" if isinstance(raw, int) else (raw or "").replace(":", "").lower()
    return text.zfill(length)


def test_a_point_says_all_that_the_model_says_of_it() -> None:
    points = {point.name: point.settings for point in draft(103).points}
    assert points["ph_vph_a"] == {
        "at": "10",
        "type": "uint16",
        "nan": ["0xFFFF"],
        "unit": "V",
        "scale_from": "v_sf",
        "note": "PhVphA, Phase Voltage AN",
    }
    assert points["wh"]["kind"] == "counter"
    assert points["wh"]["rollover"] == "4294967296"
    assert points["tmp_cab"]["unit"] == "degC"
    states = points["st"]["enum"]
    assert isinstance(states, dict)
    assert states["4"] == "MPPT"
    events = points["evt1"]["flags"]
    assert isinstance(events, dict)
    assert events["0"] == "GROUND_FAULT"


def test_a_group_that_repeats_is_one_entry_per_point() -> None:
    points = {point.name: point.settings for point in draft(160, Layout(length=48)).points}
    assert points["module_{i}_dca"] == {
        "at": "19",
        "type": "uint16",
        "nan": ["0xFFFF"],
        "unit": "A",
        "scale_from": "dca_sf",
        "repeat": {"i": "1..2", "step": "20"},
        "note": "module.DCA, DC Current",
    }


def test_groups_inside_groups_are_counted_in_a_formula() -> None:
    points = {point.name: point.settings for point in draft(705, Layout(repeats={"NCrv": 3, "NPt": 4})).points}
    # A curve has 10 registers and 4 pairs: 18. The first pair of the first curve begins behind 19 + 10 registers.
    curve = points["crv_{i}_pt_{j}_v"]
    assert curve["repeat"] == {"i": "1..3", "j": "1..4"}
    assert curve["at"] == "{18 * i + 2 * j + 5}"
    assert points["crv_{i}_act_pt"]["at"] == "15"


def test_a_base_is_added_to_all_addresses() -> None:
    assert [point.settings["at"] for point in draft(1, Layout(base=40002)).points[:3]] == ["40002", "40003", "40004"]


NOT_KNOWN = 'how often "module" repeats is not known, so it and what follows are left out: the model\'s length says it'


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        (Layout(), NOT_KNOWN),
        (Layout(length=47), 'a length of 47 is no whole number of "module" (20 registers each)'),
        (Layout(repeats={"module": 100_000}), '"module" cannot repeat 100000 times'),
        (Layout(repeats={"module": 5000}), "the model comes to more than 10000 points"),
    ],
)
def test_a_group_whose_number_is_not_known_is_left_out_and_said(layout: Layout, message: str) -> None:
    path = published(160)
    assert path is not None
    imported = import_sunspec(path, layout)
    assert message in {found.text for found in imported.found if found.severity == "error"}
    assert imported.profiles[0].points[0].name == "id"


def test_a_model_that_is_not_installed_has_no_file() -> None:
    assert published(65000) is None


WORDS = ["id", "group", "groups", "points", "name", "type", "size", "sf", "count", "units", "symbols", "value"]
SMALL = {
    "id": 9,
    "group": {
        "name": "g",
        "points": [
            {"name": "ID", "type": "uint16", "size": 1, "value": 9},
            {"name": "W", "type": "int16", "size": 1, "sf": "W_SF", "units": "W"},
            {"name": "W_SF", "type": "sunssf", "size": 1},
            {"name": "St", "type": "enum16", "size": 1, "symbols": [{"name": "OFF", "value": 1}]},
        ],
        "groups": [{"name": "r", "count": 2, "points": [{"name": "Nam", "type": "string", "size": 4}]}],
    },
}


@given(trees(WORDS) | spoiled(SMALL, WORDS))
@settings(max_examples=100, deadline=None)
def test_whatever_stands_in_the_file_it_is_imported_or_named(value: Any) -> None:
    holds(import_sunspec, as_json(value))


def test_what_is_no_model_is_said_once(tmp_path: Path) -> None:
    assert "error I20: this is not valid JSON" in refused(import_sunspec, "model 103")
    assert 'error I20: this is no SunSpec model: there is no "group"' in refused(import_sunspec, "{}")
    assert "nested too deeply" in refused(import_sunspec, '{"group":' * 100_000)
    assert "larger than 32 MB" in too_large(import_sunspec, tmp_path)


def test_groups_that_are_nested_too_deeply_are_left_out() -> None:
    group: dict[str, Any] = {"name": "g", "points": []}
    for _ in range(150):
        group = {"name": "g", "points": [], "groups": [group]}
    imported = import_sunspec(as_json({"id": 1, "group": group}))
    (found,) = imported.found
    assert found.text == "groups are nested more than 4 deep"
