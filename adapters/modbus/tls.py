"""Modbus/TCP Security: who the other side is, and what we show it (specification V21 of 2018; TLS 1.2 or newer)."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.adapter import LinkLost

ROLE = x509.ObjectIdentifier("1.3.6.1.4.1.50316.802.1")
"""The extension of our certificate by which a device knows what we may do."""

REMEDY = "it may refuse this gateway's certificate or the role in it, or allow fewer connections: see the device's log"
"""Where a device closes the connection without a word."""

log = logging.getLogger("fieldgate")
_warned: set[bytes] = set()
"""Fingerprints of certificates without a role that were told: once, not with each connection."""


class Secure(NamedTuple):
    """Whom to believe on a line, and what to show."""

    context: ssl.SSLContext
    pinned: bytes | None
    """The only certificate that is believed, as DER; its name is not looked at."""

    def check(self, shown: bytes | None) -> None:
        """After the handshake: whether this is the pinned certificate, if one is. Raises LinkLost."""
        if self.pinned is not None and shown != self.pinned:
            raise LinkLost(
                "the device's certificate is not the one in trust:, though issued by it",
                "let trust: name the device's own certificate, or an authority's that says that it is one (CA:TRUE)",
            )


def secure(trust: str, certificate: str | None, key: str | None) -> Secure:
    """For one line: the device must be of an authority in ``trust`` and bear the name it is called by.

    A ``trust`` that holds one certificate, and no authority's, is the device's own: this one alone is believed then,
    whatever the name in it. The role that a device grants us stands in our certificate. Raises LinkLost.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        listed = x509.load_pem_x509_certificates(Path(trust).read_bytes())
        made.load_verify_locations(trust)
    except (OSError, ValueError) as error:
        raise LinkLost(
            f"{trust} holds no certificates that can be read", "write trust: the path of a PEM file"
        ) from error
    pinned: bytes | None = None
    if not any(_is_authority(one) for one in listed):
        made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        if len(listed) == 1:
            made.check_hostname = False
            pinned = listed[0].public_bytes(Encoding.DER)
    if certificate is not None:
        try:
            made.load_cert_chain(certificate, key, password=lambda: b"")
            ours = x509.load_pem_x509_certificates(Path(certificate).read_bytes())[0]
        except (OSError, ValueError) as error:
            remedy = "certificate and key are PEM files that belong together; the key is not encrypted"
            raise LinkLost(f"{certificate} cannot be used: {_words(error)}", remedy) from error
        _warn_without_role(certificate, ours)
    return Secure(made, pinned)


def refused(error: ssl.SSLError) -> LinkLost:
    """Why there is no connection over TLS, or no longer one, in words for people."""
    if isinstance(error, ssl.SSLCertVerificationError):
        reason, remedy = _UNTRUSTED.get(error.verify_code, (f"the device's certificate: {error.verify_message}", ""))
        return LinkLost(reason, remedy)
    name = error.reason or ""
    for part, reason, remedy in _TROUBLE:
        if part in name:
            return LinkLost(reason, remedy)
    if "ALERT" in name and any(part in name for part in ("CERTIFICATE", "UNKNOWN_CA", "ACCESS_DENIED", "DECRYPT")):
        said = _words(error).partition("alert ")[2]
        return LinkLost(
            f"the device refuses this gateway's certificate: {said}", "let the device trust it or its authority"
        )
    return (
        broken_off() if isinstance(error, ssl.SSLEOFError) else LinkLost(f"TLS with the device failed: {_words(error)}")
    )


def broken_off() -> LinkLost:
    """The device closed the connection before TLS was agreed on; many do so instead of saying why."""
    return LinkLost("the device broke off the TLS handshake", REMEDY)


_STRANGER = (
    "the device's certificate is of nobody in trust:",
    "add the certificate of its authority, or its own, to the file that trust: names; compare it at the device first",
)
_OTHER_NAME = (
    "the device's certificate is for another name or address",
    "write the name that stands in it; or let trust: name a file with this certificate alone",
)
_UNTRUSTED = {
    9: ("the device's certificate is not valid yet", "is this gateway's clock right?"),
    10: ("the device's certificate has expired", "give the device a new one; is this gateway's clock right?"),
    18: _STRANGER,
    19: _STRANGER,
    20: _STRANGER,
    21: _STRANGER,
    62: _OTHER_NAME,
    64: _OTHER_NAME,
}
"""By OpenSSL's code of a certificate that was not believed."""
_TROUBLE = (
    (
        "CERTIFICATE_REQUIRED",
        "the device wants a certificate of this gateway, and none is configured",
        "write certificate: and key:, of an authority that the device trusts, with a role in it",
    ),
    (
        "HANDSHAKE_FAILURE",
        "the device refuses the handshake",
        "it may want a certificate of this gateway (certificate: and key:), or know only ciphers that are not safe",
    ),
    ("PROTOCOL_VERSION", "the device speaks no TLS of version 1.2 or newer", "renew its firmware"),
    ("UNSUPPORTED_PROTOCOL", "the device speaks no TLS of version 1.2 or newer", "renew its firmware"),
    ("WRONG_VERSION_NUMBER", "the device speaks no TLS on this port", "write tcp:// where it is plain Modbus TCP"),
)
"""By a part of OpenSSL's name of it."""


def _warn_without_role(path: str, ours: x509.Certificate) -> None:
    fingerprint = ours.fingerprint(hashes.SHA256())
    if any(extension.oid == ROLE for extension in ours.extensions) or fingerprint in _warned:
        return
    _warned.add(fingerprint)
    log.warning(
        "%s holds no role for Modbus/TCP Security: many devices refuse everything then (the authority that issues it "
        "adds the extension %s)",
        path,
        ROLE.dotted_string,
    )


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        # Roots of before 1999 have no such extension; a device's own certificate often has none either. Taken for
        # the latter it is pinned, which is the stricter of the two.
        return False


def _words(error: Exception) -> str:
    return (getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)).lower().replace("_", " ")
