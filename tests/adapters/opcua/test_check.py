"""What is said of a connection that can run, but is not safe."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.opcua.check import check
from adapters.opcua.settings import Address, Connect
from gateway.adapter import Finding, Point


def found(**settings: Any) -> list[Finding]:
    connect = Connect.model_validate({"opcua": "opc.tcp://10.20.0.30", **settings})
    points = [Point("filler-01", connect, name, Address(node=f"s={name}"), 1.0) for name in ("speed", "mode")]
    return check(points)


def test_nothing_is_said_of_a_safe_connection() -> None:
    assert not found()
    assert not found(security="Aes256_Sha256_RsaPss")
    assert not found(user={"name": "fieldgate", "password": {"secret": "x"}})
    assert not check([])


def test_d07_a_connection_without_security() -> None:
    (finding,) = found(security="None", mode="None")
    assert (finding.code, finding.point, finding.key, finding.warning) == ("D07", 0, "connect.mode", True)
    assert finding.text == "filler-01: the connection is not encrypted, and nothing in it is signed"


def test_d07_a_connection_that_is_only_signed() -> None:
    (finding,) = found(mode="Sign")
    assert (finding.code, finding.text) == ("D07", "filler-01: the connection is not encrypted")


@pytest.mark.parametrize("security", ["Basic256", "Basic128Rsa15"])
def test_u05_a_policy_that_is_out_of_date(security: str) -> None:
    (finding,) = found(security=security)
    assert (finding.code, finding.key, finding.warning) == ("U05", "connect.security", True)
    assert security in finding.text


def test_u07_a_password_in_the_clear() -> None:
    findings = found(security="None", mode="None", user={"name": "fieldgate", "password": {"secret": "x"}})
    assert [(finding.code, finding.key) for finding in findings] == [("D07", "connect.mode"), ("U07", "connect.user")]
