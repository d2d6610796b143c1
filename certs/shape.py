"""What stands in the certificates of a site: root, issuing authority, device, proof of possession (RFC 5280)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

YEAR = timedelta(days=365.25)
ROOT_LIFE = 20 * YEAR
ISSUING_LIFE = 10 * YEAR
LEAF_LIFE = timedelta(days=365)
PROOF_LIFE = timedelta(days=7)
BACKDATED = timedelta(minutes=5)
"""Clocks differ: a hub that is slow by less than this takes a new certificate."""

_IDENTITY = re.compile(r"[a-z0-9._-]{1,64}")
_SITE = re.compile(r"[^\x00-\x1f\x7f]{1,40}")
_CODE = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True)
class Authority:
    """A certificate that may sign others, with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def new_key() -> ec.EllipticCurvePrivateKey:
    """P-256: what every hub, TPM and small device knows."""
    return ec.generate_private_key(ec.SECP256R1())


def now_utc() -> datetime:
    """Now, to the second: a certificate knows no smaller time."""
    return datetime.now(UTC).replace(microsecond=0)


def check_identity(identity: str) -> None:
    """Raise ValueError for an identity that is not 1 to 64 of a-z 0-9 - _ . (a CN holds 64)."""
    _checked(_IDENTITY, identity, "identity")


def root(key: ec.EllipticCurvePrivateKey, site: str, now: datetime) -> x509.Certificate:
    """The root of a site, signed by itself; below it stands one issuing authority (path length 1)."""
    name = _name(f"{_checked(_SITE, site, 'site name')} root {_mark(key)}")
    return _authority(key.public_key(), name, Life(now, now + ROOT_LIFE), 1).sign(key, SHA256())


def issuing(key: ec.EllipticCurvePrivateKey, site: str, above: Authority, now: datetime) -> x509.Certificate:
    """The authority that issues device certificates and no further authority (path length 0)."""
    name = _name(f"{_checked(_SITE, site, 'site name')} issuing {_mark(key)}")
    life = Life(now, min(now + ISSUING_LIFE, above.certificate.not_valid_after_utc))
    return _authority(key.public_key(), name, life, 0, above).sign(above.key, SHA256())


def leaf(
    public_key: CertificatePublicKeyTypes, identity: str, above: Authority, now: datetime, life: timedelta = LEAF_LIFE
) -> x509.Certificate:
    """The certificate of one device: CN = identity, for nothing but being a TLS client.

    The identity is the CN alone: IoT Hub reads nothing else, and not every identity would be a DNS name. The life ends
    at the latest with that of the authority.
    """
    check_identity(identity)
    return _client(
        public_key, _name(identity), above, Life(now, min(now + life, above.certificate.not_valid_after_utc))
    )


def proof(public_key: CertificatePublicKeyTypes, code: str, above: Authority, now: datetime) -> x509.Certificate:
    """The certificate that shows a hub who holds the key of the root: CN = the code that the hub gave."""
    name = _name(_checked(_CODE, code, "verification code"))
    return _client(public_key, name, above, Life(now, now + PROOF_LIFE))


@dataclass(frozen=True)
class Life:
    """From when to when a certificate holds."""

    start: datetime
    end: datetime


def _checked(pattern: re.Pattern[str], text: str, what: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(f"{what} {text!r} does not fit into a certificate: it must match {pattern.pattern}")
    return text


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _mark(key: ec.EllipticCurvePrivateKey) -> str:
    """Eight digits that tell two authorities of one site name apart: a chain is built by names."""
    return x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest.hex()[:8]


def _builder(
    public_key: CertificatePublicKeyTypes, name: x509.Name, life: Life, above: Authority | None
) -> x509.CertificateBuilder:
    """What all have: random serial number, subject and, below the root, authority key identifier."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(above.certificate.subject if above else name)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(life.start - BACKDATED)
        .not_valid_after(life.end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )
    if above is None:
        return builder
    identifier = above.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False
    )


def _authority(
    public_key: CertificatePublicKeyTypes, name: x509.Name, life: Life, path_length: int, above: Authority | None = None
) -> x509.CertificateBuilder:
    return (
        _builder(public_key, name, life, above)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
    )


def _client(public_key: CertificatePublicKeyTypes, name: x509.Name, above: Authority, life: Life) -> x509.Certificate:
    return (
        _builder(public_key, name, life, above)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(above.key, SHA256())
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
