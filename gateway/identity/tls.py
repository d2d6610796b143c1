"""TLS contexts for connections upstream: one credential, named roots, TLS 1.2 or later, always verified.

Errors::

    TrustFault         a file of trusted roots cannot be used
    CredentialFault    the certificate or the key cannot be used
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.identity.credentials import ISSUE, Credential, CredentialFault


class TrustFault(Exception):
    """A file of trusted roots is missing, unreadable, empty or no PEM."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy
        """What to do about it."""


def client_context(credential: Credential, trust: Sequence[Path]) -> ssl.SSLContext:
    """A context that shows the credential and believes nobody but the roots in ``trust``. Reads the files.

    The roots of the system are not among them: whoever gets a certificate from any of a hundred authorities would be
    the hub. Raises TrustFault or CredentialFault.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = True
    context.verify_mode = ssl.CERT_REQUIRED
    # A chain that only a lenient reader takes was not made by who we think it was.
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.load_verify_locations(cadata=roots(trust))
    try:
        # A key with a password would make OpenSSL ask for it on the terminal.
        context.load_cert_chain(credential.certificate, credential.key, password=b"")
    except OSError as error:
        raise CredentialFault(f"{credential.certificate} or its key cannot be used: {error}", ISSUE) from error
    return context


def roots(trust: Sequence[Path]) -> str:
    """The roots in these files, PEM. At least one file, at least one certificate in each. Raises TrustFault."""
    if not trust:
        raise TrustFault("no trusted root is named", "name the hub's root certificates with trust: in gateway.yaml")
    return "".join(_pem(path) for path in trust)


def _pem(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        remedy = "put the hub's root certificates (PEM) there, or correct trust: in gateway.yaml"
        raise TrustFault(f"trusted roots {path}: {error.strerror}", remedy) from error
    try:
        certificates = x509.load_pem_x509_certificates(data)
    except ValueError as error:
        what = "is empty" if not data.strip() else "is not PEM"
        raise TrustFault(f"trusted roots {path}: the file {what}", "it must hold certificates in PEM") from error
    return "".join(certificate.public_bytes(Encoding.PEM).decode() for certificate in certificates)
