"""The certificate that simulated devices show on lines with TLS: given, or of an authority of their own."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from simulators import certificates


@dataclass(frozen=True, kw_only=True)
class Tls:
    """How lines with TLS are set up."""

    directory: Path
    """Where root, certificate and key are made that are not given."""
    certificate: Path | None = None
    """PEM; None: one is made for all hosts of the lines."""
    key: Path | None = None
    """Of a certificate that is given."""
    clients: tuple[Path, ...] | None = None
    """Roots of clients' certificates, PEM; None: clients need show none."""

    @property
    def root(self) -> Path | None:
        """What clients must trust; None where a certificate was given."""
        return self.directory / f"{certificates.METERS.root}.pem" if self.certificate is None else None

    def context(self, hosts: Iterable[str]) -> ssl.SSLContext:
        """For servers at these hosts; what is missing is made. Raises TrustInvalid, OSError."""
        certificate, key = self.certificate, self.key
        if certificate is None:
            made = certificates.prepare(self.directory, hosts, certificates.METERS)
            certificate, key = made.certificate, made.key
        return certificates.context(certificate, key or certificate, self.clients, ssl.TLSVersion.TLSv1_3)
