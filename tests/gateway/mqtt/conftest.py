"""Certificates of a pretended hub on 127.0.0.1, and a client's context that trusts it."""

from __future__ import annotations

import ssl

import pytest

from tests.certs import hub


@pytest.fixture(scope="session")
def hub_files(tmp_path_factory: pytest.TempPathFactory) -> hub.HubFiles:
    return hub.make(tmp_path_factory.mktemp("hub"), "127.0.0.1")


@pytest.fixture(scope="session")
def server_context(hub_files: hub.HubFiles) -> ssl.SSLContext:
    return hub_files.context()


@pytest.fixture(scope="session")
def client_context(hub_files: hub.HubFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(hub_files.root)
    return context
