"""A counter is the one at its address, however the device is talked to."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.ble import settings as ble
from adapters.modbus import settings as modbus
from adapters.opcua import settings as opcua
from gateway.adapter import Point
from gateway.mapping.sources import source


def meter(connect: dict[str, Any] | None = None, **address: Any) -> str:
    whole = {"modbus": "tcp://10.0.0.1:502", "unit_id": 2} | (connect or {})
    made = modbus.Address.model_validate({"at": 1, "type": "uint32"} | address)
    return source(Point("meter", modbus.Connect.model_validate(whole), "energy", made, 5.0))


def test_the_same_counter_has_the_same_text_in_every_run() -> None:
    assert meter() == "71771f08f3260efd"


@pytest.mark.parametrize(
    "address", [{"at": 2}, {"type": "uint16"}, {"table": "input"}, {"order": "CDAB"}, {"bits": "0..7"}]
)
def test_another_address_is_another_counter(address: dict[str, Any]) -> None:
    assert meter(**address) != meter()


@pytest.mark.parametrize("connect", [{"modbus": "tcp://10.0.0.2:502"}, {"unit_id": 3}, {"base": 100}])
def test_another_device_is_another_counter(connect: dict[str, Any]) -> None:
    assert meter(connect) != meter()


def test_times_are_no_address() -> None:
    assert meter({"timeout": "4s"}) == meter()


def test_a_default_may_be_written_out() -> None:
    assert meter({"base": 0}, table="holding", order="ABCD") == meter()


def test_security_and_users_are_no_address() -> None:
    def filler(node: str = "i=1", **connect: Any) -> str:
        whole = opcua.Connect.model_validate({"opcua": "opc.tcp://10.0.0.1:4840", **connect})
        return source(Point("filler", whole, "bottles", opcua.Address(node=node), 1.0))

    user = {"name": "gw", "password": {"secret": "filler"}}
    assert filler(security="None", mode="None", user=user) == filler()
    assert filler(node="i=2") != filler()
    assert filler(opcua="opc.tcp://10.0.0.2:4840") != filler()


def test_a_key_is_no_address() -> None:
    def tag(**connect: Any) -> str:
        whole = ble.Connect.model_validate({"ble": "CB:B8:33:4C:88:4F", **connect})
        return source(Point("tag", whole, "sequence", ble.Address(byte=16, type="uint16"), 1.0))

    assert tag(key={"secret": "tag"}) == tag()
    assert tag(ble="CB:B8:33:4C:88:40") != tag()


def test_a_point_without_settings_has_a_text() -> None:
    assert source(Point("meter", None, "energy", None, 1.0)) == source(Point("other", None, "e", None, 2.0))
