"""The hub's own authority and server certificate, made at run time; and the TLS side of trusting devices.

RSA, as the certificates of Azure's hubs are. Root and keys are kept in their folder, so that a hub that is started
again is the same hub to its clients; the server certificate is issued afresh at each start.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

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
    """A file of trusted certificates cannot be used; the text says which and why."""


@dataclass(frozen=True)
class ServerFiles:
    """What a TLS server needs, and what its clients need to trust it."""

    root: Path
    certificate: Path
    key: Path


def prepare(directory: Path, names: Iterable[str]) -> ServerFiles:
    """Make, or make again, what is missing in the folder; ``names``: host names and addresses of the server."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = ServerFiles(directory / "hub-root.pem", directory / "server.pem", directory / "server.key")
    root_key = _key(directory / "hub-root.key")
    root = _root(files.root, root_key)
    server = _server(root, root_key, _key(files.key), names)
    files.certificate.write_bytes(server.public_bytes(Encoding.PEM))
    return files


def context(files: ServerFiles, trust: Sequence[Path], newest: ssl.TLSVersion) -> ssl.SSLContext:
    """TLS 1.2 up to ``newest``; a client must show a certificate of one of the trusted roots. Raises TrustInvalid."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.minimum_version = ssl.TLSVersion.TLSv1_2
    tls.maximum_version = newest
    tls.load_cert_chain(files.certificate, files.key)
    tls.verify_mode = ssl.CERT_REQUIRED
    for path in trust:
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


def _root(path: Path, key: rsa.RSAPrivateKey) -> x509.Certificate:
    if path.exists():
        root = x509.load_pem_x509_certificate(path.read_bytes())
        if root.public_key() == key.public_key() and root.not_valid_after_utc > _now() + SERVER_LIFETIME:
            return root
    name = _name("Simulated IoT Hub root")
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
    root: x509.Certificate, root_key: rsa.RSAPrivateKey, key: rsa.RSAPrivateKey, names: Iterable[str]
) -> x509.Certificate:
    public = key.public_key()
    return (
        _builder(_name("Simulated IoT Hub"), root.subject, public, SERVER_LIFETIME)
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
