"""The schemas in an editor: yaml-language-server says nothing against good files, and helps with what is wrong."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from gateway.mapping.folder import SCHEMAS as KINDS
from gateway.mapping.points import allowed
from gateway.mapping.schema import write
from gateway.mapping.units import BUILT_IN
from tests.gateway.mapping.exporters.judges import needs_node
from tests.gateway.mapping.schema_cases import ADAPTERS, BUNDLED, EVERYTHING, ROOT
from tests.gateway.mapping.test_schema_message import EXAMPLE

SCRIPT = ROOT / "tests" / "node" / "yaml_language_server.mjs"
LIMIT_S = 60.0

pytestmark = [pytest.mark.slow, needs_node]

PROFILE = """\
schema: fieldgate/profile/v1
profile: acme-pm1
protocol: modbus
defaults: {table: input, every: 5s}
points:
  voltage: {at: 0x0000, type: float32, unit: V}
  power:
    at: 52
    type: float32
    deadband: 1 %
  serial: {table: holding, at: 0xFC00, type: uint32, every: start, kind: info}
derived:
  twice: {expr: voltage * 2, unit: V}
"""
OPCUA = """\
schema: fieldgate/profile/v1
profile: acme-filler
protocol: opcua
namespaces: {m: "urn:acme"}
points:
  speed: {node: "m;s=Speed", unit: 1/min}
"""
DEVICES = """\
schema: fieldgate/devices/v1
devices:
  meter-1:
    profile: acme-pm1
    connect: {modbus: "tcp://10.20.0.15:502", unit_id: 1, timeout: 1s}
    change: {power: {deadband: 50 W}}
  filler-1:
    profile: acme-filler
    connect:
      opcua: "opc.tcp://10.20.0.30:4840"
      security: Basic256Sha256
"""
GATEWAY = """\
schema: fieldgate/gateway/v1
name: gw-1
state: state
upstream:
  hub: {kind: iothub, host: hub.example, trust: root.pem}
