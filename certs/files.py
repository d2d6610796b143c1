"""Writing keys and certificates: never half there, never readable by others, never one over another unasked."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

SECRET = 0o600
PUBLIC = 0o644
OWNER_ONLY = 0o700


def make_directory(path: Path) -> None:
    """Make a directory for its owner alone; one that others may enter is closed to them."""
    path.mkdir(mode=OWNER_ONLY, parents=True, exist_ok=True)
    if path.stat().st_mode & 0o077:
        path.chmod(OWNER_ONLY)


def write_new(path: Path, data: bytes, mode: int) -> None:
    """Write a file that is not there yet; on disk when this returns. Raises FileExistsError."""
    draft = _draft(path, data, mode)
    try:
        path.hardlink_to(draft)
    finally:
        draft.unlink()
    sync(path.parent)


def replace(path: Path, data: bytes, mode: int) -> None:
    """Write a file in the place of the one that is there; on disk when this returns. Either old or new, never half."""
    _draft(path, data, mode).replace(path)
    sync(path.parent)


def _draft(path: Path, data: bytes, mode: int) -> Path:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    return draft


def sync(directory: Path) -> None:
    """A new name is on disk when its directory is."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """PKCS #8, PEM, not encrypted."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def certificate_pem(*certificates: x509.Certificate) -> bytes:
    """One PEM block after the other."""
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates)


def read_certificate(path: Path) -> x509.Certificate:
    """The first certificate of a PEM file. Raises OSError or ValueError."""
    return x509.load_pem_x509_certificates(path.read_bytes())[0]


def read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """The EC key of a PEM file. Raises OSError or ValueError."""
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except TypeError:
        raise ValueError("it is encrypted") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("it is not an EC key")  # noqa: TRY004  # what the file holds, not what the caller gave
    return key
