"""The flat point list that a simulated plant plays, as ``fieldgate export points`` writes it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args
from urllib.parse import urlsplit

import msgspec

Table: TypeAlias = Literal["coil", "discrete", "input", "holding"]
Type: TypeAlias = Literal["bool", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"]
Order: TypeAlias = Literal["ABCD", "CDAB", "BADC", "DCBA"]

TABLES: tuple[Table, ...] = get_args(Table)


class PointsInvalid(Exception):
    """The list cannot be played; the text says where and why."""


class Address(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a point lies, 0-based as on the wire, and how its value is coded."""

    at: int
    table: Table = "holding"
    type: Type = "uint16"
    order: Order = "ABCD"


class Point(msgspec.Struct, frozen=True):
    """One point: what a client reads as ``raw * scale + offset`` in its unit."""

    name: str
    address: Address
    unit: str = ""
    scale: Fraction = Fraction(1)
    offset: Fraction = Fraction(0)


class _Connect(msgspec.Struct, frozen=True):
    modbus: str
    unit_id: int = 1


class Device(msgspec.Struct, frozen=True):
    """One unit behind a port."""

    name: str
    host: str
    port: int
    unit_id: int
    points: tuple[Point, ...]


class _Entry(msgspec.Struct, frozen=True):
    device: str
    protocol: str
    connect: msgspec.Raw
    points: msgspec.Raw


class _File(msgspec.Struct, frozen=True):
    devices: list[_Entry]


def read(path: Path) -> list[Device]:
    """The Modbus devices of the list; those of other protocols are passed over. Raises PointsInvalid."""
    try:
        return parse(path.read_bytes())
    except OSError as error:
        raise PointsInvalid(f"{path}: {error.strerror}") from error
    except PointsInvalid as error:
        raise PointsInvalid(f"{path}: {error}") from error


def parse(text: bytes) -> list[Device]:
    """As ``read``, of the file's content."""
    try:
        entries = msgspec.json.decode(text, type=_File).devices
        devices = [_device(entry) for entry in entries if entry.protocol == "modbus"]
    except msgspec.DecodeError as error:
        raise PointsInvalid(str(error)) from error
    _check_units(devices)
    _check_scales(devices)
    return devices


def _device(entry: _Entry) -> Device:
    connect = msgspec.json.decode(entry.connect, type=_Connect)
    points = msgspec.json.decode(entry.points, type=tuple[Point, ...], dec_hook=_fraction)
    endpoint = urlsplit(connect.modbus)
    if endpoint.scheme != "tcp" or endpoint.hostname is None:
        raise PointsInvalid(f"{entry.device}: {connect.modbus} is not tcp://host:port")
    return Device(entry.device, endpoint.hostname, endpoint.port or 502, connect.unit_id, points)


def _check_units(devices: Sequence[Device]) -> None:
    taken: dict[tuple[str, int, int], str] = {}
    for device in devices:
        key = (device.host, device.port, device.unit_id)
        if key in taken:
            raise PointsInvalid(f"{taken[key]} and {device.name} are both unit {device.unit_id} of {key[0]}:{key[1]}")
        taken[key] = device.name


def _check_scales(devices: Sequence[Device]) -> None:
    for device in devices:
        for point in device.points:
            if not point.scale:
                raise PointsInvalid(f"{device.name}/{point.name}: a scale of 0")


def _fraction(kind: type, text: Any) -> Fraction:
    if kind is not Fraction or not isinstance(text, str):
        raise TypeError(f'{text!r} is not a fraction as text, for example "1/10"')
    try:
        return Fraction(text)
    except ZeroDivisionError as error:
        raise ValueError(f"{text!r} divides by zero") from error
