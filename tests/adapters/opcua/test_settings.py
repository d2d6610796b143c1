"""What may be written for OPC UA: signed and encrypted unless something else is written."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from adapters.opcua.settings import Connect, Profile, line


def faults(model: type[BaseModel], **settings: Any) -> list[tuple[str, str]]:
    """Key and code of every error, as a plant file would bring the settings."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate(settings)
    return [
        (".".join(map(str, error["loc"])), str(error.get("ctx", {}).get("code", error["type"])))
        for error in caught.value.errors()
    ]


def connect(**settings: Any) -> Connect:
    return Connect.model_validate({"opcua": "opc.tcp://10.20.0.30:4840", **settings})


def test_signed_and_encrypted_and_anonymous_unless_something_else_is_written() -> None:
    found = connect()
    assert (found.security, found.mode, found.user.label, found.timeout) == (
        "Basic256Sha256",
        "SignAndEncrypt",
        "",
        4.0,
    )


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("opc.tcp://10.20.0.30", "opc.tcp://10.20.0.30:4840"),
        ("opc.tcp://Filler-01.Plant:4841/", "opc.tcp://filler-01.plant:4841"),
        ("opc.tcp://filler/UA/Server", "opc.tcp://filler:4840/UA/Server"),
        ("opc.tcp://[FE80::1]:4840", "opc.tcp://[fe80::1]:4840"),
    ],
)
def test_one_server_has_one_spelling(text: str, endpoint: str) -> None:
    assert Connect.model_validate({"opcua": text}).opcua == endpoint


@pytest.mark.parametrize(
    "text",
    ["10.20.0.30", "tcp://10.20.0.30:4840", "opc.tcp://", "opc.tcp://a b", "opc.tcp://a:70000", "opc.tcp://a/x y"],
)
def test_what_is_no_server_is_refused(text: str) -> None:
    assert faults(Connect, opcua=text) == [("opcua", "U04")]


@pytest.mark.parametrize("mode", ["Sign", "SignAndEncrypt"])
@pytest.mark.parametrize(
    "security",
    ["Basic128Rsa15", "Basic256", "Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"],
)
def test_every_policy_signs_and_encrypts(security: str, mode: str) -> None:
    found = connect(security=security, mode=mode)
    assert (found.security, found.mode) == (security, mode)


def test_no_security_must_be_written_twice() -> None:
    assert connect(security="None", mode="None").mode == "None"
    endpoint = "opc.tcp://10.20.0.30"
    assert faults(Connect, opcua=endpoint, security="None") == [("mode", "D06")]
    assert faults(Connect, opcua=endpoint, security="None", mode="Sign") == [("mode", "D06")]
    assert faults(Connect, opcua=endpoint, mode="None") == [("mode", "D06")]
    assert faults(Connect, opcua=endpoint, security="Basic256Sha256", mode="None") == [("mode", "D06")]


def test_one_mistake_in_security_is_one_message() -> None:
    assert faults(Connect, opcua="opc.tcp://a", security="Basic256sha256", mode="None") == [
        ("security", "literal_error")
    ]


def test_a_user_is_a_name_with_a_password_or_a_certificate_with_a_key() -> None:
    by_name = connect(user={"name": "fieldgate", "password": {"secret": "filler-01"}})
    assert by_name.user.label == "fieldgate"
    by_certificate = connect(user={"certificate": "certs/fieldgate.pem", "key": {"secret": "filler-key"}})
    assert by_certificate.user.label == "certs/fieldgate.pem"


@pytest.mark.parametrize(
    "user",
    [
        {"name": "fieldgate"},
        {"password": {"secret": "x"}},
        {"name": "", "password": {"secret": "x"}},
        {"certificate": "a.pem"},
        {"name": "fieldgate", "key": {"secret": "x"}},
        {"name": "a", "password": {"secret": "x"}, "certificate": "a.pem", "key": {"secret": "x"}},
    ],
)
def test_half_a_user_is_refused(user: dict[str, Any]) -> None:
    assert faults(Connect, opcua="opc.tcp://a", user=user) == [("user", "U06")]


def test_a_password_in_the_file_is_refused() -> None:
    user = {"name": "fieldgate", "password": "letmein"}
    assert faults(Connect, opcua="opc.tcp://a", user=user) == [("user.password", "M23")]


def test_one_session_for_each_user_and_security_of_a_server() -> None:
    user = {"name": "fieldgate", "password": {"secret": "x"}}
    found = [connect(), connect(timeout="1s"), connect(user=user), connect(security="None", mode="None")]
    found.append(connect(security="Basic256", mode="Sign"))
    assert [line(one) for one in found] == [
        "opc.tcp://10.20.0.30:4840",
        "opc.tcp://10.20.0.30:4840",
        "opc.tcp://10.20.0.30:4840, as fieldgate",
        "opc.tcp://10.20.0.30:4840, not secured",
        "opc.tcp://10.20.0.30:4840, Basic256 Sign",
    ]


def test_namespaces_are_uris_by_short_names() -> None:
    written = {"m": "urn:peer:node-opcua", "kep": "KEPServerEX"}
    assert Profile.model_validate({"namespaces": written}).namespaces == written
    assert Profile().namespaces == {}


@pytest.mark.parametrize(
    "namespaces",
    [{"m": "2"}, {"m": "ns=2"}, {"m": ""}, {"ns": "urn:a"}, {"nsu": "urn:a"}, {"a=b": "urn:a"}, {"1": "urn:a"}],
)
def test_an_index_or_a_reserved_name_is_refused(namespaces: dict[str, str]) -> None:
    ((_, code),) = faults(Profile, namespaces=namespaces)
    assert code == "U08"
