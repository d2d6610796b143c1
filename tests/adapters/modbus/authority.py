"""Certificates for tests of TLS, made as they are needed."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

ROLE = x509.ObjectIdentifier("1.3.6.1.4.1.50316.802.1")
"""The role of Modbus/TCP Security."""


_SIGNS = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


class Issued(NamedTuple):
    """Paths of PEM files."""

    certificate: str
    key: str


class Authority:
    """Issues certificates into a folder."""

    def __init__(self, folder: Path, name: str, *, says_so: bool = True) -> None:
        """``says_so``: its certificate does; roots of before 1999 do not."""
        self._folder = folder
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        made = self._builder(self._name, self._key.public_key())
        if says_so:
            made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        else:
            made = made.add_extension(_SIGNS, critical=True)
        self._certificate = made.sign(self._key, hashes.SHA256())
        self.root = str(folder / f"{name}.pem")
        Path(self.root).write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def issue(
        self, name: str, address: str = "127.0.0.1", *, role: str = "", own: bool = False, age_h: int = 1
    ) -> Issued:
        """A certificate for this address, valid for two hours; with ``own`` it is signed by itself."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        made = self._builder(subject, key.public_key(), issuer=subject if own else self._name, age_h=age_h)
        made = made.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True).add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False
        )
        if role:
            text = bytes([0x0C, len(role)]) + role.encode()
            made = made.add_extension(x509.UnrecognizedExtension(ROLE, text), critical=False)
        certificate = made.sign(key if own else self._key, hashes.SHA256())
        paths = Issued(str(self._folder / f"{name}.pem"), str(self._folder / f"{name}.key"))
        Path(paths.certificate).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        Path(paths.key).write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return paths

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, issuer: x509.Name | None = None, age_h: int = 1
    ) -> x509.CertificateBuilder:
        begin = datetime.now(UTC) - timedelta(hours=age_h)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer or self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(begin + timedelta(hours=2))
        )
