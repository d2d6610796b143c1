"""Opening TCP connections by name, with a resolver that the test pulls the strings of."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from gateway.mqtt import dial as dialling
from gateway.mqtt.dial import dial, resolve


@contextmanager
def listening(host: str = "127.0.0.1") -> Iterator[int]:
    with socket.create_server((host, 0)) as server:
        yield server.getsockname()[1]


def closed_port() -> int:
    with listening() as port:
        return port


def info(host: str, port: int) -> dialling.Info:
    return (socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))


def answer(monkeypatch: pytest.MonkeyPatch, name: str, answers: list[dialling.Info] | OSError) -> None:
    """Let one name have these addresses."""
    real = socket.getaddrinfo

    def fake(host: str, *args: Any, **kwargs: Any) -> Any:
        if host != name or kwargs.get("flags"):
            return real(host, *args, **kwargs)
        if isinstance(answers, OSError):
            raise answers
        return answers

    monkeypatch.setattr(socket, "getaddrinfo", fake)


async def test_connects_to_an_address() -> None:
    with listening() as port, await dial("127.0.0.1", port) as connection:
        assert connection.getpeername() == ("127.0.0.1", port)
        assert not connection.getblocking()


async def test_connects_by_name_to_the_first_address_that_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as port:
        answer(monkeypatch, "hub.test", [info("127.0.0.1", closed_port()), info("127.0.0.1", port)])
        with await dial("hub.test", 1) as connection:
            assert connection.getpeername() == ("127.0.0.1", port)


async def test_an_address_that_swallows_everything_does_not_hide_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialling, "ATTEMPT_S", 0.05)
    # A full backlog: the kernel drops the SYN, and nobody answers.
    with socket.socket() as deaf, listening() as port:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        with socket.create_connection(deaf.getsockname()):
            answer(monkeypatch, "hub.test", [info(*deaf.getsockname()), info("127.0.0.1", port)])
            with await dial("hub.test", 1) as connection:
                assert connection.getpeername() == ("127.0.0.1", port)


async def test_raises_the_error_of_the_last_address() -> None:
    with pytest.raises(ConnectionRefusedError):
        await dial("127.0.0.1", closed_port())


async def test_an_unknown_name_is_a_gaierror(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, "hub.test", socket.gaierror(socket.EAI_NONAME, "Name or service not known"))
    with pytest.raises(socket.gaierror, match="not known"):
        await resolve("hub.test", 8883)


@pytest.mark.parametrize("name", ["a..b", "a" * 64 + ".example"])
async def test_a_name_that_cannot_be_asked_for_is_a_gaierror(name: str) -> None:
    with pytest.raises(socket.gaierror, match="not a host name"):
        await resolve(name, 8883)


async def test_a_resolver_that_hangs_can_be_left(monkeypatch: pytest.MonkeyPatch) -> None:
    real, release = socket.getaddrinfo, threading.Event()

    def hanging(host: str, *args: Any, **kwargs: Any) -> Any:
        if not kwargs.get("flags"):
            release.wait(10)
        return real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await resolve("localhost", 8883)
    assert time.monotonic() - begun < 1
    assert any(thread.daemon and thread.name == "resolve localhost" for thread in threading.enumerate())
    release.set()
