"""The flat point list that a simulated plant plays, as ``fieldgate export points`` writes it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias, get_args

import msgspec

from simulators.modbus import endpoint
from simulators.modbus.endpoint import Endpoint, EndpointInvalid

log = logging.getLogger(__name__)

Table: TypeAlias = Literal["coil", "discrete", "input", "holding"]
Type: TypeAlias = Literal[
    "bool",
    "int8",
    "uint8",
    "int16",
    "uint16",
    "int24",
    "uint24",
    "int32",
    "uint32",
    "int48",
    "uint48",
    "int64",
    "uint64",
    "bcd16",
    "bcd32",
    "bcd64",
    "signmag16",
    "signmag32",
    "float16",
    "float32",
    "float64",
    "string",
    "bytes",
    "hhmm",
    "datetime",
    "version",
]
Order: TypeAlias = Literal["ABCD", "CDAB", "BADC", "DCBA"]
Byte: TypeAlias = Literal["high", "low"]
Raw: TypeAlias = bool | int | float | str | bytes | datetime
"""What registers hold, before scale. Integers are also: a field of bits, an hhmm (1730), a version (0x1203)."""

TABLES: tuple[Table, ...] = get_args(Table)
TYPES: tuple[Type, ...] = get_args(Type)
BIT_TABLES: frozenset[Table] = frozenset(("coil", "discrete"))


class PointsInvalid(Exception):
    """The list cannot be played; the text says where and why."""


class Address(msgspec.Struct, frozen=True):
    """Where a point lies, 0-based as on the wire, and how its value is coded: the words of the mapping language."""

    at: int | None = None
    table: Table = "holding"
    type: Type = "uint16"
    order: Order = "ABCD"
    registers: tuple[int, ...] | None = None
    """Instead of ``at``: one address for each word of the value."""
    byte: Byte | None = None
    bits: tuple[int, int] | None = None
    length: int | None = None
    """Registers of a string, of bytes or of a datetime."""


class Point(msgspec.Struct, frozen=True):
    """One point: what a client reads as ``raw * 10^scale_from * scale + offset`` in its unit."""

    name: str
    address: Address
    unit: str = ""
    scale: Fraction = Fraction(1)
    offset: Fraction = Fraction(0)
    scale_from: str | None = None
    """The point whose raw value is the power of ten."""
    kind: str = "gauge"
    rollover: int | None = None
    """How many raw values a counter has."""
    range: tuple[float, float] | None = None
    nan: frozenset[int] = frozenset()
    """Bit patterns that mean "no value"."""
    enum: dict[int, str] = {}  # msgspec copies it
    flags: dict[int, str] = {}
    """Names by bit."""
    single: bool = False
    """A float32 that a client publishes with its shortest text."""
    held: int | float | str | None = None
    """What it holds for ever, raw; None: it moves."""


class Device(msgspec.Struct, frozen=True):
    """One unit of a line."""

    name: str
    line: Endpoint
    unit_id: int
    points: tuple[Point, ...]
    identification: dict[int, str] = {}
    """Objects of function 43/14 by number; what is missing is made up."""
    files: dict[int, list[int]] = {}
    """Registers of files (functions 20 and 21) by file number, from record 0 on."""


class Listed(NamedTuple):
    """What a list holds."""

    devices: list[Device]
    left_out: list[str]
    """What cannot be played, and why, a sentence each."""


# Keys that are not known are passed over everywhere: the list may say more than a simulator needs.


class _Connect(msgspec.Struct, frozen=True):
    modbus: str
    unit_id: int = 1
    base: int = 0
    baud: int | None = None
    parity: str | None = None
    stop: int | None = None
    data_bits: int | None = None

    @property
    def character_bits(self) -> int:
        """What one character takes: a start bit, data, parity, stop bits."""
        return 1 + (self.data_bits or 8) + (self.parity != "none") + (self.stop or 1)


class _Entry(msgspec.Struct, frozen=True):
    device: str
    protocol: str
    connect: msgspec.Raw
    points: msgspec.Raw
    identification: dict[Annotated[int, msgspec.Meta(ge=0, le=255)], str] = {}
    files: dict[Annotated[int, msgspec.Meta(ge=1, le=65535)], list[Annotated[int, msgspec.Meta(ge=0, le=65535)]]] = {}


class _File(msgspec.Struct, frozen=True):
    devices: list[_Entry]


class _Kind(msgspec.Struct, frozen=True):
    type: str = "uint16"
    file: int | None = None
    object: int | str | None = None


class _Known(msgspec.Struct, frozen=True):
    name: str
    address: _Kind


def read(path: Path) -> list[Device]:
    """The Modbus devices of the list. What is left out of it is logged. Raises PointsInvalid."""
    try:
        listed = parse(path.read_bytes())
    except OSError as error:
        raise PointsInvalid(f"{path}: {error.strerror}") from error
    except PointsInvalid as error:
        raise PointsInvalid(f"{path}: {error}") from error
    for sentence in listed.left_out:
        log.warning("simulators: %s", sentence)
    return listed.devices


def parse(text: bytes) -> Listed:
    """As ``read``, of the file's content."""
    try:
        entries = msgspec.json.decode(text, type=_File).devices
    except msgspec.DecodeError as error:
        raise PointsInvalid(str(error)) from error
    others = [f"{entry.device} ({entry.protocol})" for entry in entries if entry.protocol != "modbus"]
    left_out = [f"only Modbus is played here, not {', '.join(others)}"] if others else []
    devices = [_device(entry, left_out) for entry in entries if entry.protocol == "modbus"]
    _check_units(devices)
    for device in devices:
        _check_scales(device)
    return Listed(devices, left_out)


