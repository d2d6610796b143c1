"""The shape of the certificates, judged by the openssl program and read field by field."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

import certs
from certs import files, shape

NOW = datetime(2026, 11, 24, 11, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def root() -> shape.Authority:
    key = shape.new_key()
    return shape.Authority(shape.root(key, "acme", NOW), key)


@pytest.fixture(scope="module")
def issuing(root: shape.Authority) -> shape.Authority:
    key = shape.new_key()
    return shape.Authority(shape.issuing(key, "acme", root, NOW), key)


def constraints(certificate: x509.Certificate) -> x509.Extension[x509.BasicConstraints]:
    return certificate.extensions.get_extension_for_class(x509.BasicConstraints)


def usage(certificate: x509.Certificate) -> x509.Extension[x509.KeyUsage]:
    return certificate.extensions.get_extension_for_class(x509.KeyUsage)


def test_the_root_may_have_one_authority_below_it_and_that_one_none(
    root: shape.Authority, issuing: shape.Authority
) -> None:
    for authority, length in ((root, 1), (issuing, 0)):
        assert constraints(authority.certificate).critical
        assert constraints(authority.certificate).value == x509.BasicConstraints(ca=True, path_length=length)
        assert usage(authority.certificate).critical
        assert usage(authority.certificate).value.key_cert_sign
        assert not usage(authority.certificate).value.digital_signature
        assert isinstance(authority.key.curve, ec.SECP256R1)


def test_lives_end_as_planned(root: shape.Authority, issuing: shape.Authority) -> None:
    leaf = shape.leaf(shape.new_key().public_key(), "pump-1", issuing, NOW)
    assert root.certificate.not_valid_after_utc.date().isoformat() == "2046-11-24"
    assert issuing.certificate.not_valid_after_utc.date().isoformat() == "2036-11-23"
    assert leaf.not_valid_after_utc == NOW + timedelta(days=365)
    assert leaf.not_valid_before_utc == NOW - timedelta(minutes=5)


def test_a_device_certificate_is_for_a_tls_client_and_nothing_else(issuing: shape.Authority) -> None:
    key = shape.new_key().public_key()
    leaf = shape.leaf(key, "pump-1", issuing, NOW)
    assert leaf.subject == x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pump-1")])
    assert leaf.public_key() == key
    assert not constraints(leaf).value.ca
    extended = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(extended) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    allowed = usage(leaf).value
    assert allowed.digital_signature
    others = (allowed.key_cert_sign, allowed.crl_sign, allowed.key_encipherment, allowed.key_agreement)
    assert not any(others)
    above = issuing.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    identifier = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert identifier.key_identifier == above.digest


def test_serial_numbers_are_random_and_positive(issuing: shape.Authority) -> None:
    key = shape.new_key().public_key()
    serials = {shape.leaf(key, "pump-1", issuing, NOW).serial_number for _ in range(5)}
    assert len(serials) == 5
    assert all(0 < serial < 1 << 159 for serial in serials)
    assert max(serials) > 1 << 64


def test_a_device_certificate_does_not_outlive_its_authority(issuing: shape.Authority) -> None:
    late = issuing.certificate.not_valid_after_utc - timedelta(days=10)
    leaf = shape.leaf(shape.new_key().public_key(), "pump-1", issuing, late)
    assert leaf.not_valid_after_utc == issuing.certificate.not_valid_after_utc


@pytest.mark.parametrize("identity", ["", "a" * 65, "Pump", "pump 1", "pump/1", "pump+1", "pump#", "pümp", "a\n"])
def test_an_identity_that_a_cn_or_a_topic_cannot_hold_is_refused(issuing: shape.Authority, identity: str) -> None:
    with pytest.raises(ValueError, match="identity"):
        shape.leaf(shape.new_key().public_key(), identity, issuing, NOW)


@pytest.mark.parametrize("site", ["", "a" * 41, "a\nb"])
def test_a_site_name_that_a_cn_cannot_hold_is_refused(site: str) -> None:
    with pytest.raises(ValueError, match="site name"):
        shape.root(shape.new_key(), site, NOW)


def test_two_sites_of_one_name_have_authorities_of_different_names() -> None:
    first, second = (shape.root(shape.new_key(), "acme", NOW) for _ in range(2))
    assert first.subject != second.subject


def openssl(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    program = shutil.which("openssl")
    assert program, "the openssl program is the judge here: apt-get install openssl"
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)


def judged(directory: Path, chain: bytes, site: certs.Site) -> subprocess.CompletedProcess[str]:
    """What ``openssl verify`` says of a chain (leaf first), strictly, for a TLS client, trusting only the root."""
    (directory / "chain.pem").write_bytes(chain)
    strictly = ("-x509_strict", "-purpose", "sslclient", "-CApath", directory, "-CAfile", site.directory / "root.pem")
    return openssl("verify", *strictly, "-untrusted", directory / "chain.pem", directory / "chain.pem")


def test_openssl_accepts_the_chain_strictly(site: certs.Site, tmp_path: Path) -> None:
    issued = certs.issue(site, "pump-1", tmp_path / "identities")
    result = judged(tmp_path, issued.certificate.read_bytes(), site)
    assert result.returncode == 0, result.stderr
    assert openssl("verify", "-x509_strict", "-CAfile", *[site.directory / "root.pem"] * 2).returncode == 0


def test_openssl_refuses_it_for_a_tls_server(site: certs.Site, tmp_path: Path) -> None:
    issued = certs.issue(site, "pump-1", tmp_path)
    options = ("-purpose", "sslserver", "-CAfile", site.directory / "root.pem", "-untrusted", issued.certificate)
    result = openssl("verify", *options, issued.certificate)
    assert result.returncode != 0
    assert "purpose" in result.stderr


def test_openssl_refuses_an_authority_that_the_issuing_one_makes(site: certs.Site, tmp_path: Path) -> None:
    rogue_key = shape.new_key()
    rogue = shape.Authority(shape.issuing(rogue_key, "rogue", site.issuing, shape.now_utc()), rogue_key)
    leaf = shape.leaf(shape.new_key().public_key(), "pump-1", rogue, shape.now_utc())
    result = judged(tmp_path, files.certificate_pem(leaf, rogue.certificate, site.issuing.certificate), site)
    assert result.returncode != 0
    assert "path length" in result.stderr


def test_openssl_accepts_keys_that_somebody_else_keeps(site: certs.Site, tmp_path: Path) -> None:
    for key in (ec.generate_private_key(ec.SECP384R1()), ed25519.Ed25519PrivateKey.generate()):
        chain = certs.issue_for_key(site, key.public_key(), "pump-1")
        assert judged(tmp_path, chain, site).returncode == 0
