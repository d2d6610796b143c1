from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from gateway.mapping.folder import SCHEMAS as KINDS
from gateway.mapping.schema import schemas, text, write
from tests.gateway.mapping.schema_cases import ADAPTERS, BUNDLED, EVERYTHING, ROOT, SCHEMAS, errors, kind, readings


def test_there_is_a_schema_of_each_kind_of_file_and_of_the_messages() -> None:
    assert SCHEMAS.keys() == {*KINDS, "message"}


@pytest.mark.parametrize("kind_", SCHEMAS)
def test_the_schemas_are_draft_07(kind_: str) -> None:
    assert SCHEMAS[kind_]["$schema"] == "http://json-schema.org/draft-07/schema#"
    Draft7Validator.check_schema(SCHEMAS[kind_])


@pytest.mark.parametrize("kind_", SCHEMAS)
def test_the_files_in_mappings_schema_are_those_of_the_models(kind_: str) -> None:
    file = ROOT / "mappings" / "schema" / f"{kind_}.schema.json"
    assert file.read_text(encoding="utf-8") == text(SCHEMAS[kind_]), (
        "write them anew: fieldgate export schema mappings/schema"
    )


def test_what_is_written_is_what_is_made_and_in_any_order_the_same(tmp_path: Path) -> None:
    backwards = dict(reversed(ADAPTERS.items()))
    written = write(tmp_path / "new" / "schema", backwards)
    assert {path.name: json.loads(path.read_text(encoding="utf-8")) for path in written} == {
        f"{name}.schema.json": schema for name, schema in SCHEMAS.items()
    }
    assert text(schemas(backwards)["devices"]) == text(SCHEMAS["devices"])


@pytest.mark.parametrize("path", BUNDLED, ids=lambda path: path.name)
def test_no_word_against_the_bundled_files(path: Path) -> None:
    for value in readings(path.read_text(encoding="utf-8")):
        assert errors(kind(path), value) == []


@pytest.mark.parametrize("kind_", EVERYTHING)
def test_no_word_against_what_can_be_written(kind_: str) -> None:
    for value in readings(EVERYTHING[kind_]):
        assert errors(kind_, value) == []


@pytest.mark.parametrize("keep", ["none", "1y", "{alarm: 1y, telemetry: 60d, bulk: none}", "{}"])
def test_no_word_against_lifetimes_for_all_and_by_class(keep: str) -> None:
    for value in readings(EVERYTHING["gateway"].replace("keep: 60d", f"keep: {keep}")):
        assert errors("gateway", value) == []


WRONG = [
    ("gateway", "log: debug", "log: loud", "log"),
    ("gateway", "log: debug", "lgo: debug", ""),
    ("gateway", "name: gw-1\n", "", ""),
    ("gateway", "name: gw-1", "name: GW 1", "name"),
    ("gateway", "quota: 20 GB", "quota: 20", "buffer/quota"),
    ("gateway", "telemetry: thin", "telemetry: thick", "buffer/on_full/telemetry"),
    ("gateway", "alarm: refuse", "alarm: thin", "buffer/on_full/alarm"),
    ("gateway", "keep: 60d", "keep: 60", "buffer/keep"),
    ("gateway", "keep: 60d", "keep: {alarm: 1 year}", "buffer/keep"),
    ("gateway", "live-first", "newest-first", "buffer/order"),
    ("gateway", "host: contoso.azure-devices.net, ", "", "upstream/hub"),
    ("gateway", "port: 8883", "port: 70000", "upstream/hub/port"),
    ("gateway", "gateway/v1", "profile/v1", "schema"),
    ("assets", "maker: {from: maker}", "maker: {of: maker}", "assets/acme/hall/maker"),
    ("assets", "acme/yard:", "acme/The Yard:", "assets"),
    ("units", "factor: 1e3", "factor: many", "units/MWh_th/factor"),
    ("devices", "connect: {modbus:", "connect: {modbs:", "devices/meter-1/connect"),
    ("devices", "timeout: 500ms", "timeout: 500", "devices/meter-1/connect/timeout"),
    ("devices", "unit_id: 0x10", "unit_id: 300", "devices/meter-1/connect/unit_id"),
    ("devices", "offline_after: 5min", "unit_id: 1", "devices/tag-1/connect"),
    ("devices", "mode: None", "mode: Encrypt", "devices/filler-1/connect/mode"),
    ("devices", "password: {secret: filler-01}", "password: 1234", "devices/filler-1/connect/user/password"),
    ("devices", "kind: info", "kind: infos", "devices/filler-1/change/speed/kind"),
    ("devices", "kind: info", "at: 7", "devices/filler-1/change/speed"),
    ("devices", "    profile: filler\n", "", "devices/filler-1"),
]


@pytest.mark.parametrize(("kind_", "old", "new", "where"), WRONG, ids=[f"{one[0]} {one[2] or one[1]}" for one in WRONG])
def test_a_mistake_is_seen_where_it_is(kind_: str, old: str, new: str, where: str) -> None:
    assert EVERYTHING[kind_].count(old) == 1
    found = errors(kind_, next(readings(EVERYTHING[kind_].replace(old, new))))
    assert {error.partition(": ")[0] for error in found} == {where}


def settings(schema: Any, way: tuple[str, ...] = ()) -> Any:
    """All settings below a schema, each with its name."""
    if isinstance(schema, list):
        schema = dict(enumerate(schema))
    if not isinstance(schema, dict):
        return
    for name, entry in schema.get("properties", {}).items():
        # A condition on a setting is none of its own: it tells two cases apart.
        if "if" not in way:
            yield ".".join((*way, name)), entry
    for word, part in schema.items():
        yield from settings(part, (*way, str(word)))


@pytest.mark.parametrize("kind_", SCHEMAS)
def test_every_setting_has_words_for_people(kind_: str) -> None:
    dumb = {
        name for name, entry in settings(SCHEMAS[kind_]) if not entry.get("description") and not told_elsewhere(name)
    }
    assert dumb == set()


def told_elsewhere(name: str) -> bool:
    """What a branch says again of a setting that has its words beside it."""
    return name.endswith((".then.change", "then.properties.change"))
