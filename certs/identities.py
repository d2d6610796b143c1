"""The certificates of the device identities on disk: issued once, and again when they end or when one asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from certs import files, registration, shape
from certs.site import Site, SiteFault

RENEWED_AT = 2 / 3
"""Part of its life after which ``issue`` makes a new certificate."""
ASKED_FOR = "asked for"
NEAR_END = "near its end"


@dataclass(frozen=True)
class Issued:
    """The files of one identity."""

    identity: str
    certificate: Path
    """PEM: the device's certificate, then the issuing authority's; what a TLS client sends."""
    key: Path
    """PEM, for its owner alone."""
    not_after: datetime
    why: str
    """Why it was issued now (``new``, ``asked for``, ...); empty where the one that was there is kept."""


@dataclass(frozen=True)
class Listed:
    """What a hub may want to know of one identity."""

    identity: str
    not_after: datetime
    sha1: str
    sha256: str


def issue(
    site: Site,
    identity: str,
    directory: Path,
    *,
    renew: bool = False,
    life: timedelta = shape.LEAF_LIFE,
    now: datetime | None = None,
) -> Issued:
    """Give an identity a certificate: ``<identity>.pem`` and ``<identity>.key`` in ``directory``, on disk on return.

    One that is good is kept unless ``renew`` is asked for. A key that has no good certificate, for example because
    the power failed between the two files, is not thrown away: it gets one. Raises SiteFault or ValueError.
    """
    shape.check_identity(identity)
    now = now or shape.now_utc()
    pem, key_path = directory / f"{identity}.pem", directory / f"{identity}.key"
    key = _existing_key(key_path)
    old = _existing_certificate(pem)
    why = ASKED_FOR if renew and old else why_again(old, key, site.issuing.certificate, now)
    if old is not None and not why:
        return Issued(identity, pem, key_path, old.not_valid_after_utc, "")
    fresh = key is None or why in {ASKED_FOR, NEAR_END}
    used = shape.new_key() if key is None or fresh else key
    certificate = shape.leaf(used.public_key(), identity, site.issuing, now, life)
    try:
        files.make_directory(directory)
        if fresh:
            write = files.write_new if key is None else files.replace
            write(key_path, files.key_pem(used), files.SECRET)
        files.replace(pem, files.certificate_pem(certificate, site.issuing.certificate), files.PUBLIC)
    except OSError as error:
        raise SiteFault(
            f"{error.filename or directory} cannot be written: {error.strerror}", "make it writable"
        ) from error
    return Issued(identity, pem, key_path, certificate.not_valid_after_utc, why)


def why_again(
    certificate: x509.Certificate | None,
    key: ec.EllipticCurvePrivateKey | None,
    issuing: x509.Certificate,
    now: datetime,
) -> str:
    """Why an identity needs a certificate now; empty when the one it has is good."""
    if certificate is None or key is None:
        return "new"
    if certificate.public_key() != key.public_key():
        return "not of its key"
    try:
        certificate.verify_directly_issued_by(issuing)
    except (ValueError, InvalidSignature):
        return "of another authority"
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return NEAR_END if now >= start + (end - start) * RENEWED_AT else ""


def issue_for_key(
    site: Site,
    public_key: CertificatePublicKeyTypes,
    identity: str,
    *,
    life: timedelta = shape.LEAF_LIFE,
    now: datetime | None = None,
) -> bytes:
    """A certificate for a key that somebody else keeps (a TPM, a device with a CSR): the chain as PEM, no file."""
    certificate = shape.leaf(public_key, identity, site.issuing, now or shape.now_utc(), life)
    return files.certificate_pem(certificate, site.issuing.certificate)


def listing(directory: Path) -> list[Listed]:
    """All identities that have a certificate, by name. Raises SiteFault for one that is damaged."""
    found = []
    for pem in sorted(directory.glob("*.pem")):
        certificate = _existing_certificate(pem)
        if certificate is not None:
            sha1, sha256 = registration.thumbprints(certificate)
            found.append(Listed(pem.stem, certificate.not_valid_after_utc, sha1, sha256))
    return found


def _existing_certificate(path: Path) -> x509.Certificate | None:
    try:
        return files.read_certificate(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SiteFault(f"{path} cannot be read: {error.strerror}", "make it readable, or move it away") from error
    except ValueError as error:
        raise SiteFault(f"{path} is not a certificate: {error}", "move it away, then issue again") from error


def _existing_key(path: Path) -> ec.EllipticCurvePrivateKey | None:
    try:
        return files.read_key(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SiteFault(f"{path} cannot be read: {error.strerror}", "make it readable, or move it away") from error
    except ValueError as error:
        # Never written over: it may be a key of another kind that somebody needs.
        raise SiteFault(f"{path} is not an EC key: {error}", "move it away, then issue again") from error
