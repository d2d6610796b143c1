"""A site authority, made once."""

from __future__ import annotations

import pytest

import certs


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> certs.Site:
    return certs.create_site(tmp_path_factory.mktemp("state") / "authority", "acme-tampere")
