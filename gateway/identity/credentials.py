"""The certificate and key of a device identity: found, and judged before they are used.

Errors::

    CredentialFault        it cannot be used: missing, unreadable, of another identity, open to others, ...
    └── CredentialNotNow   not at this time: expired, or not valid yet
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import NameOID

ISSUE = "fieldgate certs issue PLANT"
RENEW = "fieldgate certs renew PLANT"


class CredentialFault(Exception):
    """The certificate or the key of an identity cannot be used."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        """What is wrong, with the path."""
        self.remedy = remedy
        """What to do about it."""


class CredentialNotNow(CredentialFault):
    """It is right, but not valid at this time: expired, or the clock shows a time before it was made."""

    def __init__(self, reason: str, remedy: str, valid_at: datetime) -> None:
        super().__init__(reason, remedy)
        self.valid_at = valid_at
        """A time at which it is valid."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What an identity shows upstream. Only places: the key itself is read when a TLS context is made of it."""

    identity: str
    certificate: Path
    """PEM: the device's certificate first, then the authorities that a hub needs to find its root."""
    key: Path
    not_before: datetime
    not_after: datetime


def find(directory: Path, identity: str, now: datetime | None = None) -> Credential:
    """The credential ``<identity>.pem`` and ``<identity>.key``, fit to be used now. Raises CredentialFault."""
    now = now or datetime.now(UTC)
    path, key_path = directory / f"{identity}.pem", directory / f"{identity}.key"
    certificate = _certificate(path)
    _judge(certificate, path, identity, now)
    public = certificate.public_key()
    _closed_to_others(key_path)
    try:
        key = load_pem_private_key(_read(key_path), None)
    except (ValueError, TypeError) as error:
        raise CredentialFault(f"{key_path} is not a private key in PEM without password", ISSUE) from error
    if key.public_key() != public:
        raise CredentialFault(f"{key_path} does not belong to {path.name}", ISSUE)
    return Credential(identity, path, key_path, certificate.not_valid_before_utc, certificate.not_valid_after_utc)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> CredentialFault:
    if isinstance(error, FileNotFoundError):
        return CredentialFault(f"{path} is missing", ISSUE)
    return CredentialFault(f"{path} cannot be read: {error.strerror}", f"make {path} readable for this user")


def _certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(_read(path))[0]
    except ValueError as error:
        raise CredentialFault(f"{path} is not a certificate in PEM", ISSUE) from error


def _judge(certificate: x509.Certificate, path: Path, identity: str, now: datetime) -> None:
    """Its name and its time. An identity is exactly one CN (IoT Hub reads nothing else)."""
    names = [str(name.value) for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if names != [identity]:
        named = " and ".join(names) or "nobody"
        raise CredentialFault(f"{path} is the certificate of {named}, not of {identity}", ISSUE)
    if certificate.not_valid_after_utc <= now:
        reason = f"{path} has expired on {certificate.not_valid_after_utc:%Y-%m-%d}"
        raise CredentialNotNow(reason, RENEW, certificate.not_valid_before_utc)
    if certificate.not_valid_before_utc > now:
        start, clock = certificate.not_valid_before_utc, now
        raise CredentialNotNow(
            f"{path} is valid from {start:%Y-%m-%d %H:%M} UTC, and the clock here says {clock:%Y-%m-%d %H:%M} UTC",
            "set the clock of this machine",
            start,
        )


def _closed_to_others(path: Path) -> None:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        raise _unreadable(path, error) from error
    if mode & 0o077:
        raise CredentialFault(f"{path} can be read by others (mode {mode:04o})", f"chmod 600 {path}")
