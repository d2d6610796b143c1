"""The buffer of a TLS connection is cut, and a Python that names it otherwise is left alone."""

from __future__ import annotations

import asyncio
import asyncio.sslproto
import ssl

import pytest

from gateway.mqtt import tls_buffer
from gateway.mqtt.connection import connect
from tests.gateway.mqtt.peer import Visit, serving


async def test_a_connection_holds_16_kib(server_context: ssl.SSLContext, client_context: ssl.SSLContext) -> None:
    async def script(visit: Visit) -> None:
        await visit.accept()
        await visit.gone()

    async with (
        serving(script, server_context) as peer,
        connect("127.0.0.1", peer.port, ssl=client_context, client_id="c") as connection,
    ):
        protocol = connection._transport._ssl_protocol  # type: ignore[union-attr]  # asyncio has no public way to it
        assert len(protocol._ssl_buffer) == 16_384


def test_leaves_a_python_alone_that_names_it_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(asyncio.sslproto.SSLProtocol, "max_size")
    tls_buffer.shrink()
    assert not hasattr(asyncio.sslproto.SSLProtocol, "max_size")
