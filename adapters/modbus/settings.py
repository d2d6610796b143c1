"""What a plant engineer writes for Modbus: ``connect:`` of a device and the address of a point."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic_core import PydanticKnownError

from adapters.modbus import endpoint
from adapters.modbus.identification import NAMES, NUMBERS, PRIVATE
from gateway.adapter import Bits, Duration, Settings, ValueType, Whole, fault


def _unit_id(unit_id: int) -> int:
    if unit_id == 0:
        raise fault(
            "B14",
            "unit_id 0 is broadcast: no device answers to it",
            "write the unit id that is set at the device, often 1; devices that ignore it take 255",
        )
    return unit_id


def _file(path: str) -> str:
    if not Path(path).is_absolute():
        raise fault(
            "B20", f'"{path}" is not a whole path', "write it from the root on, for example /etc/fieldgate/plc.pem"
        )
    return path


def _range(pair: tuple[int, int]) -> tuple[int, int]:
    if pair[0] > pair[1]:
        raise fault("B20", f"the range {pair[0]}..{pair[1]} is empty", f"write [{pair[1]}, {pair[0]}]")
    return pair


def _network(text: str) -> str:
    try:
        network = ip_network(text, strict=False)
    except ValueError as error:
        hint = "write for example 10.20.0.15, or 10.20.0.0/24 for all of a network"
        raise fault("B20", f'"{text}" is no IP address and no network', hint) from error
    return str(network.network_address if network.num_addresses == 1 else network)


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Networks: TypeAlias = Annotated[tuple[Annotated[str, AfterValidator(_network)], ...], BeforeValidator(_listed)]
"""IP addresses, and networks as ``10.20.0.0/24``; one may stand without brackets."""


def _ranges(value: Any, judge: ValidatorFunctionWrapHandler) -> Any:
    if isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(one, str | int) for one in value):
        text = f"{{key}} is a list of ranges, but {value[0]}, {value[1]} is one range"
        raise fault("M15", text, f"write [[{value[0]}, {value[1]}]]")
    return judge(value)


Endpoint: TypeAlias = Annotated[str, AfterValidator(endpoint.spelled)]
"""See ``endpoint``; ``tcp://host`` gets the port 502, ``tls://host`` 802."""
File: TypeAlias = Annotated[str, AfterValidator(_file)]
Address16: TypeAlias = Annotated[Whole, Field(ge=0, le=65535)]
Range: TypeAlias = Annotated[tuple[Address16, Address16], AfterValidator(_range)]
"""First and last address, of any table."""


def _object(text: Any) -> Any:
    if not isinstance(text, str) or text in NUMBERS:
        return text
    hint = f"write {', '.join(NUMBERS)}, or 0x80 to 0xFF for an object of the maker's own"
    if re.fullmatch("0[xX][0-9a-fA-F]{1,4}|0|[1-9][0-9]{0,4}", text):
        number = int(text, 0)
        if number in PRIVATE:
            return number
        hint = f"write {NAMES[number]}" if number in NAMES else hint
    raise fault("B22", f'"{text}" is no object of the device identification', hint)


ObjectName: TypeAlias = Literal[
    "vendor_name", "product_code", "revision", "vendor_url", "product_name", "model_name", "user_application_name"
]
Object: TypeAlias = Annotated[
    ObjectName | Annotated[Whole, Field(ge=PRIVATE.start, le=PRIVATE.stop - 1)], BeforeValidator(_object)
]
"""Of the device identification: a name of the standard, or a number of the maker's own."""

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

    modbus: Annotated[
        Endpoint, Field(description=f"tcp://host:port, or rtu:///dev/serial/by-id/...; one of {endpoint.SCHEMES}")
    ]
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

    baud: Annotated[Whole, Field(ge=50, le=4_000_000, description="Bits per second of a serial line.")] = 19200
    parity: Annotated[Literal["even", "odd", "none"], Field(description="Of a serial line.")] = "even"
    stop: Annotated[Whole, Field(ge=1, le=2, description="Stop bits of a serial line.")] = 1
    data_bits: Annotated[Whole, Field(ge=7, le=8, description="Data bits of a serial line; 7 only for ASCII.")] = 8
    rs485: Annotated[
        Literal["none", "rts"], Field(description="rts: the kernel switches the RS-485 driver on while sending.")
    ] = "none"

    certificate: Annotated[File | None, Field(description="tls: our certificate, PEM, with its chain.")] = None
    key: Annotated[File | None, Field(description="tls: the key of our certificate, PEM.")] = None
    trust: Annotated[
        File | None,
        Field(description="tls: the certificates of the authorities that are trusted, or the device's own."),
    ] = None

    from_: Annotated[
        Networks,
        Field(
            alias="from",
            description="listen: who may call: IP addresses or networks; others are hung up. Without it anybody may.",
        ),
    ] = ()

    delay: Annotated[Duration, Field(ge=0, le=60, description="Between an answer and the next request.")] = 0.0
    pause: Annotated[Duration, Field(ge=0, le=60, description="Between connecting and the first request.")] = 0.0
    idle: Annotated[
        Duration | None,
        Field(
            description="The device closes a connection that is idle for so long: it is opened again without a word."
        ),
    ] = None

    max_gap: Annotated[Whole, Field(ge=0, le=2000, description="Addresses nobody asked for that a read may span.")] = 8
    max_registers: Annotated[Whole, Field(ge=1, le=125, description="The longest read of registers.")] = 125
    max_bits: Annotated[Whole, Field(ge=1, le=2000, description="The longest read of single bits.")] = 2000
    forbidden: Annotated[
        tuple[Range, ...],
        WrapValidator(_ranges),
        Field(description="Ranges of addresses, [first, last], that are never touched."),
    ] = ()
    one_by_one: Annotated[bool, Field(description="One request for each point, for devices that need it.")] = False

    @model_validator(mode="after")
    def _fits_its_line(self) -> Self:
        where = endpoint.parts(self.modbus)
        if where.framing == "rtu" and self.data_bits == 7:
            raise fault("B20", "RTU needs 8 data bits", "write data_bits: 8, or ascii:// instead of rtu://")
        if where.carrier == "tls" and self.trust is None:
            hint = "write trust: /etc/fieldgate/modbus-roots.pem, with the certificates of the authorities you trust"
            raise fault("B20", "a tls:// line needs to know whom to trust", hint)
        if self.from_ and where.carrier != "listen":
            raise fault("B20", "from says who may call, and nobody calls on such a line", "leave it out")
        if (self.certificate is None) != (self.key is None):
            raise fault("B20", "certificate and key belong together", "write both, or none")
        return self


