"""Where a line is: ``tcp://plc:502``, ``rtu:///dev/serial/by-id/...`` and their like, in one spelling each."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Literal, NamedTuple, TypeAlias

from gateway.adapter import fault

Framing: TypeAlias = Literal["mbap", "rtu", "ascii"]
"""How a PDU becomes a frame."""
Carrier: TypeAlias = Literal["tcp", "udp", "tls", "listen", "serial"]
"""What carries the frames; ``listen`` is TCP that the device opens."""

PORT = 502
"""The registered port of Modbus TCP."""
SECURE_PORT = 802
"""That of Modbus/TCP Security."""


class _Kind(NamedTuple):
    carrier: Carrier
    framing: Framing
    port: int | None
    """Where none is written; None: it must be written."""


_KINDS = {
    "tcp": _Kind("tcp", "mbap", PORT),
    "udp": _Kind("udp", "mbap", PORT),
    "tls": _Kind("tls", "mbap", SECURE_PORT),
    "listen": _Kind("listen", "mbap", None),
    "rtu+tcp": _Kind("tcp", "rtu", None),
    "ascii+tcp": _Kind("tcp", "ascii", None),
    "rtu": _Kind("serial", "rtu", None),
    "ascii": _Kind("serial", "ascii", None),
}
SCHEMES = ", ".join(f"{scheme}://" for scheme in _KINDS)

_HOST = r"(\[[0-9A-Fa-f:.]+]|[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?)"
_ON_NETWORK = re.compile(rf"(tcp|udp|tls|listen|rtu\+tcp|ascii\+tcp)://{_HOST}(?::([0-9]{{1,5}}))?/?")
_ON_SERIAL = re.compile(r"(rtu|ascii)://(/[A-Za-z0-9._:+@/-]*[A-Za-z0-9._:+@-])")
_EXAMPLE = "write for example tcp://10.20.0.15:502"
_SERIAL_EXAMPLE = "write for example rtu:///dev/serial/by-id/usb-FTDI_FT232R_A10L5K3V-if00-port0"
_NUMBERED = re.compile(r"/dev/tty(?:USB|ACM|XRUSB)[0-9]+")


class Endpoint(NamedTuple):
    """A validated endpoint in its parts."""

    carrier: Carrier
    framing: Framing
    host: str
    """Without the brackets of an IPv6 address; empty for a serial port."""
    port: int
    """0 for a serial port."""
    device: str
    """The path of a serial port, else empty."""


def spelled(text: str) -> str:
    """One spelling for one line: lower case, the port always named. Raises the catalogue's B13."""
    serial = _ON_SERIAL.fullmatch(text)
    if serial is not None:
        return text
    match = _ON_NETWORK.fullmatch(text)
    if match is None:
        raise fault("B13", f'"{text}" is not the address of a Modbus device', _hint(text))
    scheme, host = match[1], match[2].lower()
    _check_numbers(text, match[2])
    port = _KINDS[scheme].port if match[3] is None else int(match[3])
    if port is None:
        hint = f"write the port too, for example {scheme}://{host}:{'5020' if scheme == 'listen' else '4001'}"
        raise fault("B13", f'"{text}" has no port, and there is none that such lines agree on', hint)
    if not 1 <= port <= 65535:
        raise fault("B13", f'"{text}" has the port {port}, but a port is 1 to 65535', _EXAMPLE)
    if host.startswith("["):
        host = f"[{ip_address(host[1:-1]).compressed}]"
    return f"{scheme}://{host}:{port}"


def _check_numbers(text: str, host: str) -> None:
    """Raise B13 for a host of numbers alone, or in brackets, that is no IP address."""
    if not re.fullmatch("[0-9.]+|\\[.*]", host):
        return
    try:
        ip_address(host.strip("[]"))
    except ValueError as error:
        numbers = [part.lstrip("0") or "0" for part in host.split(".")]
        plain = len(numbers) == 4 and all(part.isdecimal() and int(part) <= 255 for part in numbers)
        hint = f"write {text.replace(host, '.'.join(numbers), 1)}" if plain else _EXAMPLE
        kind = "IPv6" if host.startswith("[") else "IPv4"
        raise fault("B13", f'"{text}" has the host {host}, which is no {kind} address', hint) from error


def _hint(text: str) -> str:
    if _ON_NETWORK.fullmatch(f"tcp://{text}"):
        return f"write tcp://{text}"
    if _ON_SERIAL.fullmatch(f"rtu://{text}"):
        return f"write rtu://{text}"
    return _SERIAL_EXAMPLE if text.startswith(("rtu:", "ascii:", "/dev", "COM")) else _EXAMPLE


def parts(endpoint: str) -> Endpoint:
    """The parts of an endpoint that ``spelled`` made."""
    scheme, _, rest = endpoint.partition("://")
    kind = _KINDS[scheme]
    if kind.carrier == "serial":
        return Endpoint(kind.carrier, kind.framing, "", 0, rest)
    host, port = rest.rsplit(":", 1)
    return Endpoint(kind.carrier, kind.framing, host.strip("[]"), int(port), "")


def numbered(endpoint: str) -> bool:
    """Whether a serial port is named by the order in which it was plugged in, which a reboot may change."""
    return _NUMBERED.fullmatch(parts(endpoint).device) is not None
