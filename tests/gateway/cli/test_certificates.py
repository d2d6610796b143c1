"""fieldgate certs: from nothing to a certificate per device, with a remedy for each mistake."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from tests.gateway.cli.plant import call, example


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return example(tmp_path)


def test_creates_issues_lists_and_exports(folder: Path) -> None:
    created = call("certs", "create", folder)
    assert created.exit_code == 0
    assert f"fieldgate certs issue {folder}" in created.stdout
    issued = call("certs", "issue", folder)
    assert issued.exit_code == 0
    assert "meter-mcc1  issued (new)" in issued.stdout
    listed = json.loads(call("certs", "list", folder, "--json").stdout)["certificates"]
    assert [entry["id"] for entry in listed] == ["meter-hvac", "meter-mcc1"]
    root = x509.load_pem_x509_certificate(call("certs", "export-ca", folder).stdout.encode())
    assert root.issuer == root.subject


def test_issuing_again_keeps_what_is_good(folder: Path) -> None:
    call("certs", "create", folder)
    call("certs", "issue", folder)
    key = (folder / "state" / "identities" / "meter-mcc1.key").read_bytes()
    assert "kept" in call("certs", "issue", folder).stdout
    assert (folder / "state" / "identities" / "meter-mcc1.key").read_bytes() == key


def test_renews_only_who_is_named(folder: Path) -> None:
    call("certs", "create", folder)
    call("certs", "issue", folder)
    keys = {path.name: path.read_bytes() for path in (folder / "state" / "identities").glob("*.key")}
    assert call("certs", "renew", folder, "meter-hvac").exit_code == 0
    after = {path.name: path.read_bytes() for path in (folder / "state" / "identities").glob("*.key")}
    assert after["meter-mcc1.key"] == keys["meter-mcc1.key"]
    assert after["meter-hvac.key"] != keys["meter-hvac.key"]


def test_renewing_an_unknown_identity_names_the_known(folder: Path) -> None:
    call("certs", "create", folder)
    result = call("certs", "renew", folder, "meter-x")
    assert result.exit_code == 2
    assert "meter-mcc1, meter-hvac" in result.stderr


def test_issuing_without_authority_names_the_command(folder: Path) -> None:
    result = call("certs", "issue", folder)
    assert result.exit_code == 1
    assert f"fieldgate certs create {folder}" in result.stderr


def test_a_second_authority_is_refused(folder: Path) -> None:
    call("certs", "create", folder)
    before = (folder / "state" / "authority" / "root.key").read_bytes()
    assert call("certs", "create", folder).exit_code == 1
    assert (folder / "state" / "authority" / "root.key").read_bytes() == before


def test_list_names_devices_without_certificate(folder: Path) -> None:
    assert f"has none: fieldgate certs issue {folder}" in call("certs", "list", folder).stdout


def test_verify_proves_possession_of_the_root(folder: Path) -> None:
    call("certs", "create", folder)
    proof = x509.load_pem_x509_certificate(call("certs", "verify", folder, "75B86466DA34D2B04C0C").stdout.encode())
    root = x509.load_pem_x509_certificate(call("certs", "export-ca", folder).stdout.encode())
    assert proof.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "75B86466DA34D2B04C0C"
    proof.verify_directly_issued_by(root)


def test_keys_are_for_the_owner_alone(folder: Path) -> None:
    call("certs", "create", folder)
    call("certs", "issue", folder)
    keys = list((folder / "state").rglob("*.key"))
    assert len(keys) == 4
    for key in keys:
        assert key.stat().st_mode & 0o777 == 0o600
        assert key.parent.stat().st_mode & 0o777 == 0o700
