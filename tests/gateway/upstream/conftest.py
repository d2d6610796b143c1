"""A site with issued identities and a pretended hub on 127.0.0.1, made once."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

import certs
from gateway.identity.credentials import Credential, find
from tests.certs import hub

IDENTITIES = ("pump-1", "pump-2")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> certs.Site:
    return certs.create_site(tmp_path_factory.mktemp("state") / "authority", "acme")


@pytest.fixture(scope="session")
def directory(site: certs.Site) -> Path:
    """Where the identities are."""
    for identity in IDENTITIES:
        certs.issue(site, identity, site.directory.parent / "identities")
    return site.directory.parent / "identities"


@pytest.fixture(scope="session")
def credentials(directory: Path) -> dict[str, Credential]:
    return {identity: find(directory, identity) for identity in IDENTITIES}


@pytest.fixture(scope="session")
def hub_files(tmp_path_factory: pytest.TempPathFactory) -> hub.HubFiles:
    return hub.make(tmp_path_factory.mktemp("hub"), "127.0.0.1")


@pytest.fixture(scope="session")
def server_context(hub_files: hub.HubFiles, site: certs.Site) -> ssl.SSLContext:
    """The hub's: it takes certificates below the site's root alone."""
    return hub_files.context(site.directory / "root.pem")
