"""Ports that cannot be had."""

from __future__ import annotations

import socket

import pytest

from simulators import listening
from simulators.listening import CannotListen


def test_a_free_port_is_bound() -> None:
    with listening.on("127.0.0.1", 0, "x") as bound:
        assert bound.getsockname()[1] > 0


def test_a_taken_port_is_named_with_the_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotListen) as caught:
            listening.on("127.0.0.1", port, "choose another (--port)")
    assert str(caught.value) == (
        f"127.0.0.1:{port} is taken by another program: end that program, or choose another (--port)"
    )


def test_an_address_of_another_machine_is_named() -> None:
    with pytest.raises(CannotListen, match=r"cannot listen on 192\.0\.2\.1:4711 \(.+\): choose"):
        listening.on("192.0.2.1", 4711, "choose another")
