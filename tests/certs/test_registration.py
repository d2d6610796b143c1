"""What a hub is told about a site, judged by the openssl program."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography import x509

import certs
from certs import shape
from tests.certs.test_shape import openssl


def test_exports_the_root_alone_and_no_key(site: certs.Site) -> None:
    pem = certs.export_ca(site)
    assert x509.load_pem_x509_certificates(pem) == [site.root]
    assert b"PRIVATE" not in pem


def test_openssl_sees_the_code_signed_by_the_root(site: certs.Site, tmp_path: Path) -> None:
    code = "106A5E2DB1FCB3B4C2F6E2A8D8C0A1B2C3D4E5F60718"
    (tmp_path / "proof.pem").write_bytes(certs.proof_of_possession(site, code))
    subject = openssl("x509", "-in", tmp_path / "proof.pem", "-noout", "-subject", "-nameopt", "RFC2253")
    assert subject.stdout.strip() == f"subject=CN={code}"
    verified = openssl("verify", "-x509_strict", "-CAfile", site.directory / "root.pem", tmp_path / "proof.pem")
    assert verified.returncode == 0, verified.stderr


def test_the_proof_holds_for_a_week_and_is_no_authority(site: certs.Site) -> None:
    now = shape.now_utc()
    proof = x509.load_pem_x509_certificate(certs.proof_of_possession(site, "CODE", now))
    assert proof.not_valid_after_utc - now == shape.PROOF_LIFE
    assert not proof.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


@pytest.mark.parametrize("code", ["", "a b", "x" * 65, "CN=hub"])
def test_what_cannot_be_a_code_is_refused(site: certs.Site, code: str) -> None:
    with pytest.raises(ValueError, match="verification code"):
        certs.proof_of_possession(site, code)


@pytest.mark.parametrize(("algorithm", "index"), [("-sha1", 0), ("-sha256", 1)])
def test_thumbprints_are_those_of_openssl(site: certs.Site, algorithm: str, index: int) -> None:
    root = site.directory / "root.pem"
    result: subprocess.CompletedProcess[str] = openssl("x509", "-in", root, "-noout", "-fingerprint", algorithm)
    expected = result.stdout.strip().partition("=")[2].replace(":", "")
    assert certs.thumbprints(site.root)[index] == expected
