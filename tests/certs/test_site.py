"""The authority of a site on disk."""

from __future__ import annotations

import re
import stat
from datetime import timedelta
from pathlib import Path

import pytest

import certs
from certs import SiteFault, files, shape


def test_a_new_site_has_root_and_issuing_authority_for_its_owner_alone(tmp_path: Path) -> None:
    certs.create_site(tmp_path / "state" / "authority", "acme")
    authority = tmp_path / "state" / "authority"
    assert stat.S_IMODE(authority.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in authority.iterdir()}
    assert modes["root.key"] == modes["issuing.key"] == 0o600
    assert sorted(modes) == ["issuing.key", "issuing.pem", "root.key", "root.pem"]


def test_what_was_made_can_be_opened(tmp_path: Path) -> None:
    made = certs.create_site(tmp_path / "authority", "acme")
    opened = certs.open_site(tmp_path / "authority")
    assert opened.root == made.root
    assert opened.issuing.key.private_numbers() == made.issuing.key.private_numbers()


def test_a_site_is_never_made_over_another(tmp_path: Path) -> None:
    certs.create_site(tmp_path / "authority", "acme")
    before = (tmp_path / "authority" / "root.key").read_bytes()
    with pytest.raises(SiteFault, match="exists already"):
        certs.create_site(tmp_path / "authority", "acme")
    assert (tmp_path / "authority" / "root.key").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["authority"]


def test_a_name_that_no_certificate_can_carry_touches_no_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="site name"):
        certs.create_site(tmp_path / "authority", "x" * 100)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "write_new", full)
    with pytest.raises(SiteFault, match="No space left"):
        certs.create_site(tmp_path / "authority", "acme")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_site_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(SiteFault, match="no site authority") as caught:
        certs.open_site(tmp_path / "authority")
    assert caught.value.remedy == "make one: fieldgate certs create PLANT"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("root.pem", b"", "root.pem is damaged"),
        ("issuing.pem", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "issuing.pem is damaged"),
        ("issuing.key", b"nothing", "issuing.key is damaged"),
        ("issuing.key", None, "issuing.key cannot be read: No such file"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, name: str, content: bytes | None, reason: str) -> None:
    certs.create_site(tmp_path / "authority", "acme")
    if content is None:
        (tmp_path / "authority" / name).unlink()
    else:
        (tmp_path / "authority" / name).write_bytes(content)
    with pytest.raises(SiteFault, match=re.escape(reason)):
        certs.open_site(tmp_path / "authority")


def test_a_key_of_another_authority_is_noticed(tmp_path: Path) -> None:
    authority = tmp_path / "authority"
    certs.create_site(authority, "acme")
    (authority / "issuing.key").write_bytes((authority / "root.key").read_bytes())
    with pytest.raises(SiteFault, match=r"does not belong to issuing\.pem"):
        certs.open_site(authority)


def test_an_expired_authority_issues_nothing(tmp_path: Path) -> None:
    certs.create_site(tmp_path / "authority", "acme", shape.now_utc() - timedelta(days=4000))
    with pytest.raises(SiteFault, match=r"issuing authority .* has expired"):
        certs.open_site(tmp_path / "authority")


def test_devices_get_their_certificates_while_the_key_of_the_root_is_in_a_safe(tmp_path: Path) -> None:
    certs.create_site(tmp_path / "authority", "acme")
    (tmp_path / "authority" / "root.key").unlink()
    site = certs.open_site(tmp_path / "authority")
    assert certs.issue(site, "pump-1", tmp_path / "identities").why == "new"
    with pytest.raises(SiteFault, match=r"root\.key cannot be read") as caught:
        certs.proof_of_possession(site, "CODE")
    assert "from where it is kept" in caught.value.remedy
