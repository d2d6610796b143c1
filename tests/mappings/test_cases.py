"""Registers in, values out: the cases of every bundled profile, which are data.

A case is ``cases/<profile>/<what it shows>.json``::

    source     where the numbers are from
    protocol   of the profile, for those who read the case without it
    variant    of the profile, where it is one
    connect    where the device is, where that matters (a key, for example)
    blocks     what was read: ``key`` in the words of the adapter, and ``hex``, or ``json`` for what is no bytes
    values     what the message says: all values of it, and no others
    quality    of those that are not good: "bad", or with its reason ["bad", "no value (nan 0xffff)"]
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from gateway import plugins
from gateway.mapping.profiles import Profile
from gateway.mapping.totals import Totals
from gateway.message import Scans
from gateway.model import RawBlock
from gateway.plant import bundled_profiles
from tests.mappings import bundled

CASES = Path(__file__).parent / "cases"
FILES = sorted(CASES.glob("*/*.json"))
SETTINGS = {"source", "protocol", "variant", "connect", "blocks", "values", "quality"}
AT_NS = 1_800_000_000_000_000_000


@cache
def profiles() -> dict[str, Profile]:
    return bundled.profiles()


def case(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    assert found.keys() <= SETTINGS, path
    assert found["source"], path
    return found


def cases(profile: str) -> list[dict[str, Any]]:
    return [case(path) for path in FILES if path.parent.name == profile]


def block(device: str, said: dict[str, Any]) -> RawBlock:
    data = bytes.fromhex(said["hex"]) if "hex" in said else json.dumps(said["json"]).encode()
    return RawBlock(device, said["key"], data, AT_NS)


def published(folder: Path, profile: str, said: dict[str, Any]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The values and qualities of the message that the blocks of a case become."""
    protocol = profiles()[profile].protocol
    connect = said.get("connect", bundled.CONNECT[protocol])
    device = bundled.device(folder, profile, connect, said.get("variant", ""))
    decode = plugins.find().adapters[protocol].decode
    assert decode is not None
    points = [spec.point for spec in device.points]
    readings = decode(points, [block(device.name, one) for one in said["blocks"]])
    if not readings:
        return {}, {}
    made = Scans(device, Totals(), ()).make(tuple(reading.point for reading in readings), readings)
    (message,) = made.messages
    body = json.loads(message.body)
    return body["values"], body.get("quality", {})


@pytest.mark.parametrize("path", [pytest.param(path, id=f"{path.parent.name}/{path.stem}") for path in FILES])
def test_what_was_read_becomes_these_values(path: Path, tmp_path: Path) -> None:
    said = case(path)
    values, quality = published(tmp_path, path.parent.name, said)
    assert values == said["values"]
    # 1 == True: what is a truth and what is a number must be compared apart.
    assert {name for name, value in values.items() if type(value) is bool} == {
        name for name, value in said["values"].items() if type(value) is bool
    }
    words = {name: why[0] if isinstance(said["quality"].get(name), str) else why for name, why in quality.items()}
    assert words == said["quality"]


@pytest.mark.parametrize("name", bundled_profiles())
def test_every_point_of_a_bundled_profile_has_a_value_in_one_of_its_cases(name: str) -> None:
    profile = profiles()[name]
    points = {entry.spec.point.name for entry in profile.points} | {entry.spec.name for entry in profile.derived}
    shown = {point for said in cases(name) for point, value in said["values"].items() if value is not None}
    assert points - shown == set()


@pytest.mark.parametrize("name", bundled_profiles())
def test_every_variant_of_a_bundled_profile_has_a_case(name: str) -> None:
    assert set(profiles()[name].variants) == {said["variant"] for said in cases(name) if "variant" in said}


def test_every_case_is_of_a_bundled_profile_and_its_protocol() -> None:
    for path in FILES:
        assert path.parent.name in profiles(), path
        protocol = profiles()[path.parent.name].protocol
        assert case(path).get("protocol", protocol) == protocol, path
