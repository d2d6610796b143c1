"""Failures in words: each says where, what is wrong, and what to do."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from pathlib import Path

import pytest

from gateway.identity.credentials import CredentialFault
from gateway.identity.tls import TrustFault
from gateway.mqtt.connection import ConnectionLost
from gateway.mqtt.connection import Refused as RefusedByMqtt
from gateway.mqtt.packets import MalformedPacket
from gateway.upstream.port import NoCredential, Refused, UpstreamLost
from gateway.upstream.words import Address, explain

TO = Address("pump-1", "hub.example", 8883, (Path("certs/hub-root.pem"),))


def tls(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}]")
    error.reason = reason
    return error


def unverified(code: int, message: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message, error.reason = code, message, "CERTIFICATE_VERIFY_FAILED"
    return error


def lost(cause: Exception | None, acknowledged: int = 0) -> ConnectionLost:
    error = ConnectionLost("connection lost", acknowledged)
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ECONNREFUSED, "hub.example:8883: connection refused: nobody listens there"),
        (errno.ENETUNREACH, "hub.example:8883: no route to the network"),
        (errno.EHOSTUNREACH, "hub.example:8883: no route to the host"),
        (errno.ETIMEDOUT, "hub.example:8883: no answer"),
    ],
)
def test_the_network_says_which_step_failed(number: int, reason: str) -> None:
    said = explain(OSError(number, os.strerror(number)), TO)
    assert type(said) is UpstreamLost
    assert said.reason == reason
    assert said.remedy


def test_an_error_of_the_system_without_words_of_ours_is_passed_on() -> None:
    said = explain(OSError(errno.ENOBUFS, os.strerror(errno.ENOBUFS)), TO)
    assert "No buffer space available" in said.reason


def test_a_name_that_cannot_be_resolved() -> None:
    said = explain(socket.gaierror(socket.EAI_NONAME, "Name or service not known"), TO)
    assert said.reason == "the name hub.example cannot be resolved: Name or service not known"
    assert "DNS" in said.remedy


@pytest.mark.parametrize(
    ("code", "message", "reason", "remedy"),
    [
        (10, "certificate has expired", "the certificate of hub.example:8883 has expired", "clock"),
        (9, "certificate is not yet valid", "is not valid yet", "set the clock"),
        (62, "Hostname mismatch", "is for another name: Hostname mismatch", "host: in gateway.yaml"),
        (64, "IP address mismatch", "is for another name", "host: in gateway.yaml"),
        (20, "unable to get local issuer certificate", "is not trusted: unable to get", "certs/hub-root.pem"),
        (19, "self-signed certificate in certificate chain", "is not trusted", "certs/hub-root.pem"),
        (85, "Missing Authority Key Identifier", "is not acceptable: Missing", "renewed on the hub's side"),
    ],
)
def test_a_hub_that_we_do_not_believe(code: int, message: str, reason: str, remedy: str) -> None:
    said = explain(unverified(code, message), TO)
    # Not Refused: the hub said nothing, we went away.
    assert type(said) is UpstreamLost
    assert reason in said.reason
    assert remedy in said.remedy


@pytest.mark.parametrize(
    ("alert", "why"),
    [
        ("TLSV1_ALERT_UNKNOWN_CA", "comes from an authority that it does not know"),
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "did not reach it"),
        ("SSLV3_ALERT_CERTIFICATE_EXPIRED", "has expired"),
        ("SSLV3_ALERT_CERTIFICATE_REVOKED", "is revoked"),
        ("SSLV3_ALERT_BAD_CERTIFICATE", "is not well formed"),
    ],
)
def test_a_hub_that_does_not_believe_us_refuses_this_identity(alert: str, why: str) -> None:
    # With TLS 1.3 the alert comes after the handshake: as the cause of a connection that is lost.
    for error in (tls(alert), lost(tls(alert))):
        said = explain(error, TO)
        assert isinstance(said, Refused)
        assert said.reason.startswith("the hub does not take the certificate of pump-1: it ")
        assert why in said.reason
        assert "fieldgate certs export-ca" in said.remedy


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("UNSUPPORTED_PROTOCOL", "does not speak TLS 1.2 or later"),
        ("TLSV1_ALERT_PROTOCOL_VERSION", "does not speak TLS 1.2 or later"),
        ("WRONG_VERSION_NUMBER", "does not speak TLS"),
        ("SSLV3_ALERT_HANDSHAKE_FAILURE", "TLS: sslv3 alert handshake failure"),
    ],
)
def test_a_server_that_speaks_something_else(reason: str, words: str) -> None:
    said = explain(tls(reason), TO)
    assert type(said) is UpstreamLost
    assert words in said.reason


@pytest.mark.parametrize("code", [4, 5])
def test_a_refused_device_is_named_with_what_to_look_for(code: int) -> None:
    said = explain(RefusedByMqtt(code), TO)
    assert isinstance(said, Refused)
    assert said.reason.startswith("the hub refuses device pump-1: ")
    assert "device pump-1" in said.remedy
    assert "fieldgate certs export-ca PLANT" in said.remedy


def test_a_hub_that_is_busy_refuses_nobody() -> None:
    said = explain(RefusedByMqtt(3), TO)
    assert type(said) is UpstreamLost
    assert said.reason == "hub.example:8883: the hub answers: server unavailable"


def test_a_missing_certificate_is_no_word_of_the_hub() -> None:
    said = explain(CredentialFault("pump-1.pem is missing", "fieldgate certs issue PLANT"), TO)
    assert isinstance(said, NoCredential)
    assert (said.reason, said.remedy) == ("pump-1.pem is missing", "fieldgate certs issue PLANT")


def test_missing_roots_are_passed_on() -> None:
    said = explain(TrustFault("trusted roots x.pem: No such file", "put it there"), TO)
    assert type(said) is UpstreamLost
    assert (said.reason, said.remedy) == ("trusted roots x.pem: No such file", "put it there")


def test_a_broken_connection_keeps_what_was_acknowledged() -> None:
    for cause in (None, ConnectionResetError(errno.ECONNRESET, "reset"), tls("DECRYPTION_FAILED")):
        said = explain(lost(cause, 7), TO)
        assert said.acknowledged == 7
    assert explain(lost(None), TO).reason == "hub.example:8883: connection lost"
    reset = explain(lost(ConnectionResetError(errno.ECONNRESET, "reset")), TO)
    assert reset.reason == "hub.example:8883: connection reset"


@pytest.mark.parametrize(
    "error",
    [
        lost(None),
        lost(ConnectionResetError(errno.ECONNRESET, "reset")),
        ConnectionResetError(),  # asyncio: the connection ended during the handshake.
    ],
)
def test_a_hub_that_hangs_up_on_a_device_may_not_know_it(error: Exception) -> None:
    said = explain(error, TO, opening=True)
    # It may as well be going down: nobody is refused.
    assert type(said) is UpstreamLost
    assert said.reason == "hub.example:8883 closed the connection before it answered"
    assert "is device pump-1 in the hub" in said.remedy


def test_a_server_that_talks_nonsense_has_not_hung_up() -> None:
    error = lost(MalformedPacket("packet type 0", "2.2.1"))
    assert explain(error, TO, opening=True).reason == "hub.example:8883: connection lost"


def test_no_answer_points_at_the_firewall() -> None:
    said = explain(lost(TimeoutError()), TO, opening=True)
    assert "firewall" in said.remedy
