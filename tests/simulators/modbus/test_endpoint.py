"""Where a line is reached, as point lists write it."""

from __future__ import annotations

import pytest

from simulators.modbus.endpoint import Endpoint, EndpointInvalid, parse, tcp


@pytest.mark.parametrize(
    ("text", "endpoint", "address"),
    [
        ("tcp://localhost", tcp("localhost", 502), "localhost:502"),
        ("tcp://127.0.0.1:15020", tcp("127.0.0.1", 15020), "127.0.0.1:15020"),
        ("tcp://[::1]:15020", tcp("::1", 15020), "[::1]:15020"),
        ("rtu+tcp://127.0.0.1:4001", Endpoint("rtu+tcp", "127.0.0.1", 4001), "rtu+tcp://127.0.0.1:4001"),
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
        ("tls://127.0.0.1", "is none of tcp://"),
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
