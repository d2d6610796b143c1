"""Issuing: once, and again only when it is needed or asked for; no key is lost on the way."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

import certs
from certs import SiteFault, files, shape


def content(issued: certs.Issued) -> tuple[bytes, bytes]:
    return issued.certificate.read_bytes(), issued.key.read_bytes()


def test_a_new_identity_gets_a_key_and_its_chain(site: certs.Site, tmp_path: Path) -> None:
    issued = certs.issue(site, "pump-1", tmp_path / "identities")
    leaf, above = x509.load_pem_x509_certificates(issued.certificate.read_bytes())
    assert leaf.subject.rfc4514_string() == "CN=pump-1"
    assert above == site.issuing.certificate
    assert leaf.public_key() == files.read_key(issued.key).public_key()
    assert (issued.why, issued.not_after) == ("new", leaf.not_valid_after_utc)
    assert issued.certificate == tmp_path / "identities" / "pump-1.pem"
    assert stat.S_IMODE(issued.key.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "identities").stat().st_mode) == 0o700


def test_issuing_again_changes_nothing(site: certs.Site, tmp_path: Path) -> None:
    before = content(certs.issue(site, "pump-1", tmp_path))
    again = certs.issue(site, "pump-1", tmp_path)
    assert again.why == ""
    assert content(again) == before


def test_renewing_makes_a_new_key_and_certificate(site: certs.Site, tmp_path: Path) -> None:
    before = content(certs.issue(site, "pump-1", tmp_path))
    renewed = certs.issue(site, "pump-1", tmp_path, renew=True)
    assert renewed.why == "asked for"
    assert not set(content(renewed)) & set(before)
    assert stat.S_IMODE(renewed.key.stat().st_mode) == 0o600


@pytest.mark.parametrize(("part", "why"), [(0.6, ""), (0.7, "near its end"), (1.5, "near its end")])
def test_it_is_renewed_when_two_thirds_of_its_life_are_over(
    site: certs.Site, tmp_path: Path, part: float, why: str
) -> None:
    certs.issue(site, "pump-1", tmp_path)
    later = shape.now_utc() + shape.LEAF_LIFE * part
    assert certs.issue(site, "pump-1", tmp_path, now=later).why == why


def test_a_key_without_certificate_is_used_and_not_thrown_away(site: certs.Site, tmp_path: Path) -> None:
    # The power failed between the two files.
    first = certs.issue(site, "pump-1", tmp_path)
    key = first.key.read_bytes()
    first.certificate.unlink()
    again = certs.issue(site, "pump-1", tmp_path)
    assert again.why == "new"
    assert again.key.read_bytes() == key
    assert files.read_certificate(again.certificate).public_key() == files.read_key(again.key).public_key()


def test_a_certificate_of_another_key_is_made_anew_for_the_key_that_is_there(site: certs.Site, tmp_path: Path) -> None:
    # The power failed while it was renewed.
    issued = certs.issue(site, "pump-1", tmp_path)
    key = files.key_pem(shape.new_key())
    issued.key.write_bytes(key)
    assert certs.issue(site, "pump-1", tmp_path).why == "not of its key"
    assert issued.key.read_bytes() == key


def test_a_certificate_of_another_authority_is_made_anew(site: certs.Site, tmp_path: Path) -> None:
    other = certs.create_site(tmp_path / "other", "acme-tampere")
    key = certs.issue(other, "pump-1", tmp_path / "identities").key.read_bytes()
    issued = certs.issue(site, "pump-1", tmp_path / "identities")
    assert issued.why == "of another authority"
    assert issued.key.read_bytes() == key


def test_a_key_that_cannot_be_read_is_in_the_way_and_stays(site: certs.Site, tmp_path: Path) -> None:
    (tmp_path / "pump-1.key").write_bytes(b"something that somebody may need")
    with pytest.raises(SiteFault, match=r"pump-1\.key is not an EC key") as caught:
        certs.issue(site, "pump-1", tmp_path, renew=True)
    assert "move it away" in caught.value.remedy
    assert (tmp_path / "pump-1.key").read_bytes() == b"something that somebody may need"


@pytest.mark.parametrize("identity", ["../pump", "Pump", "x" * 65])
def test_a_name_that_does_not_fit_touches_no_file(site: certs.Site, tmp_path: Path, identity: str) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        certs.issue(site, identity, tmp_path / "identities")
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_written_is_named(site: certs.Site, tmp_path: Path) -> None:
    (tmp_path / "identities").write_text("a file in the way")
    with pytest.raises(SiteFault, match="identities"):
        certs.issue(site, "pump-1", tmp_path / "identities")


def test_a_foreign_key_gets_a_chain_and_no_file(site: certs.Site) -> None:
    key = shape.new_key().public_key()
    leaf, above = x509.load_pem_x509_certificates(certs.issue_for_key(site, key, "pump-1", life=timedelta(days=30)))
    assert leaf.public_key() == key
    assert above == site.issuing.certificate
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc == timedelta(days=30, minutes=5)


def test_lists_what_was_issued(site: certs.Site, tmp_path: Path) -> None:
    for identity in ("pump-2", "pump-1"):
        certs.issue(site, identity, tmp_path)
    (tmp_path / "pump-3.key").touch()
    listed = certs.listing(tmp_path)
    assert [entry.identity for entry in listed] == ["pump-1", "pump-2"]
    assert len(listed[0].sha1) == 40
    assert len(listed[0].sha256) == 64
    assert listed[0].not_after > shape.now_utc()


def test_lists_nothing_where_nothing_was_issued(tmp_path: Path) -> None:
    assert certs.listing(tmp_path / "identities") == []
