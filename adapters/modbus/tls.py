"""Modbus/TCP Security: who the other side is, and what we show it (specification V21 of 2018; TLS 1.2 or newer)."""

from __future__ import annotations

import ssl
from pathlib import Path

from cryptography import x509

from gateway.adapter import LinkLost


def context(trust: str, certificate: str | None, key: str | None) -> ssl.SSLContext:
    """For one line: the device must be of an authority in ``trust`` and bear the name it is called by.

    A ``trust`` that is no authority is the device's own certificate: this one is believed then, whatever the name in
    it. The role that a device grants us stands in our certificate. Raises LinkLost.
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
    if not any(_is_authority(one) for one in listed):
        made.check_hostname = False
        made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if certificate is not None:
        try:
            made.load_cert_chain(certificate, key, password=lambda: b"")
        except (OSError, ValueError) as error:
            remedy = "certificate and key are PEM files that belong together; the key is not encrypted"
            raise LinkLost(f"{certificate} cannot be used: {_words(error)}", remedy) from error
    return made


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        # Roots of before 1999 have no such extension; a device's own certificate often has none either. Only the
        # latter is pinned, which is the stricter of the two.
        return False


def _words(error: Exception) -> str:
    return (getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)).lower().replace("_", " ")
