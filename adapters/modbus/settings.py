"""What a plant engineer writes for Modbus: ``connect:`` of a device and the address of a point."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, ValidationInfo
from pydantic_core import PydanticKnownError

from gateway.adapter import Bits, Duration, Settings, ValueType, Whole, fault

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
    _check_numbers(text, match[1])
    port = PORT if match[2] is None else int(match[2])
    if not 1 <= port <= 65535:
        raise fault("B13", f'"{text}" has the port {port}, but a port is 1 to 65535', _EXAMPLE)
    return f"tcp://{match[1].lower()}:{port}"


def _check_numbers(text: str, host: str) -> None:
    """Raise B13 for a host of numbers alone, or in brackets, that is no IP address."""
    if not re.fullmatch("[0-9.]+|\\[.*]", host):
        return
    try:
        ip_address(host.strip("[]"))
    except ValueError as error:
        parts = [part.lstrip("0") or "0" for part in host.split(".")]
        plain = len(parts) == 4 and all(part.isdecimal() and int(part) <= 255 for part in parts)
        hint = f"write tcp://{text.removeprefix('tcp://').replace(host, '.'.join(parts), 1)}" if plain else _EXAMPLE
        kind = "IPv6" if host.startswith("[") else "IPv4"
        raise fault("B13", f'"{text}" has the host {host}, which is no {kind} address', hint) from error


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
BADC and ``33 33 66 43`` in DCBA. In other widths CDAB is the least significant word first, BADC swaps the bytes of
every word, DCBA does both; in 16 bits BADC and DCBA swap the two bytes."""
Byte: TypeAlias = Literal["high", "low"]
"""Of a register, after ``order``."""

BIT_TABLES: frozenset[Table] = frozenset(("coil", "discrete"))
"""The tables of single bits; the others hold 16-bit registers."""


class Connect(Settings):
    """``connect:`` of a device."""

    modbus: Annotated[Endpoint, Field(description="tcp://host:port")]
    unit_id: Annotated[
        Whole, AfterValidator(_unit_id), Field(ge=0, le=255, description="The unit id that is set at the device.")
    ] = 1
    timeout: Annotated[Duration, Field(ge=0.01, le=60, description="How long one request may take.")] = 1.0
    base: Annotated[
        Whole,
        Field(
            ge=-65535,
            le=65535,
            description="Added to every address: for models and sections that stand elsewhere in other devices.",
        ),
    ] = 0


class Profile(Settings):
    """Modbus' keys at the top of a profile."""

    numbering: Annotated[
        Literal["offset", "number"],
        Field(description="offset: 0, 1, 2 as on the wire; number: 30001, 40001 as printed in manuals."),
    ] = "offset"


_COIL_NUMBER = re.compile("0[0-9]{4,5}")


def _at(text: Any, info: ValidationInfo) -> Any:
    # As if the setting were required, which it is where there are no registers: so it is missed as any other.
    if text is None and info.data.get("registers", ()) is None:
        raise PydanticKnownError("missing")
    # Numbers of coils begin with 0. Whether this may be one is known to the profile: ``numbering.resolve`` judges it.
    if isinstance(text, str) and _COIL_NUMBER.fullmatch(text):
        return int(text)
    return text


class Address(Settings):
    """Where a point lives, and how its bytes are read: ``at``, or ``registers`` where they are not neighbours."""

    # For editors; ``_at`` says the same to the reader of the file.
    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["at"]}, {"required": ["registers"]}]})

    registers: Annotated[
        Annotated[tuple[Whole, ...], Field(min_length=1)] | None,
        Field(description="Instead of at: one address for each register, in the order of the value's words."),
    ] = None
    at: Annotated[
        Whole | None, BeforeValidator(_at), Field(validate_default=True, description="the register address")
    ] = None
    """0-based, as on the wire; as it was written until it is resolved."""
    table: Annotated[Table, Field(description="Where it lives: single bits, or registers of 16 bits.")] = "holding"
    type: Annotated[ValueType, Field(description="What its bytes are.")] = "uint16"
    order: Annotated[
        Order, Field(description="The bytes on the wire: 230.2 is 43 66 33 33 in ABCD, 33 33 43 66 in CDAB.")
    ] = "ABCD"
    byte: Annotated[
        Byte | None, Field(description="Which byte of the register an int8, uint8 or bool is; low by default.")
    ] = None
    """A bool is of the whole register where nothing is said."""
    bits: Annotated[
        Bits | None,
        Field(description="A field of the register as an unsigned integer, lowest..highest; one for a bool."),
    ] = None
    length: Annotated[
        Annotated[Whole, Field(ge=1)] | None,
        Field(description="How many registers a string, bytes or datetime takes."),
    ] = None


def line(connect: Connect) -> str:
    """Devices behind one host and port share one connection."""
    return connect.modbus


def read_only(address: Address) -> str:
    """Why nobody can write there; empty where one can."""
    what = {"input": "input registers", "discrete": "discrete inputs"}.get(address.table)
    return f"{what} can only be read" if what else ""


def host_and_port(endpoint: str) -> tuple[str, int]:
    """The parts of a validated endpoint; an IPv6 address comes without its brackets."""
    host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
    return host.strip("[]"), int(port)
