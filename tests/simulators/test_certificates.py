"""The certificates of simulated servers, judged by Python's TLS client."""

from __future__ import annotations

import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store

from simulators import certificates
from simulators.certificates import TrustInvalid

NAMES = ("localhost", "127.0.0.1", "127.0.0.23")


def test_the_server_certificate_verifies_for_each_name(hub_folder: Path) -> None:
    import ipaddress

    files = certificates.prepare(hub_folder, NAMES)
    server = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    builder = PolicyBuilder().store(Store([x509.load_pem_x509_certificate(files.root.read_bytes())]))
    addresses = [x509.IPAddress(ipaddress.ip_address(name)) for name in NAMES[1:]]
    subjects: list[x509.DNSName | x509.IPAddress] = [x509.DNSName(NAMES[0]), *addresses]
    for subject in subjects:
        assert len(builder.build_server_verifier(subject).verify(server, [])) == 2


def test_a_hub_that_is_started_again_keeps_its_root(hub_folder: Path) -> None:
    first = certificates.prepare(hub_folder, ("localhost",))
    root, server = first.root.read_bytes(), first.certificate.read_bytes()
    certificates.prepare(hub_folder, NAMES)
    assert first.root.read_bytes() == root
    assert first.certificate.read_bytes() != server


def test_keys_are_for_the_owner_alone(hub_folder: Path) -> None:
    certificates.prepare(hub_folder, NAMES)
    keys = list(hub_folder.glob("*.key"))
    assert len(keys) >= 2
    assert {stat.S_IMODE(path.stat().st_mode) for path in keys} == {0o600}


def test_a_trusted_file_that_is_none_is_named(hub_folder: Path, tmp_path: Path) -> None:
    files = certificates.prepare(hub_folder, NAMES)
    (tmp_path / "empty.pem").write_text("nothing")
    with pytest.raises(TrustInvalid, match=r"empty\.pem: holds no certificate"):
        certificates.context(files.certificate, files.key, [tmp_path / "empty.pem"], ssl.TLSVersion.TLSv1_2)
    with pytest.raises(TrustInvalid, match=r"missing\.pem: No such file"):
        certificates.context(files.certificate, files.key, [tmp_path / "missing.pem"], ssl.TLSVersion.TLSv1_2)
    with pytest.raises(TrustInvalid, match=r"empty\.pem and .*server\.key are no certificate and its key"):
        certificates.context(tmp_path / "empty.pem", files.key, None, ssl.TLSVersion.TLSv1_2)


def test_each_owner_has_a_root_of_its_own(hub_folder: Path) -> None:
    hub, meters = [certificates.prepare(hub_folder, NAMES, owner) for owner in (certificates.HUB, certificates.METERS)]
    assert hub.root.read_bytes() != meters.root.read_bytes()
    subjects = [x509.load_pem_x509_certificate(files.root.read_bytes()).subject for files in (hub, meters)]
    assert [name.rfc4514_string() for name in subjects] == [
        "CN=Simulated IoT Hub root",
        "CN=Simulated Modbus devices root",
    ]
