"""Where a simulated line is reached: a port of this machine, or a path at which a serial port appears."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias, get_args
from urllib.parse import urlsplit

Kind: TypeAlias = Literal["tcp", "udp", "tls", "listen", "rtu+tcp", "ascii+tcp", "rtu", "ascii"]
"""Of ``listen`` the client listens and the device calls it; the last two are serial ports."""

KINDS: tuple[Kind, ...] = get_args(Kind)
PORT, SECURE_PORT = 502, 802
BAUD = 19200
CHARACTER_BITS = 11
"""Of RTU as the standard wants it: a start bit, eight of data, parity, stop."""


class EndpointInvalid(Exception):
    """The text names no line that can be played."""


class Endpoint(NamedTuple):
    """One line."""

    kind: Kind
    host: str = ""
    port: int = 0
    path: str = ""
    """Of a serial port."""
    baud: int = BAUD
    character_bits: int = CHARACTER_BITS

    @property
    def serial(self) -> bool:
        """Whether it is a serial port."""
        return not self.host

    @property
    def packets(self) -> bool:
        """Whether frames have the header of Modbus TCP, with a transaction, and no checksum."""
        return self.kind in ("tcp", "udp", "tls", "listen")

    @property
    def datagrams(self) -> bool:
        """Whether frames come whole or not at all."""
        return self.kind == "udp"

    @property
    def secure(self) -> bool:
        """Whether it is TLS."""
        return self.kind == "tls"

    @property
    def calls(self) -> bool:
        """Whether the device connects to its client."""
        return self.kind == "listen"

    @property
    def address(self) -> str:
        """Its name for people and for the control socket: ``host:port`` for Modbus TCP, else as it was written."""
        where = f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
        return (
            f"{self.kind}://{self.path}" if self.serial else where if self.kind == "tcp" else f"{self.kind}://{where}"
        )

    def character_s(self, baud: int | None = None) -> float:
        """Seconds that one character takes, at this or another rate."""
        return self.character_bits / (baud or self.baud)


def tcp(host: str, port: int) -> Endpoint:
    """The line of Modbus TCP at this port."""
    return Endpoint("tcp", host, port)


def parse(text: str, baud: int = BAUD, character_bits: int = CHARACTER_BITS) -> Endpoint:
    """``tcp://host:port`` (502, of TLS 802, where none is said), ``rtu:///path``, and alike. Raises EndpointInvalid."""
    scheme, _, rest = text.partition("://")
    kind = next((known for known in KINDS if known == scheme), None)
    if kind is None:
        raise EndpointInvalid(f"{text} is none of {', '.join(f'{known}://' for known in KINDS)}")
    if kind in ("rtu", "ascii"):
        if not rest.startswith("/"):
            raise EndpointInvalid(f"{text} names no path: {kind}:///path")
        return Endpoint(kind, path=rest, baud=baud, character_bits=character_bits)
    # The parser of the standard library knows brackets and ports by schemes without "+".
    parts = urlsplit(f"tcp://{rest}")
    if parts.hostname is None:
        raise EndpointInvalid(f"{text} is not {kind}://host:port")
    return Endpoint(kind, parts.hostname, parts.port or (SECURE_PORT if kind == "tls" else PORT))
