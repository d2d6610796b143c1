"""A site authority and a pretended hub, made once."""

from __future__ import annotations

import pytest

import certs
from tests.certs import hub


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> certs.Site:
    return certs.create_site(tmp_path_factory.mktemp("state") / "authority", "acme")


@pytest.fixture(scope="session")
def hub_files(tmp_path_factory: pytest.TempPathFactory) -> hub.HubFiles:
    return hub.make(tmp_path_factory.mktemp("hub"), "127.0.0.1")
