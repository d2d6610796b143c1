"""Client contexts: whom they believe and what they never do."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

import certs
from gateway.identity.credentials import CredentialFault, find
from gateway.identity.tls import TrustFault, client_context, roots
from tests.certs import hub
from tests.certs.hub import HubFiles


@pytest.fixture
def context(site: certs.Site, hub_files: HubFiles, tmp_path: Path) -> ssl.SSLContext:
    certs.issue(site, "pump-1", tmp_path)
    return client_context(find(tmp_path, "pump-1"), [hub_files.root])


def shaken(client: ssl.SSLContext, server: ssl.SSLContext, name: str = "127.0.0.1") -> ssl.SSLObject:
    """The server's side after a handshake in memory. Raises what either side raises."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    here = client.wrap_bio(to_client, to_server, server_hostname=name)
    there = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(5):
        for side in (here, there):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return there


def test_shows_the_identity_to_a_hub_that_it_trusts(
    context: ssl.SSLContext, site: certs.Site, hub_files: HubFiles
) -> None:
    peer = shaken(context, hub_files.context(site.directory / "root.pem")).getpeercert()
    assert peer is not None
    # The hub knows the root alone: the issuing authority came with the chain.
    assert peer["subject"] == ((("commonName", "pump-1"),),)


def test_verifies_always_and_speaks_tls_1_2_or_later(context: ssl.SSLContext) -> None:
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.verify_flags & ssl.VERIFY_X509_STRICT


def test_believes_no_root_of_the_system(context: ssl.SSLContext) -> None:
    assert context.cert_store_stats() == {"x509": 1, "crl": 0, "x509_ca": 1}


def test_refuses_a_hub_of_another_root(context: ssl.SSLContext, tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate verify failed"):
        shaken(context, hub.make(tmp_path / "rogue", "127.0.0.1").context())


def test_refuses_a_hub_of_another_name(context: ssl.SSLContext, hub_files: HubFiles) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="IP address mismatch"):
        shaken(context, hub_files.context(), "127.0.0.2")


def test_several_files_with_several_roots_are_all_trusted(
    site: certs.Site, hub_files: HubFiles, tmp_path: Path
) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(b"a comment\n" + (site.directory / "root.pem").read_bytes() + hub_files.root.read_bytes())
    assert roots([both, hub_files.root]).count("BEGIN CERTIFICATE") == 3


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "No such file"), (b"", "the file is empty"), (b" \n", "the file is empty"), (b"\xff\xfe", "is not PEM")],
)
def test_a_file_of_roots_that_is_none_is_named(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "hub-root.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TrustFault, match=reason) as caught:
        roots([path])
    assert str(path) in caught.value.reason
    assert caught.value.remedy


def test_without_any_root_there_is_no_context() -> None:
    with pytest.raises(TrustFault, match="no trusted root is named"):
        roots([])


def test_a_key_that_was_changed_meanwhile_is_a_fault(site: certs.Site, hub_files: HubFiles, tmp_path: Path) -> None:
    certs.issue(site, "pump-1", tmp_path)
    credential = find(tmp_path, "pump-1")
    credential.key.write_bytes((site.directory / "issuing.key").read_bytes())
    with pytest.raises(CredentialFault, match=r"pump-1\.pem or its key cannot be used"):
        client_context(credential, [hub_files.root])