class Profile(Settings):
    """Modbus' keys at the top of a profile."""

    numbering: Annotated[
        Literal["offset", "number"],
        Field(description="offset: 0, 1, 2 as on the wire; number: 30001, 40001 as printed in manuals."),
    ] = "offset"


_COIL_NUMBER = re.compile("0[0-9]{4,5}")


_ELSEWHERE = ("registers", "object", "file", "record")


def _record(text: Any, info: ValidationInfo) -> Any:
    if text is None and info.data.get("file") is not None:
        raise PydanticKnownError("missing")
    return text


def _at(text: Any, info: ValidationInfo) -> Any:
    # As if the setting were required, which it is where nothing else says the place: so it is missed as any other.
    if text is None and all(info.data.get(key, ()) is None for key in _ELSEWHERE):
        raise PydanticKnownError("missing")
    # Numbers of coils begin with 0. Whether this may be one is known to the profile: ``numbering.resolve`` judges it.
    if isinstance(text, str) and _COIL_NUMBER.fullmatch(text):
        return int(text)
    return text


class Address(Settings):
    """Where a point lives, and how its bytes are read.

    One of ``at``, ``registers`` (where they are not neighbours), ``file`` with ``record``, and ``object``.
    """

    # For editors; ``_at`` and ``_record`` say the same to the reader of the file.
    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": ["at"]},
                {"required": ["registers"]},
                {"required": ["record"]},
                {"required": ["object"]},
            ]
        }
    )

    registers: Annotated[
        Annotated[tuple[Whole, ...], Field(min_length=1)] | None,
        Field(description="Instead of at: one address for each register, in the order of the value's words."),
    ] = None
    object: Annotated[
        Object | None,
        Field(description="Instead of at: a text of the device identification, by its name, or 0x80 to 0xFF."),
    ] = None
    file: Annotated[
        Annotated[Whole, Field(ge=1, le=65535)] | None,
        Field(description="Instead of at: the number of a file; record says where in it."),
    ] = None
    record: Annotated[
        Annotated[Whole, Field(ge=0, le=9999)] | None,
        BeforeValidator(_record),
        Field(validate_default=True, description="the first record of the file, counted from 0"),
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


def port(connect: Connect) -> str:
    """The port of a host, or the serial port; empty where only lines of one kind can use it."""
    where = endpoint.parts(connect.modbus)
    return where.device or (f"{where.host}:{where.port}" if where.carrier in ("tcp", "tls") else "")


def of_the_line(connect: Connect) -> tuple[str, ...]:
    """The settings that a line has once, so that its devices must say them alike; by their fields."""
    return _OF_THE_LINE.get(endpoint.parts(connect.modbus).carrier, ())


def disagreement(connects: Sequence[Connect]) -> str:
    """What devices of one line say differently though the line has it once, in words; empty where they agree."""
    for key in of_the_line(connects[0]):
        said = list(dict.fromkeys(_said(getattr(connect, key)) for connect in connects))
        if len(said) > 1:
            return f"{key.rstrip('_')} is {' here and '.join(said[:2])} there, on the same line"
    return ""


def _said(value: object) -> str:
    if value is None or value == ():
        return "not said"
    return ", ".join(value) if isinstance(value, tuple) else str(value)


_OF_THE_LINE: dict[endpoint.Carrier, tuple[str, ...]] = {
    "serial": ("baud", "parity", "stop", "data_bits", "rs485"),
    "tls": ("certificate", "key", "trust"),
    "listen": ("from_",),
}


IDENTIFICATION_S = 3600.0


def every(address: Address) -> float | None:
    """What a device says of itself hardly ever changes: it is asked for with each connection, and once an hour."""
    return IDENTIFICATION_S if address.object is not None else None


def read_only(address: Address) -> str:
    """Why nobody can write there; empty where one can."""
    if address.object is not None:
        return "the device identification can only be read"
    if address.file is not None:
        return ""
    what = {"input": "input registers", "discrete": "discrete inputs"}.get(address.table)
    return f"{what} can only be read" if what else ""
