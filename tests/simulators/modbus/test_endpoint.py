"""Where a line is reached, as point lists write it."""

from __future__ import annotations

import pytest

from simulators.modbus.endpoint import KINDS, Endpoint, EndpointInvalid, parse, tcp


@pytest.mark.parametrize(
    ("text", "endpoint", "address"),
    [
        ("tcp://localhost", tcp("localhost", 502), "localhost:502"),
        ("tcp://127.0.0.1:15020", tcp("127.0.0.1", 15020), "127.0.0.1:15020"),
        ("tcp://[::1]:15020", tcp("::1", 15020), "[::1]:15020"),
        ("rtu+tcp://127.0.0.1:4001", Endpoint("rtu+tcp", "127.0.0.1", 4001), "rtu+tcp://127.0.0.1:4001"),
        ("tls://127.0.0.1", Endpoint("tls", "127.0.0.1", 802), "tls://127.0.0.1:802"),
        ("listen://0.0.0.0:5020", Endpoint("listen", "0.0.0.0", 5020), "listen://0.0.0.0:5020"),
        ("udp://127.0.0.1:4001", Endpoint("udp", "127.0.0.1", 4001), "udp://127.0.0.1:4001"),
        ("rtu:///tmp/bus", Endpoint("rtu", path="/tmp/bus"), "rtu:///tmp/bus"),
        ("ascii:///tmp/bus", Endpoint("ascii", path="/tmp/bus"), "ascii:///tmp/bus"),
    ],
)
def test_a_line_is_read_and_named(text: str, endpoint: Endpoint, address: str) -> None:
    assert parse(text) == endpoint
    assert endpoint.address == address
    assert endpoint.serial is text.startswith(("rtu:///", "ascii:///"))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("http://127.0.0.1", "is none of tcp://"),
        ("127.0.0.1:502", "is none of"),
        ("rtu://ttyS0", "names no path: rtu:///path"),
        ("rtu+tcp://:502", r"is not rtu\+tcp://host:port"),
    ],
)
def test_what_is_no_line_is_said(text: str, why: str) -> None:
    with pytest.raises(EndpointInvalid, match=why):
        parse(text)


def test_a_character_takes_eleven_bits_of_its_rate() -> None:
    assert parse("rtu:///tmp/bus", 9600).character_s() == pytest.approx(11 / 9600)
    assert parse("rtu:///tmp/bus", 9600, 10).character_s(1200) == pytest.approx(10 / 1200)


def test_what_a_kind_is_like() -> None:
    made = [
        Endpoint(kind, path="/tmp/bus") if kind in ("rtu", "ascii") else Endpoint(kind, "127.0.0.1") for kind in KINDS
    ]
    assert {one.kind for one in made if one.packets} == {"tcp", "udp", "tls", "listen"}
    assert [one.kind for one in made if one.secure] == ["tls"]
    assert [one.kind for one in made if one.calls] == ["listen"]
    assert {one.kind for one in made if one.serial} == {"rtu", "ascii"}