def _device(entry: _Entry, left_out: list[str]) -> Device:
    try:
        connect = msgspec.json.decode(entry.connect, type=_Connect)
        points = _points(entry, left_out)
    except msgspec.DecodeError as error:
        raise PointsInvalid(f"{entry.device}: {error}") from error
    try:
        line = endpoint.parse(connect.modbus, connect.baud or endpoint.BAUD, connect.character_bits)
    except EndpointInvalid as error:
        raise PointsInvalid(f"{entry.device}: {error}") from error
    moved = tuple(_moved(entry.device, point, connect.base) for point in points)
    return Device(entry.device, line, connect.unit_id, moved, entry.identification, entry.files)


def _points(entry: _Entry, left_out: list[str]) -> list[Point]:
    points = []
    for raw in msgspec.json.decode(entry.points, type=list[msgspec.Raw]):
        known = msgspec.json.decode(raw, type=_Known)
        if known.address.file is not None or known.address.object is not None:
            where = "files" if known.address.file is not None else "identification"
            left_out.append(f"{entry.device}/{known.name}: it does not move; it is what stands under {where}, if there")
        elif known.address.type in TYPES:
            points.append(msgspec.json.decode(raw, type=Point, dec_hook=_fraction))
        else:
            left_out.append(f'{entry.device}/{known.name}: type "{known.address.type}" is not known, it is not played')
    return points


def _moved(device: str, point: Point, base: int) -> Point:
    """With the addresses that go over the wire."""
    address = point.address
    if address.registers is not None:
        address = msgspec.structs.replace(address, registers=tuple(base + at for at in address.registers))
    elif address.at is not None:
        address = msgspec.structs.replace(address, at=base + address.at)
    else:
        raise PointsInvalid(f"{device}/{point.name}: neither at nor registers")
    return msgspec.structs.replace(point, address=address)


def _check_units(devices: Sequence[Device]) -> None:
    taken: dict[tuple[str, int], str] = {}
    for device in devices:
        key = (device.line.address, device.unit_id)
        if key in taken:
            raise PointsInvalid(f"{taken[key]} and {device.name} are both unit {device.unit_id} of {key[0]}")
        taken[key] = device.name


def _check_scales(device: Device) -> None:
    names = {point.name for point in device.points}
    for point in device.points:
        if not point.scale:
            raise PointsInvalid(f"{device.name}/{point.name}: a scale of 0")
        if point.scale_from is not None and point.scale_from not in names:
            raise PointsInvalid(f"{device.name}/{point.name}: there is no point {point.scale_from} to scale it")


def _fraction(kind: type, text: Any) -> Fraction:
    if kind is not Fraction or not isinstance(text, str):
        raise TypeError(f'{text!r} is not a fraction as text, for example "1/10"')
    try:
        return Fraction(text)
    except ZeroDivisionError as error:
        raise ValueError(f"{text!r} divides by zero") from error
