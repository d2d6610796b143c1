"""What a failure on the way to the hub means, in words for people, and what to do about it."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.identity.credentials import CredentialFault
from gateway.identity.tls import TrustFault
from gateway.mqtt.connection import ConnectionLost
from gateway.mqtt.connection import Refused as RefusedByMqtt
from gateway.upstream.port import NoCredential, Refused, UpstreamLost


@dataclass(frozen=True, slots=True)
class Address:
    """Who wanted to go where, trusting what."""

    identity: str
    host: str
    port: int
    trust: tuple[Path, ...]

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


EXPORT_CA = "fieldgate certs export-ca PLANT"

_NETWORK = {
    errno.ECONNREFUSED: ("connection refused: nobody listens there", "check host and port in gateway.yaml"),
    errno.ENETUNREACH: ("no route to the network", "check this machine's network and default route"),
    errno.EHOSTUNREACH: ("no route to the host", "check this machine's network and default route"),
    errno.ENETDOWN: ("the network is down", "check this machine's network"),
    errno.ETIMEDOUT: ("no answer", "check the firewall: the way out to this port must be open"),
    errno.ECONNRESET: ("connection reset", ""),
    errno.EPIPE: ("connection reset", ""),
    errno.EACCES: ("a local firewall forbids it", "check this machine's firewall"),
    errno.EPERM: ("a local firewall forbids it", "check this machine's firewall"),
}

# Reasons of X509_verify_cert (x509_vfy.h), by number: their texts differ between versions of OpenSSL.
_NOT_YET, _EXPIRED = 9, 10
_NO_CHAIN = {2, 18, 19, 20, 21, 27}
_WRONG_NAME = {62, 64}

_OWN_CERTIFICATE = {
    "BAD_CERTIFICATE": "is not well formed for it",
    "UNSUPPORTED_CERTIFICATE": "is of a kind that it does not take",
    "CERTIFICATE_REVOKED": "is revoked",
    "CERTIFICATE_EXPIRED": "has expired",
    "CERTIFICATE_UNKNOWN": "is not acceptable to it",
    "CERTIFICATE_REQUIRED": "did not reach it",
    "UNKNOWN_CA": "comes from an authority that it does not know",
    "ACCESS_DENIED": "is valid, but has no access",
}
"""TLS alerts about the certificate that we showed (RFC 8446, 6.2)."""


def explain(error: Exception, to: Address, *, opening: bool = False) -> UpstreamLost:
    """The failure as the port knows it, to be raised ``from`` the error. ``opening``: it happened before CONNACK."""
    if opening and _closed(error):
        return UpstreamLost(f"{to} closed the connection before it answered", _enrolment(to))
    acknowledged = error.acknowledged if isinstance(error, ConnectionLost) else 0
    for cause in _causes(error):
        match cause:
            case CredentialFault():
                return NoCredential(cause.reason, cause.remedy)
            case TrustFault():
                return UpstreamLost(cause.reason, cause.remedy)
            case RefusedByMqtt():
                return _refused(cause, to)
            case ssl.SSLCertVerificationError():
                return _untrusted(cause, to)
            case ssl.SSLError():
                return _tls(cause, to, acknowledged)
            case socket.gaierror():
                reason = f"the name {to.host} cannot be resolved: {cause.strerror}"
                return UpstreamLost(reason, "check the name in gateway.yaml, and this machine's DNS")
            case OSError() if cause.errno in _NETWORK:
                reason, remedy = _NETWORK[cause.errno]
                return UpstreamLost(f"{to}: {reason}", remedy, acknowledged)
    if isinstance(error, ConnectionLost):
        remedy = _NETWORK[errno.ETIMEDOUT][1] if isinstance(error.__cause__, TimeoutError) else ""
        return UpstreamLost(f"{to}: {error.reason}", remedy, acknowledged)
    return UpstreamLost(f"{to}: {error}")


def _closed(error: BaseException) -> bool:
    """The other side ended it without a word: with a TCP reset, or (from asyncio, without a number) in order."""
    if isinstance(error, ConnectionLost):
        return error.__cause__ is None or _closed(error.__cause__)
    return isinstance(error, ConnectionError) and not isinstance(error, ConnectionRefusedError)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it came from; the first that can be explained is the explanation."""
    while error is not None:
        yield error
        error = error.__cause__


def _enrolment(to: Address) -> str:
    """What a hub that does not want this identity may lack."""
    return f"is device {to.identity} in the hub, enabled, X.509 CA signed? Is the site's root registered ({EXPORT_CA})?"


def _refused(error: RefusedByMqtt, to: Address) -> UpstreamLost:
    if error.code not in {1, 2, 4, 5}:
        return UpstreamLost(f"{to}: the hub answers: {error.words}")
    return Refused(f"the hub refuses device {to.identity}: {error.words}", _enrolment(to))


def _untrusted(error: ssl.SSLCertVerificationError, to: Address) -> UpstreamLost:
    """Our side did not take the hub's certificate; nothing was said to it."""
    files = " and ".join(str(path) for path in to.trust)
    code = error.verify_code
    if code == _EXPIRED:
        return UpstreamLost(
            f"the certificate of {to} has expired",
            "renew it on the hub's side; if it has not, set the clock of this machine",
        )
    if code == _NOT_YET:
        return UpstreamLost(f"the certificate of {to} is not valid yet", "set the clock of this machine")
    if code in _WRONG_NAME:
        return UpstreamLost(
            f"the certificate of {to} is for another name: {error.verify_message}",
            "host: in gateway.yaml must be a name that stands in the hub's certificate",
        )
    if code in _NO_CHAIN:
        return UpstreamLost(
            f"the certificate of {to} is not trusted: {error.verify_message}",
            f"put the root that signed it into {files}; if that root is not the hub's, somebody stands between",
        )
    return UpstreamLost(
        f"the certificate of {to} is not acceptable: {error.verify_message or error.reason}",
        "it must be renewed on the hub's side",
    )


def _tls(error: ssl.SSLError, to: Address, acknowledged: int) -> UpstreamLost:
    reason = error.reason or str(error)
    alert = reason.partition("_ALERT_")[2]
    if alert in _OWN_CERTIFICATE:
        return Refused(
            f"the hub does not take the certificate of {to.identity}: it {_OWN_CERTIFICATE[alert]}",
            _enrolment(to),
            acknowledged,
        )
    if reason == "UNSUPPORTED_PROTOCOL" or alert == "PROTOCOL_VERSION":
        return UpstreamLost(f"{to} does not speak TLS 1.2 or later", "there is no way round: it must be updated")
    if reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"}:
        return UpstreamLost(f"{to} does not speak TLS", "check the port in gateway.yaml: 8883 is MQTT over TLS")
    return UpstreamLost(f"{to}: TLS: {reason.lower().replace('_', ' ')}", "", acknowledged)
