"""A site root, an issuing authority below it, and device certificates as a test wants them; made at run time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = timedelta(days=1)


class Authority:
    """A root and an issuing authority; certificates are EC P-256."""

    def __init__(self, name: str = "Test site") -> None:
        self._root_key = ec.generate_private_key(ec.SECP256R1())
        self._issuing_key = ec.generate_private_key(ec.SECP256R1())
        root_name, issuing_name = _name(f"{name} root"), _name(f"{name} issuing")
        self._root = (
            _builder(root_name, root_name, self._root_key.public_key(), 1)
            .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
            .sign(self._root_key, hashes.SHA256())
        )
        self._issuing = (
            _builder(issuing_name, root_name, self._issuing_key.public_key(), 1)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._root_key, hashes.SHA256())
        )

    @property
    def root(self) -> bytes:
        """The root certificate, PEM."""
        return self._root.public_bytes(Encoding.PEM)

    def issue(self, folder: Path, common_name: str, days: int = 1) -> tuple[Path, Path]:
        """Files with the chain and the key of a device; with negative ``days`` they expired so long ago."""
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = (
            _builder(_name(common_name), self._issuing.subject, key.public_key(), days)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .sign(self._issuing_key, hashes.SHA256())
        )
        chain, secret = folder / f"{common_name}.pem", folder / f"{common_name}.key"
        chain.write_bytes(leaf.public_bytes(Encoding.PEM) + self._issuing.public_bytes(Encoding.PEM))
        secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return chain, secret


@cache
def site() -> Authority:
    """The authority that the hubs of these tests trust."""
    return Authority()


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 400 * DAY)
        .not_valid_after(now + days * DAY)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
