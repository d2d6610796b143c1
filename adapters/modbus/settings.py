"""What a plant engineer writes for Modbus: ``connect:`` of a device and the address of a point."""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field

from gateway.adapter import Duration, Settings, ValueType, Whole, fault

PORT = 502
"""The registered port of Modbus TCP."""

_ENDPOINT = re.compile(r"tcp://(\[[0-9A-Fa-f:.]+]|[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?)(?::([0-9]{1,5}))?/?")
_EXAMPLE = "write for example tcp://10.20.0.15:502"


def _endpoint(text: str) -> str:
    """One spelling for one line: lower case, the port always named."""
    match = _ENDPOINT.fullmatch(text)
    if match is None:
        hint = f"write tcp://{text}" if _ENDPOINT.fullmatch(f"tcp://{text}") else _EXAMPLE
        raise fault("B13", f'"{text}" is not the address of a Modbus TCP device', hint)
    port = PORT if match[2] is None else int(match[2])
    if not 1 <= port <= 65535:
        raise fault("B13", f'"{text}" has the port {port}, but a port is 1 to 65535', _EXAMPLE)
    return f"tcp://{match[1].lower()}:{port}"


def _unit_id(unit_id: int) -> int:
    if unit_id == 0:
        raise fault(
            "B14",
            "unit_id 0 is broadcast: no device answers to it",
            "write the unit id that is set at the device, often 1; devices that ignore it take 255",
        )
    return unit_id


Endpoint: TypeAlias = Annotated[str, AfterValidator(_endpoint)]
"""``tcp://host:port``; read without a port it gets 502."""

Table: TypeAlias = Literal["coil", "discrete", "input", "holding"]
Order: TypeAlias = Literal["ABCD", "CDAB", "BADC", "DCBA"]
"""The bytes as they appear on the wire: 230.2 is ``43 66 33 33`` in ABCD, ``33 33 43 66`` in CDAB, ``66 43 33 33`` in
BADC and ``33 33 66 43`` in DCBA. In 64 bits CDAB is the least significant word first, BADC swaps the bytes of every
word, DCBA does both; in 16 bits BADC and DCBA swap the two bytes."""

BIT_TABLES: frozenset[Table] = frozenset(("coil", "discrete"))
"""The tables of single bits; the others hold 16-bit registers."""


class Connect(Settings):
    """``connect:`` of a device."""

    modbus: Endpoint
    unit_id: Annotated[Whole, AfterValidator(_unit_id), Field(ge=0, le=255)] = 1
    timeout: Annotated[Duration, Field(ge=0.01, le=60)] = 1.0
    """How long one request may take."""


class Address(Settings):
    """Where a point lives, and how its bytes are read."""

    at: Whole
    """0-based, as on the wire."""
    table: Table = "holding"
    type: ValueType = "uint16"
    order: Order = "ABCD"


def line(connect: Connect) -> str:
    """Devices behind one host and port share one connection."""
    return connect.modbus


def host_and_port(endpoint: str) -> tuple[str, int]:
    """The parts of a validated endpoint; an IPv6 address comes without its brackets."""
    host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
    return host.strip("[]"), int(port)
