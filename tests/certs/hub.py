"""The authority and server certificate of a pretended hub: made at run time, with nothing of ``certs``."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


@dataclass(frozen=True)
class HubFiles:
    """PEM files of a hub."""

    root: Path
    certificate: Path
    key: Path

    def context(self, devices: Path | None = None) -> ssl.SSLContext:
        """A server's context; with ``devices``, the root that client certificates must come from."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        if devices is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(devices)
        return context


def make(directory: Path, name: str = "localhost", *, days: int = 30, label: str = "hub") -> HubFiles:
    """A root and a server certificate for ``name`` (host or address); negative ``days``: it ended so long ago."""
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = _built(root_key, f"{label} root", issuer=None, issuer_key=root_key, days=3650, extensions=_ca())
    alternative: x509.GeneralName = x509.DNSName(name)
    if name[0].isdigit():
        alternative = x509.IPAddress(ipaddress.ip_address(name))
    server = _built(key, name, issuer=root, issuer_key=root_key, days=days, extensions=_server(alternative))
    directory.mkdir(parents=True, exist_ok=True)
    files = HubFiles(directory / f"{label}-root.pem", directory / f"{label}.pem", directory / f"{label}.key")
    files.root.write_bytes(root.public_bytes(Encoding.PEM))
    files.certificate.write_bytes(server.public_bytes(Encoding.PEM))
    files.key.touch(mode=0o600)
    files.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return files


Extension = tuple[x509.ExtensionType, bool]


def _ca() -> list[Extension]:
    return [(x509.BasicConstraints(True, 0), True), (_usage(ca=True), True)]


def _server(alternative: x509.GeneralName) -> list[Extension]:
    return [
        (x509.BasicConstraints(False, None), True),
        (_usage(ca=False), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (x509.SubjectAlternativeName([alternative]), False),
    ]


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(not ca, False, False, False, False, ca, ca, False, False)


def _built(
    key: ec.EllipticCurvePrivateKey,
    name: str,
    *,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey,
    days: int,
    extensions: list[Extension],
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    end = datetime.now(UTC) + timedelta(days=days)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(end, datetime.now(UTC)) - timedelta(days=1))
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(issuer_key, SHA256())
