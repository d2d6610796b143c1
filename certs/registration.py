"""What a hub is told about a site: its root, the proof that one holds the root's key, thumbprints of devices."""

from __future__ import annotations

from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from certs import files, shape
from certs.site import Site, root_authority


def export_ca(site: Site) -> bytes:
    """The certificate of the root as PEM: the one thing to be registered with a hub."""
    return files.certificate_pem(site.root)


def proof_of_possession(site: Site, code: str, now: datetime | None = None) -> bytes:
    """The certificate that a hub asks for when a root is registered: its CN is the verification code. PEM.

    Its own key is thrown away; it holds for a week. Raises SiteFault where the root's key is kept elsewhere, and
    ValueError for a code that is none.
    """
    public_key = shape.new_key().public_key()
    return files.certificate_pem(shape.proof(public_key, code, root_authority(site), now or shape.now_utc()))


def thumbprints(certificate: x509.Certificate) -> tuple[str, str]:
    """SHA-1 and SHA-256 over the certificate's DER, as hexadecimal in capitals: how a hub writes them."""
    # SHA-1 is only the name that IoT Hub knows a self-signed certificate by; nothing is signed with it.
    sha1 = certificate.fingerprint(SHA1())  # noqa: S303
    return sha1.hex().upper(), certificate.fingerprint(SHA256()).hex().upper()
