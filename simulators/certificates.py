"""A server's own authority and certificate, made at run time; and the TLS side of trusting clients.

RSA, as the certificates of Azure's hubs are, and as Modbus/TCP Security wants it at least. Root and keys are kept in
their folder, so that a server that is started again is the same to its clients; its certificate is issued afresh each
time.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ROOT_LIFETIME = timedelta(days=3650)
SERVER_LIFETIME = timedelta(days=365)
_BACKDATED = timedelta(hours=1)
"""A client's clock may be a little behind."""


class TrustInvalid(Exception):
    """A file of certificates cannot be used; the text says which and why."""


@dataclass(frozen=True)
class ServerFiles:
    """What a TLS server needs, and what its clients need to trust it."""

    root: Path
    certificate: Path
    key: Path


class Owner(NamedTuple):
    """Whose certificates they are."""

    title: str
    """In their subjects."""
    root: str
    """Name of the root's file and of its key, without their endings."""
    server: str
    """Those of the server."""


HUB = Owner("Simulated IoT Hub", "hub-root", "server")
METERS = Owner("Simulated Modbus devices", "modbus-root", "modbus")


def prepare(directory: Path, names: Iterable[str], owner: Owner = HUB) -> ServerFiles:
    """Make, or make again, what is missing in the folder; ``names``: host names and addresses of the server."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    root_path, server_path = directory / f"{owner.root}.pem", directory / f"{owner.server}.pem"
    files = ServerFiles(root_path, server_path, server_path.with_suffix(".key"))
    root_key = _key(root_path.with_suffix(".key"))
    root = _root(files.root, root_key, f"{owner.title} root")
    server = _server(root, root_key, _key(files.key), owner.title, names)
    files.certificate.write_bytes(server.public_bytes(Encoding.PEM))
    return files


def context(certificate: Path, key: Path, trust: Sequence[Path] | None, newest: ssl.TLSVersion) -> ssl.SSLContext:
    """TLS 1.2 up to ``newest``; a client must show a certificate of one of the trusted roots. Raises TrustInvalid.

    Without ``trust`` (None) clients need show none.
    """
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.minimum_version = ssl.TLSVersion.TLSv1_2
    tls.maximum_version = newest
    try:
        tls.load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        raise TrustInvalid(f"{certificate} and {key} are no certificate and its key, in PEM form") from error
    tls.verify_mode = ssl.CERT_NONE if trust is None else ssl.CERT_REQUIRED
    for path in trust or ():
        try:
            tls.load_verify_locations(path)
        except ssl.SSLError as error:
            raise TrustInvalid(f"{path}: holds no certificate in PEM form") from error
        except OSError as error:
            raise TrustInvalid(f"{path}: {error.strerror}") from error
    return tls


def _key(path: Path) -> rsa.RSAPrivateKey:
    if path.exists():
        key = load_pem_private_key(path.read_bytes(), None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError(f"{path} is not the RSA key that was written there")
        return key
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key


def _root(path: Path, key: rsa.RSAPrivateKey, title: str) -> x509.Certificate:
    if path.exists():
        root = x509.load_pem_x509_certificate(path.read_bytes())
        if root.public_key() == key.public_key() and root.not_valid_after_utc > _now() + SERVER_LIFETIME:
            return root
    name = _name(title)
    public = key.public_key()
    root = (
        _builder(name, name, public, ROOT_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(root.public_bytes(Encoding.PEM))
    return root


def _server(
    root: x509.Certificate, root_key: rsa.RSAPrivateKey, key: rsa.RSAPrivateKey, title: str, names: Iterable[str]
) -> x509.Certificate:
    public = key.public_key()
    return (
        _builder(_name(title), root.subject, public, SERVER_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        .sign(root_key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, public: rsa.RSAPublicKey, lifetime: timedelta
) -> x509.CertificateBuilder:
    now = _now()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + lifetime)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_encipherment=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _now() -> datetime:
    return datetime.now(UTC)
