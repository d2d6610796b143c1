"""Finding the certificate and key of an identity, and saying what is wrong with them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from cryptography.x509.oid import NameOID

import certs
from certs import files, shape
from gateway.identity.credentials import CredentialFault, find


@pytest.fixture
def identities(site: certs.Site, tmp_path: Path) -> Path:
    certs.issue(site, "pump-1", tmp_path)
    return tmp_path


def fault(directory: Path, now: datetime | None = None) -> CredentialFault:
    with pytest.raises(CredentialFault) as caught:
        find(directory, "pump-1", now)
    return caught.value


def test_finds_what_was_issued(identities: Path) -> None:
    found = find(identities, "pump-1")
    assert (found.identity, found.certificate, found.key) == (
        "pump-1",
        identities / "pump-1.pem",
        identities / "pump-1.key",
    )
    assert found.not_before < datetime.now(UTC) < found.not_after


@pytest.mark.parametrize("name", ["pump-1.pem", "pump-1.key"])
def test_a_missing_file_is_named_with_the_command_that_makes_it(identities: Path, name: str) -> None:
    (identities / name).unlink()
    error = fault(identities)
    assert error.reason == f"{identities / name} is missing"
    assert error.remedy == "fieldgate certs issue PLANT"


@pytest.mark.parametrize("name", ["pump-1.pem", "pump-1.key"])
def test_a_file_that_cannot_be_read_is_named(identities: Path, name: str) -> None:
    (identities / name).unlink()
    (identities / name).mkdir(mode=0o700)
    assert fault(identities).reason == f"{identities / name} cannot be read: Is a directory"


@pytest.mark.parametrize("content", [b"", b"no PEM", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_is_named(identities: Path, content: bytes) -> None:
    (identities / "pump-1.pem").write_bytes(content)
    assert fault(identities).reason == f"{identities / 'pump-1.pem'} is not a certificate in PEM"


def test_what_is_no_key_is_named(identities: Path) -> None:
    (identities / "pump-1.key").write_bytes(b"no key")
    assert "is not a private key in PEM" in fault(identities).reason


def test_a_key_with_a_password_asks_nobody(identities: Path) -> None:
    encryption = BestAvailableEncryption(b"password")
    data = shape.new_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    (identities / "pump-1.key").write_bytes(data)
    assert "without password" in fault(identities).reason


def test_an_expired_certificate_says_since_when(identities: Path) -> None:
    end = find(identities, "pump-1").not_after
    error = fault(identities, end + timedelta(seconds=1))
    assert error.reason == f"{identities / 'pump-1.pem'} has expired on {end:%Y-%m-%d}"
    assert error.remedy == "fieldgate certs renew PLANT"


def test_a_clock_that_was_never_set_is_not_the_fault_of_the_certificate(identities: Path) -> None:
    error = fault(identities, datetime(1970, 1, 1, 0, 2, tzinfo=UTC))
    assert "the clock here says 1970-01-01 00:02 UTC" in error.reason
    assert error.remedy == "set the clock of this machine"


def test_the_certificate_of_another_identity_is_refused(site: certs.Site, identities: Path) -> None:
    other = certs.issue(site, "pump-2", identities)
    (identities / "pump-1.pem").write_bytes(other.certificate.read_bytes())
    assert fault(identities).reason.endswith("is the certificate of pump-2, not of pump-1")


@pytest.mark.parametrize(("names", "said"), [([], "nobody"), (["pump-1", "pump-2"], "pump-1 and pump-2")])
def test_exactly_one_name_is_an_identity(identities: Path, names: list[str], said: str) -> None:
    key = files.read_key(identities / "pump-1.key")
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name) for name in names])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, SHA256())
    )
    (identities / "pump-1.pem").write_bytes(files.certificate_pem(certificate))
    assert f"the certificate of {said}, not of" in fault(identities).reason


def test_a_key_of_another_certificate_is_refused(identities: Path) -> None:
    (identities / "pump-1.key").write_bytes(files.key_pem(shape.new_key()))
    assert fault(identities).reason == f"{identities / 'pump-1.key'} does not belong to pump-1.pem"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_key_that_others_can_read_is_refused(identities: Path, mode: int) -> None:
    (identities / "pump-1.key").chmod(mode)
    error = fault(identities)
    assert f"can be read by others (mode {mode:04o})" in error.reason
    assert error.remedy == f"chmod 600 {identities / 'pump-1.key'}"


def test_no_error_and_no_credential_shows_the_key(identities: Path) -> None:
    secret = (identities / "pump-1.key").read_text().splitlines()[1]
    shown = repr(find(identities, "pump-1"))
    (identities / "pump-1.pem").write_bytes(
        files.certificate_pem(*x509.load_pem_x509_certificates((identities / "pump-1.pem").read_bytes())[1:])
    )
    error = fault(identities)
    assert secret not in shown + str(error) + error.remedy
