"""Where a point is read, in the words of the WoT bindings."""

from __future__ import annotations

import math
from typing import Any

import pytest

from adapters.ble import settings as ble
from gateway.mapping.exporters.forms import binding, bytes_alone
from gateway.mapping.spec import Device, PointSpec, Write
from gateway.model import Point
from tests.gateway.mapping.exporters.made import filler, meter, register, variable

URN = "urn:fieldgate:gw1:meter-1"


def form(spec: PointSpec, device: Device | None = None) -> dict[str, Any]:
    return binding(device or meter(), URN).form(spec)


def test_a_modbus_form_is_complete() -> None:
    voltage = register("voltage", {"at": "0x5B00", "type": "uint32", "order": "CDAB"}, every_s=0.5)
    assert binding(meter(), URN).base == "modbus+tcp://10.20.0.15:502/"
    assert form(voltage) == {
        "href": "7/23296?quantity=2",
        "op": ["readproperty", "observeproperty", "unobserveproperty"],
        "contentType": "application/octet-stream;length=4;signed=false;byteSeq=LITTLE_ENDIAN_BYTE_SWAP",
        "modv:entity": "HoldingRegister",
        "modv:zeroBasedAddressing": True,
        "modv:type": "xsd:unsignedInt",
        "modv:mostSignificantByte": True,
        "modv:mostSignificantWord": False,
        "modv:pollingTime": 500,
        "modv:timeout": 1000,
    }


@pytest.mark.parametrize(
    ("order", "byte", "word", "sequence"),
    [
        ("ABCD", True, True, "BIG_ENDIAN"),
        ("CDAB", True, False, "LITTLE_ENDIAN_BYTE_SWAP"),
        ("BADC", False, True, "BIG_ENDIAN_BYTE_SWAP"),
        ("DCBA", False, False, "LITTLE_ENDIAN"),
    ],
)
def test_orders_are_told_by_byte_and_by_word(order: str, byte: bool, word: bool, sequence: str) -> None:
    told = form(register("p", {"at": 0, "type": "float32", "order": order}))
    assert (told["modv:mostSignificantByte"], told["modv:mostSignificantWord"]) == (byte, word)
    assert told["contentType"] == f"application/octet-stream;length=4;signed=true;byteSeq={sequence}"


@pytest.mark.parametrize(
    ("address", "entity", "quantity", "type_"),
    [
        ({"table": "coil", "type": "bool"}, "Coil", 1, "xsd:boolean"),
        ({"table": "discrete", "type": "bool"}, "DiscreteInput", 1, "xsd:boolean"),
        ({"table": "input", "type": "float64"}, "InputRegister", 4, "xsd:double"),
        ({"type": "string", "length": "8"}, "HoldingRegister", 8, "xsd:string"),
        ({"type": "bcd32"}, "HoldingRegister", 2, "xsd:hexBinary"),
        ({"type": "uint24"}, "HoldingRegister", 2, "xsd:hexBinary"),
        ({"type": "int8"}, "HoldingRegister", 1, "xsd:hexBinary"),
    ],
)
def test_tables_types_and_lengths(address: dict[str, Any], entity: str, quantity: int, type_: str) -> None:
    told = form(register("p", {"at": 40, **address}))
    assert (told["modv:entity"], told["href"], told["modv:type"]) == (entity, f"7/40?quantity={quantity}", type_)
    assert bytes_alone(told) == (type_ == "xsd:hexBinary")
    assert ("fieldgate:type" in told) == bytes_alone(told)


def test_the_base_address_of_a_device_is_added() -> None:
    device = meter()
    moved = meter(connect=device.connect.model_copy(update={"base": 100}))
    assert form(register("p", {"at": 5}), moved)["href"] == "7/105?quantity=1"


def test_registers_that_are_no_neighbours_are_named_in_our_own_terms() -> None:
    told = form(register("p", {"registers": [3, 9], "type": "uint32"}))
    assert told["href"] == "urn:fieldgate:gw1:meter-1:p"
    assert told["fieldgate:registers"] == [3, 9]


def test_what_is_read_once_is_not_polled() -> None:
    assert "modv:pollingTime" not in form(register("p", {"at": 0}, every_s=math.inf))


def test_an_opcua_node_is_named_by_the_uri_of_its_namespace() -> None:
    device = filler()
    speed = variable("speed", "m;s=Filler 01#A&B.Speed", write=Write())
    assert form(speed, device)["href"] == "opc.tcp://10.20.0.30:4840/UA/?id=nsu=urn:acme;s=Filler%2001%23A%26B.Speed"
    assert form(speed, device)["op"] == ["readproperty", "writeproperty", "observeproperty", "unobserveproperty"]
    assert form(variable("now", "i=2258"), device)["href"].endswith("/?id=i=2258")


_CERTIFICATE = {"certificate": "user.der", "key": {"secret": "user"}}


@pytest.mark.parametrize(
    ("connect", "mode", "token"),
    [
        ({}, "SignAndEncrypt", "Anonymous"),
        ({"mode": "Sign", "user": {"name": "a", "password": {"secret": "b"}}}, "Sign", "UserName"),
        (
            {"security": "None", "mode": "None", "user": {"certificate": "a", "key": {"secret": "b"}}},
            "None",
            "Certificate",
        ),
    ],
)
def test_an_opcua_connection_tells_its_security(connect: dict[str, Any], mode: str, token: str) -> None:
    security = binding(filler(**connect), URN).security
    assert list(security)[-1] == "combo_sc"
    assert security["combo_sc"]["allOf"] == ["channel_sc", "user_sc"]
    assert security["channel_sc"]["uav:securityMode"] == mode
    assert security["user_sc"]["uav:userIdentityToken"] == token


def test_an_open_opcua_server_has_no_security_and_says_so() -> None:
    assert binding(filler(security="None", mode="None"), URN).security == {"nosec_sc": {"scheme": "nosec"}}


def test_a_protocol_without_a_binding_gets_a_plain_form() -> None:
    tag = meter(protocol="ble", connect=ble.Connect.model_validate({"ble": "CB:B8:33:4C:88:4F"}))
    address = ble.Address.model_validate({"byte": "1", "type": "int16", "order": "big", "bits": "0..3"})
    temperature = PointSpec(Point("tag", None, "temperature", address, 5.0), "degC")
    bound = binding(tag, URN)
    assert (bound.base, bound.observable) == ("", False)
    assert bound.form(temperature) == {
        "href": "urn:fieldgate:gw1:meter-1:temperature",
        "contentType": "application/octet-stream",
        "op": ["readproperty"],
        "fieldgate:byte": 1,
        "fieldgate:type": "int16",
        "fieldgate:order": "big",
        "fieldgate:bits": [0, 3],
    }
