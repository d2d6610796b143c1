"""OPC Publisher's published_nodes.json: servers and nodes, and no password that gets out."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from gateway.mapping.importers.publisher import import_published_nodes
from gateway.mapping.importers.source import Text
from gateway.mapping.writer import write_devices, write_profile
from tests.gateway.mapping.importers.folders import Case, cases, plain, plant
from tests.gateway.mapping.importers.hostile import as_json, holds, refused, spoiled, too_large, trees

WORDS = [
    "EndpointUrl",
    "UseSecurity",
    "EndpointSecurityMode",
    "EndpointSecurityPolicy",
    "OpcAuthenticationMode",
    "OpcAuthenticationUsername",
    "OpcAuthenticationPassword",
    "OpcNodes",
    "Id",
    "ExpandedNodeId",
    "NodeId",
    "Identifier",
    "OpcSamplingInterval",
    "OpcSamplingIntervalTimespan",
    "HeartbeatInterval",
    "DeadbandType",
    "DeadbandValue",
    "DisplayName",
    "DataSetFieldId",
    "EventFilter",
    "AttributeId",
    "UseReverseConnect",
]
GOOD = json.loads((cases("publisher")[4].source).read_text())


@pytest.mark.parametrize("case", cases("publisher"), ids=lambda case: case.folder.name)
def test_a_file_becomes_what_its_case_says(case: Case) -> None:
    assert plain(import_published_nodes(case.source)) == case.expected()


@pytest.mark.parametrize("case", cases("publisher"), ids=lambda case: case.folder.name)
def test_what_was_imported_is_a_plant_without_errors(case: Case, tmp_path: Path) -> None:
    plant(tmp_path, import_published_nodes(case.source))


def test_no_password_gets_out() -> None:
    (case,) = (case for case in cases("publisher") if case.folder.name == "users_and_security")
    assert "hunter2-do-not-copy" in case.source.read_text()
    imported = import_published_nodes(case.source)
    written = "".join(write_profile(profile) for profile in imported.profiles) + write_devices(imported.devices)
    for text in (written, repr(imported)):
        assert "hunter2" not in text
        assert "aHVudGVy" not in text
    assert imported.devices[0].connect["user"] == {"name": "reader", "password": {"secret": "line1"}}


def test_two_users_of_one_server_have_a_secret_each() -> None:
    entry = {
        "EndpointUrl": "opc.tcp://a:4840",
        "OpcAuthenticationMode": "UsernamePassword",
        "OpcNodes": [{"Id": "i=2258"}],
    }
    users = [entry | {"OpcAuthenticationUsername": user} for user in ("eve", "adam")]
    secrets = [device.connect["user"] for device in import_published_nodes(as_json(users)).devices]
    assert secrets == [
        {"name": "eve", "password": {"secret": "a"}},
        {"name": "adam", "password": {"secret": "a-2"}},
    ]


@pytest.mark.parametrize(
    ("written", "node", "namespaces"),
    [
        ("i=2258", "i=2258", {}),
        ("ns=0;i=2258", "i=2258", {}),
        ("nsu=http://opcfoundation.org/UA/;i=2258", "i=2258", {}),
        ("ns=2;s=a;b=c", "ns=2;s=a;b=c", {}),
        ("nsu=urn:acme:plc;s=A.B", "plc;s=A.B", {"plc": "urn:acme:plc"}),
        ("urn:acme:plc#s=A#B", "plc;s=A#B", {"plc": "urn:acme:plc"}),
        ("nsu=http://acme.example/100%25/;b=aGk=", "example;b=aGk=", {"example": "http://acme.example/100%/"}),
    ],
)
def test_a_node_id_is_read_in_all_its_spellings(written: str, node: str, namespaces: dict[str, str]) -> None:
    nodes = [{"EndpointUrl": "opc.tcp://a:4840", "OpcNodes": [{"Id": written, "DisplayName": "x"}]}]
    (profile,) = import_published_nodes(as_json(nodes)).profiles
    assert profile.points[0].settings["node"] == node
    assert profile.head.get("namespaces", {}) == namespaces


@given(trees(WORDS) | spoiled(GOOD, WORDS))
@settings(max_examples=100, deadline=None)
def test_whatever_stands_in_the_file_it_is_imported_or_named(value: Any) -> None:
    holds(import_published_nodes, as_json(value))


def test_what_is_no_list_of_nodes_is_said_once(tmp_path: Path) -> None:
    assert "x:1:2: error I20: this is not valid JSON" in refused(import_published_nodes, "[")
    assert "nested too deeply" in refused(import_published_nodes, '{"a":' * 200_000)
    assert "thousands of digits" in refused(import_published_nodes, "[" + "1" * 5000 + "]")
    assert "error I20: this is no list of servers" in refused(import_published_nodes, "{}")
    assert "larger than 32 MB" in too_large(import_published_nodes, tmp_path)


@pytest.mark.slow
def test_a_hundred_thousand_nodes_take_seconds() -> None:
    nodes = [{"Id": f"nsu=urn:acme:plc;s=Tag{n}", "OpcSamplingInterval": "x" if n % 2 else 500} for n in range(100_000)]
    text = json.dumps([{"EndpointUrl": "opc.tcp://a:4840", "OpcNodes": nodes}])
    before = time.perf_counter()
    imported = import_published_nodes(Text("x.json", text))
    assert len(imported.profiles[0].points) == 50_000
    assert len(imported.found) == 50_000
    assert imported.found[4].file == "x.json: [0].OpcNodes[9].OpcSamplingInterval"
    assert time.perf_counter() - before < 30