buffer: {quota: 20 GB, on_full: {telemetry: refuse}}
log: info
"""
FILES = {"profile": PROFILE, "opcua.profile": OPCUA, "devices": DEVICES, "gateway": GATEWAY}


class Broken(NamedTuple):
    file: str
    old: str
    new: str
    line: int
    """From 1, as editors show it."""
    said: str


BROKEN = [
    Broken("profile", "profile: acme", "profil: acme", 2, "Property profil is not allowed"),
    Broken("profile", "protocol: modbus", "protocol: modbuss", 3, 'Valid values: "ble", "modbus", "opcua"'),
    Broken("profile", "protocol: modbus\n", "", 1, 'Missing property "protocol"'),
    Broken("profile", "table: input", "tabel: input", 4, "Property tabel is not allowed"),
    Broken("profile", "every: 5s", "every: 5", 4, "write a time with its unit"),
    Broken("profile", "unit: V}\n  power", "uint: V}\n  power", 6, "Property uint is not allowed"),
    Broken("profile", "type: float32, unit", "type: flaot32, unit", 6, "Value is not accepted"),
    Broken("profile", "at: 0x0000, ", "", 6, 'Missing property "at"'),
    Broken("profile", "    at: 52\n", "", 7, 'Missing property "at"'),
    Broken("profile", "at: 52", "at: 4x52", 8, "write a whole number"),
    Broken("profile", "deadband: 1 %", "deadband: V", 10, "write 0.5 V or 1 %"),
    Broken("profile", "deadband: 1 %", "node: i=2258", 10, "Property node is not allowed"),
    Broken("profile", "  power:", "  Power:", 7, "small letters"),
    Broken("profile", "kind: info", "kind: inform", 11, "Value is not accepted"),
    Broken("profile", "expr: voltage * 2, ", "", 13, 'Missing property "expr"'),
    Broken("opcua.profile", "namespaces:", "numbering:", 4, "Property numbering is not allowed"),
    Broken("opcua.profile", 'node: "m;s=Speed"', "at: 7", 6, "Property at is not allowed"),
    Broken("devices", "profile: acme-pm1", "profiel: acme-pm1", 4, "Property profiel is not allowed"),
    Broken("devices", "    profile: acme-pm1\n", "", 3, 'Missing property "profile"'),
    Broken("devices", "modbus:", "modbs:", 5, "Property modbs is not allowed"),
    Broken("devices", "unit_id: 1", "unit: 1", 5, "Property unit is not allowed"),
    Broken("devices", "unit_id: 1", "unit_id: 300", 5, "Value is above the maximum of 255"),
    Broken("devices", "deadband: 50 W", "deadbnd: 50 W", 6, "Property deadbnd is not allowed"),
    Broken("devices", "Basic256Sha256", "Basic256Sha512", 11, "Value is not accepted"),
    Broken("gateway", "name: gw-1\n", "", 1, 'Missing property "name"'),
    Broken("gateway", "host: hub.example, ", "", 5, 'Missing property "host"'),
    Broken("gateway", "quota: 20 GB", "qouta: 20 GB", 6, "Property qouta is not allowed"),
    Broken("gateway", "telemetry: refuse", "telemetry: refused", 6, "Value is not accepted"),
    Broken("gateway", "log: info", "log: loud", 7, "Value is not accepted"),
]

ASKED = {
    # The cursor is where the | stands. In braces the server offers nothing before the first letter.
    "point": ("profile", "    at: 52\n", "    at: 52\n    |\n"),
    "point in braces": ("profile", "unit: V}\n  power", "unit: V, n|}\n  power"),
    "defaults": ("profile", "every: 5s", "every: 5s, n|"),
    "profile": ("profile", "derived:", "|\nderived:"),
    "words": ("profile", "type: float32\n", "type: |\n"),
    "unit": ("profile", "deadband: 1 %", "unit: |"),
    "OPC UA point": ("opcua.profile", '"m;s=Speed", unit: 1/min', '"m;s=Speed", n|'),
    "device": ("devices", "    change: {power: {deadband: 50 W}}", "    |"),
    "nothing connected": (
        "devices",
        '\n      opcua: "opc.tcp://10.20.0.30:4840"\n      security: Basic256Sha256',
        "\n      |",
    ),
    "connect": ("devices", "security: Basic256Sha256", "|"),
    "connect in braces": ("devices", "timeout: 1s", "t|"),
    "change": ("devices", "deadband: 50 W", "d|"),
    "upstream": ("gateway", "trust: root.pem", "trust: root.pem, v|"),
    "on_full": ("gateway", "telemetry: refuse", "telemetry: refuse, a|"),
}


HOVERED = {
    ("profile", "every: 5s"): "How often it is read",
    ("profile", "kind: info"): "goes up and down",
    ("opcua.profile", "node:"): "The node id",
    ("devices", "unit_id"): "The unit id that is set at the device",
    ("gateway", "quota"): "How much of the disk it may use: 20 GB.\n\nDefault: `10 GB`",
}
"""What is shown at each of these texts."""


class Told(NamedTuple):
    """What the language server says."""

    diagnostics: dict[str, list[dict[str, Any]]]
    """By URI."""
    plant: Path
    completions: dict[str, dict[str, dict[str, Any]]]
    """By what was asked, by label."""
    hovers: dict[tuple[str, str], str]
    """By kind of file and the text that the mouse rests on."""


def uri(number: int, file: str) -> str:
    return f"file:///plant/{number}/gateway.yaml" if file == "gateway" else f"file:///plant/{number}/x.{file}.yaml"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """One session with all files."""
    plant = tmp_path_factory.mktemp("plant")
    schemas = {path.name.partition(".")[0]: path for path in write(plant / ".schema", ADAPTERS)}
    patterns = {
        kind: f"{kind}.yaml" if kind in ("gateway", "units") else f"*.{kind}.yaml" for kind in (*KINDS, "message")
    }
    settings = {
        "schemas": {schemas[kind].as_uri(): [pattern] for kind, pattern in patterns.items()},
        "schemaStore": {"enable": False},
        "kubernetesCRDStore": {"enable": False},
        "validate": True,
        "completion": True,
        "hover": True,
    }
    files = dict(_files(schemas))
    ask = {name: _cursor(index, *asked) for index, (name, asked) in enumerate(ASKED.items())}
    files |= {place[0]: text for place, text in ask.values()}
    rests = {(file, name): _place(file, name) for file, name in HOVERED}
    question = {
        "settings": settings,
        "files": files,
        "complete": [place for place, _ in ask.values()],
        "hover": list(rests.values()),
    }
    answer = json.loads(_asked(question))
    completions = [{item["label"]: item for item in items} for items in answer["completions"]]
    return Told(
        answer["diagnostics"],
        plant,
        dict(zip(ask, completions, strict=True)),
        dict(zip(rests, answer["hovers"], strict=True)),
    )


def _asked(question: dict[str, Any]) -> str:
    command = ["node", str(SCRIPT)]
    asked = json.dumps(question)
    return subprocess.run(command, input=asked, capture_output=True, text=True, timeout=LIMIT_S, check=True).stdout


def _files(schemas: dict[str, Path]) -> Iterator[tuple[str, str]]:
    plant = schemas["profile"].parent.parent
    for path in BUNDLED:
        yield _opened(path, plant), path.read_text(encoding="utf-8")
    for kind, text in EVERYTHING.items():
        yield (
            f"file:///everything/{kind}.yaml" if kind in ("gateway", "units") else f"file:///everything/x.{kind}.yaml",
            text,
        )
    for file, text in FILES.items():
        yield uri(0, file), text
    for index, broken in enumerate(BROKEN, 1):
        yield uri(index, broken.file), FILES[broken.file].replace(broken.old, broken.new)
    yield "file:///messages/x.message.yaml", EXAMPLE
    yield "file:///messages/bad.message.yaml", EXAMPLE.replace('"bad"', '"good"')
    # A file whose name no setting knows: the first line alone says which schema is meant.
    modeline = "# yaml-language-server: $schema=.schema/profile.schema.json\n"
    yield (plant / "with.yaml").as_uri(), modeline + PROFILE.replace("unit: V}\n  power", "uint: V}\n  power")
    yield (plant / "without.yaml").as_uri(), PROFILE.replace("unit: V}\n  power", "uint: V}\n  power")


def _opened(path: Path, plant: Path) -> str:
    """Where an editor has it: the starter files in the folder that fieldgate init makes of them, with its schemas."""
    return (plant / path.name if path.parent.name == "starter" else path).as_uri()


def _cursor(index: int, file: str, old: str, new: str) -> tuple[tuple[str, int, int], str]:
    assert FILES[file].count(old) == 1
    text = FILES[file].replace(old, new)
    before = text[: text.index("|")]
    line = before.count("\n")
    return (uri(1000 + index, file), line, len(before) - before.rfind("\n") - 1), text.replace("|", "")


def _place(file: str, text: str) -> tuple[str, int, int]:
    before = FILES[file][: FILES[file].index(text)]
    return uri(0, file), before.count("\n"), len(before) - before.rfind("\n")


def shown(diagnostics: list[dict[str, Any]]) -> list[str]:
    return [f"{one['range']['start']['line'] + 1}: {one['message']}" for one in diagnostics]


@pytest.mark.parametrize("path", BUNDLED, ids=lambda path: path.name)
def test_nothing_is_said_against_the_bundled_files(told: Told, path: Path) -> None:
    assert shown(told.diagnostics[_opened(path, told.plant)]) == []


def test_nothing_is_said_against_whatever_can_be_written(told: Told) -> None:
    files = [one for one in told.diagnostics if one.startswith(("file:///everything/", "file:///plant/0/"))]
    assert len(files) == len(EVERYTHING) + len(FILES)
    assert {one: shown(told.diagnostics[one]) for one in files} == {one: [] for one in files}


@pytest.mark.parametrize(
    ("number", "broken"), list(enumerate(BROKEN, 1)), ids=[f"{one.file} {one.new or one.old}" for one in BROKEN]
)
def test_a_mistake_is_underlined_at_its_line(told: Told, number: int, broken: Broken) -> None:
    assert FILES[broken.file].count(broken.old) == 1
    found = shown(told.diagnostics[uri(number, broken.file)])
    assert any(broken.said in one for one in found)
    # A wrong name can be two mistakes: one that is not known, and one that is missing in the block around it.
    lines = {int(one.partition(":")[0]) for one in found if "Missing" not in one or "Missing" in broken.said}
    assert lines == {broken.line}


def test_a_message_is_judged_too(told: Told) -> None:
    assert shown(told.diagnostics["file:///messages/x.message.yaml"]) == []
    assert len(told.diagnostics["file:///messages/bad.message.yaml"]) == 1


def test_a_first_line_that_names_the_schema_is_enough(told: Told) -> None:
    by_name = {one.rpartition("/")[2]: shown(found) for one, found in told.diagnostics.items()}
    assert by_name["with.yaml"] == ["7: Property uint is not allowed."]
    assert by_name["without.yaml"] == []


def settings_of(kind: str) -> set[str]:
    modbus, opcua = ADAPTERS["modbus"], ADAPTERS["opcua"]
    return {
        "point": {*allowed(modbus.address)} - {"at", "type", "deadband"},
        "point in braces": {*allowed(modbus.address)} - {"at", "type", "unit"},
        "defaults": {*allowed(modbus.address)} - {"table", "every", "repeat"},
        "OPC UA point": {*allowed(opcua.address)} - {"node"},
        "connect": {*opcua.settings.model_fields} - {"opcua"},
        "connect in braces": {one.alias or name for name, one in modbus.settings.model_fields.items()}
        - {"modbus", "unit_id"},
        "nothing connected": {*ADAPTERS},
        "change": {*allowed(modbus.address), "expr"} - {"repeat"},
        "profile": {"maker", "model", "note", "numbering", "extends", "variants", "without"},
        "device": {"asset", "identity", "variant", "change", "context", "record", "note"},
        "upstream": {"via", "port", "tier"},
        "on_full": {"alarm", "bulk"},
    }[kind]


@pytest.mark.parametrize("kind", [kind for kind in ASKED if kind not in ("words", "unit")])
def test_all_settings_are_offered_with_their_documentation(told: Told, kind: str) -> None:
    offered = told.completions[kind]
    assert set(offered) == settings_of(kind)
    assert [name for name, item in offered.items() if not item.get("documentation")] == []


@pytest.mark.parametrize("kind", ["point", "profile", "device", "connect", "nothing connected"])
def test_what_is_taken_over_in_a_block_is_a_setting(told: Told, kind: str) -> None:
    offered = told.completions[kind]
    assert [name for name, item in offered.items() if not item["insertText"].startswith(f"{name}:")] == []


def test_words_are_offered(told: Told) -> None:
    assert {"bool", "uint16", "float32", "string"} <= told.completions["words"].keys()


def test_units_are_offered_with_what_they_measure(told: Told) -> None:
    offered = {item["insertText"].strip(): item for item in told.completions["unit"].values()}
    assert {unit.symbol for unit in BUILT_IN} - {"1", "%"} <= {text.strip('"') for text in offered}
    assert offered["kWh"]["documentation"].startswith("energy")
    assert '"1"' in offered


@pytest.mark.parametrize(("file", "text"), HOVERED, ids=lambda part: part)
def test_a_setting_is_explained_where_the_mouse_rests(told: Told, file: str, text: str) -> None:
    assert HOVERED[file, text] in told.hovers[file, text]


def test_a_server_that_goes_to_the_network_is_stopped() -> None:
    files = {"file:///a.yaml": "# yaml-language-server: $schema=https://hub.example/a.json\na: 1\n"}
    with pytest.raises(subprocess.CalledProcessError) as stopped:
        _asked({"settings": {"validate": True}, "files": files, "complete": [], "hover": []})
    assert stopped.value.returncode == 3
