"""The OPC UA devices of a plant for OPC Publisher."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from typing import Any

import pytest

from gateway.mapping.exporters.publisher import published_nodes
from gateway.mapping.expression import parse
from gateway.mapping.spec import Deadband, DerivedSpec, PointSpec, Report
from tests.gateway.mapping.exporters.made import filler, meter, plant, register, variable


def node(spec: PointSpec) -> dict[str, Any]:
    entries, _ = published_nodes(plant(filler(spec)))
    found = entries[0]["OpcNodes"][0]
    assert isinstance(found, dict)
    return found


def codes(*specs: PointSpec, **connect: Any) -> list[str]:
    return [str(one) for one in published_nodes(plant(filler(*specs, **connect)))[1]]


def test_an_entry_names_server_security_and_nodes() -> None:
    entries, found = published_nodes(plant(filler(variable("speed", "m;s=Filler01.Speed", unit="1/min"))))
    assert entries == [
        {
            "EndpointUrl": "opc.tcp://10.20.0.30:4840/UA",
            "UseSecurity": True,
            "EndpointSecurityMode": "SignAndEncrypt",
            "EndpointSecurityPolicy": "Basic256Sha256",
            "OpcAuthenticationMode": "Anonymous",
            "DataSetWriterGroup": "gw1",
            "DataSetWriterId": "filler-01",
            "OpcNodes": [
                {
                    "Id": "nsu=urn:acme;s=Filler01.Speed",
                    "DisplayName": "speed",
                    "DataSetFieldId": "speed",
                    "OpcSamplingInterval": 5000,
                    "HeartbeatInterval": 5,
                }
            ],
        }
    ]
    assert found == ()


def test_an_open_server_is_told_in_the_old_words_and_the_new() -> None:
    entry = published_nodes(plant(filler(security="None", mode="None")))[0][0]
    assert (entry["UseSecurity"], entry["EndpointSecurityMode"], entry["EndpointSecurityPolicy"]) == (
        False,
        "None",
        "None",
    )


def test_the_user_is_named_and_the_password_never() -> None:
    user = {"name": "operator", "password": {"secret": "hidden"}}
    entries, found = published_nodes(plant(filler(user=user)))
    assert entries[0]["OpcAuthenticationMode"] == "UsernamePassword"
    assert entries[0]["OpcAuthenticationUsername"] == "operator"
    assert "hidden" not in json.dumps(entries)
    assert "Password" not in entries[0]
    assert [one.code for one in found] == ["E03"]
    assert "filler-01: the password of the user" in found[0].text


def test_devices_of_other_protocols_are_left_out_and_named() -> None:
    entries, found = published_nodes(plant(meter(register("p", {"at": 0})), filler()))
    assert [entry["DataSetWriterId"] for entry in entries] == ["filler-01"]
    assert [(one.code, one.text.partition(":")[0]) for one in found] == [("E01", "meter-1")]


@pytest.mark.parametrize(
    ("every_s", "silence"),
    [
        (1.0, {"HeartbeatInterval": 1}),
        (0.25, {"HeartbeatIntervalTimespan": "00:00:00.250"}),
        (5400.5, {"HeartbeatIntervalTimespan": "01:30:00.500"}),
    ],
)
def test_without_a_deadband_every_scan_is_published(every_s: float, silence: dict[str, Any]) -> None:
    found = node(variable("p", "m;s=P", every_s=every_s))
    assert found["OpcSamplingInterval"] == every_s * 1000
    assert {key: value for key, value in found.items() if key.startswith("Heartbeat")} == silence


def test_what_is_read_once_has_no_interval() -> None:
    assert node(variable("p", "m;s=P", every_s=math.inf)).keys() == {"Id", "DisplayName", "DataSetFieldId"}


@pytest.mark.parametrize(
    ("deadband", "meaning", "size"),
    [
        (Deadband(0.5), {}, 0.5),
        # The server compares raw values: 0.5 V are 5 tenths of a volt.
        (Deadband(0.5), {"scale": Fraction(1, 10)}, 5.0),
        (Deadband(0.5), {"scale": Fraction(-1, 10)}, 5.0),
        (Deadband(1.0, percent=True), {"range": (-50.0, 150.0)}, 2.0),
    ],
)
def test_a_deadband_is_absolute_and_in_the_unit_of_the_server(
    deadband: Deadband, meaning: dict[str, Any], size: float
) -> None:
    found = node(variable("p", "m;s=P", report=Report(deadband, 60.0), **meaning))
    assert (found["DeadbandType"], found["DeadbandValue"]) == ("Absolute", pytest.approx(size, rel=1e-15))
    assert found["HeartbeatInterval"] == 60


def test_a_deadband_that_the_file_cannot_say_is_told() -> None:
    spec = variable("speed", "m;s=Speed", report=Report(Deadband(1.0, percent=True)))
    assert "DeadbandType" not in node(spec)
    assert codes(spec) == ["published_nodes.json: warning E02: filler-01: published without their deadband: speed"]


def test_any_change_needs_no_deadband() -> None:
    spec = variable("mode", "m;s=Mode", report=Report(Deadband(0.0)))
    assert "DeadbandType" not in node(spec)
    assert codes(spec) == []


def test_what_the_publisher_cannot_do_is_told_once_per_device() -> None:
    mode = variable("mode", "m;s=Mode", enum={0: "off"})
    pressure = variable("pressure", "m;s=P", scale=Fraction(1, 10))
    device = filler(mode, pressure, variable("plain", "m;s=Plain"))
    total = DerivedSpec("total", "", parse("plain * 2"))
    device = meter(
        *device.points, derived=(total,), name="filler-01", protocol="opcua", connect=device.connect, asset=None
    )
    assert [one.text for one in published_nodes(plant(device))[1]] == [
        "filler-01: published as raw values: mode, pressure",
        "filler-01: left out, they are computed: total",
    ]
