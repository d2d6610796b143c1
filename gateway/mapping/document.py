"""The settings of the file kinds, as pydantic models: which there are, of which type, and what they are by default.

A profile's points and a device's ``connect:`` belong half to an adapter; they are judged where the adapter is known.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field

from gateway.mapping.load import Block
from gateway.mapping.spec import ENRICH, ON_FULL, Enrichment, From, LogLevel, OnFull, Order
from gateway.model import Priority
from gateway.values import Duration, Lifetime, Number, Settings, Size, Whole, fault, lifetime, names_secret, quote

NAME = re.compile("[a-z0-9][a-z0-9_.-]{0,63}")
NAME_HINT = "use small letters, digits, - and _; at most 64 of them"
# A device identity is also the CN of its certificate, which holds 64 characters.
IDENTITY = re.compile("[a-z0-9_.-]{1,64}")
IDENTITY_HINT = "use 1 to 64 of: small letters, digits, - _ and ."
_CONNECTION_STRING = re.compile("(HostName|SharedAccess[A-Za-z]*|AccountKey|Endpoint) *=", re.IGNORECASE)
_HOST_NAME = re.compile("HostName *= *([A-Za-z0-9.-]+)", re.IGNORECASE)
_HOST = re.compile("[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_LONGEST_CONTEXT = 1024
"""Characters of a text that stands in every message."""
_QUOTA_MINIMUM = 16 * 1024 * 1024
_KEEP_MINIMUM_S = 60


def legal(text: str, hint: str) -> str:
    """The hint, after the name that is nearest to a text which cannot be one."""
    word = text.casefold().translate(_LETTERS)
    word = re.sub("-*[^a-z0-9_.]+-*", "-", word).strip("-._")[:64]
    return f'did you mean "{word}"? {hint}' if NAME.fullmatch(word) else hint


_LETTERS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "a", "é": "e", "è": "e", "ø": "o", "æ": "ae"})


def _name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise fault("M18", f"{quote(text)} is not a valid name", legal(text, NAME_HINT))
    return text


def _public(name: str) -> str:
    if names_secret(name):
        hint = "delete it; what stands here is published with every message"
        raise fault("M23", f"{quote(name)} would stand here for everybody to read", hint)
    return name


def _identity(text: str) -> str:
    if not IDENTITY.fullmatch(text):
        raise fault("M18", f"{quote(text)} is not a valid identity", legal(text, IDENTITY_HINT))
    return text


def _host(text: str) -> str:
    if _CONNECTION_STRING.search(text):
        name = _HOST_NAME.search(text)
        host = name[1] if name else "contoso.azure-devices.net"
        raise fault("M23", "this looks like a connection string with a key", f"write only the host name: {host}")
    if not _HOST.fullmatch(text):
        raise fault("M21", f"{quote(text)} is not the name of a host", "write for example contoso.azure-devices.net")
    return text


def _quota(size_bytes: int) -> int:
    if size_bytes < _QUOTA_MINIMUM:
        raise fault("M13", f"{{key}} is {size_bytes} bytes, but it must be at least 16 MiB", "write for example 10 GB")
    return size_bytes


def _one_or_more(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _paths(texts: list[str]) -> list[str]:
    if not texts or not all(texts):
        raise fault("M20", "{key} names no file", "write for example certs/hub-root.pem")
    return [_path(text) for text in texts]


def _path(text: str) -> str:
    if len(text) > 1024 or any(len(part.encode()) > 255 for part in text.split("/")):
        raise fault("M13", f"{quote(text)} is too long for the path of a file", "shorten it")
    return text


def _some(text: str) -> str:
    if not text:
        raise fault("M20", "{key} has no value", "write it after the colon")
    return text


Name: TypeAlias = Annotated[str, AfterValidator(_name)]
"""A name of a profile, a gateway, a tag, or a part of an asset's path."""
Public: TypeAlias = Annotated[Name, AfterValidator(_public)]
"""A name of what is published; no secret is called so."""
Some: TypeAlias = Annotated[str, AfterValidator(_some)]
"""A text that is not empty."""


def _text_or_point(value: Any) -> Any:
    """A text, or ``{from: point}``."""
    if isinstance(value, str) and len(value) > _LONGEST_CONTEXT:
        text = f"{{key}} has {len(value)} characters, but it must have at most {_LONGEST_CONTEXT}"
        raise fault("M13", text, "it stands in every message: shorten it")
    if isinstance(value, str | From):
        return value
    point = value.get("from") if isinstance(value, dict) and set(value) == {"from"} else None
    if not isinstance(point, str) or not point:
        what = "a block of settings" if isinstance(value, dict) else "a list"
        raise fault("M16", f"{{key}} must be text, but it is {what}", "write a text, or {from: name of a point}")
    return From(point, value.values_at["from"] if isinstance(value, Block) else None)


TextOrPoint: TypeAlias = Annotated[str | From, BeforeValidator(_text_or_point)]
"""A text that stands in the file, or the value of a point of the device."""


class ProfileFile(Settings):
    """``*.profile.yaml``: a device model; ``points`` are judged with the adapter of ``protocol``."""

    kind: Literal["fieldgate/profile/v1"] = Field("fieldgate/profile/v1", alias="schema")
    profile: Name = Field(..., description="its name")
    extends: Name = Field("", description="Another profile; this one says only what differs.")
    protocol: Some = Field(..., description="the adapter that reads it: modbus, opcua, ble")
    maker: str = Field("", description="For people.")
    model: str = Field("", description="For people.")
    note: str = Field("", description="For people.")
    defaults: dict[str, Any] = Field(
        default_factory=dict, description="Settings of all points that do not say otherwise."
    )
    points: dict[str, Any] = Field(..., description="the points by name")
    derived: dict[str, Any] = Field(default_factory=dict, description="Points that are computed from others.")
    without: list[str] = Field(default_factory=list, description="Points of the extended profile that are left out.")
    variants: dict[Name, Any] = Field(
        default_factory=dict, description="Models that differ a little; a device says which one it is: variant: 3ph."
    )


class VariantSettings(Settings):
    """One of ``variants:``; what it says stands over the rest of the profile."""

    note: str = Field("", description="For people.")
    defaults: dict[str, Any] = Field(default_factory=dict, description="Stand over the profile's defaults.")
    points: dict[str, Any] = Field(default_factory=dict, description="Further points, or settings that differ.")
    derived: dict[str, Any] = Field(default_factory=dict, description="Further derived points.")
    without: list[str] = Field(default_factory=list, description="Points that this variant does not have.")


class DevicesFile(Settings):
    """``*.devices.yaml``."""

    kind: Literal["fieldgate/devices/v1"] = Field("fieldgate/devices/v1", alias="schema")
    devices: dict[str, Any] = Field(..., description="the devices by name")


class DeviceSettings(Settings):
    """One device; ``connect`` is judged with the adapter of its profile."""

    profile: Some = Field(..., description="its model: the name of a profile")
    variant: str = Field("", description="Which of the profile's variants it is.")
    asset: str = Field("", description="The path of the asset that it belongs to.")
    connect: dict[str, Any] = Field(..., description="where it is connected")
    identity: Annotated[str, AfterValidator(_identity)] = Field(
        "", description="The device id at the hub and in its certificate; its name where this is left out."
    )
    change: dict[str, Any] = Field(
        default_factory=dict, description="Settings of points that differ for this device: {power: {deadband: 50 W}}."
    )
    context: dict[Public, TextOrPoint] = Field(
        default_factory=dict, description="What each of its messages says besides values: {hall: A}."
    )
    record: Annotated[Duration, Field(ge=3600, le=2_678_400)] | None = Field(
        None,
        description="How long what it answers is kept as it came, so that a wrong mapping can be corrected later: 24h.",
    )
    note: str = Field("", description="For people.")


class AssetsFile(Settings):
    """``*.assets.yaml``."""

    kind: Literal["fieldgate/assets/v1"] = Field("fieldgate/assets/v1", alias="schema")
    levels: list[str] = Field(
        default_factory=list, description="The names of a path's parts (ISA-95): [enterprise, site, area, line, unit]."
    )
    assets: dict[str, Any] = Field(..., description="the assets by path")


class AssetSettings(Settings):
    """One asset."""

    name: TextOrPoint = Field("", description="What people call it.")
    maker: TextOrPoint = Field("", description="Who made it.")
    model: TextOrPoint = Field("", description="Its model.")
    serial: TextOrPoint = Field("", description="Its serial number; {from: point} takes it from the device.")
    tags: dict[Public, TextOrPoint] = Field(default_factory=dict, description="Whatever else: {cost_center: 0471}.")


class OnFullSettings(Settings):
    """What gives way when the buffer's quota is used up, by class of messages."""

    alarm: Literal["refuse", "drop-oldest"] = Field("refuse", description="Alarms and command replies.")
    telemetry: OnFull = Field(ON_FULL[Priority.TELEMETRY], description="The readings of devices.")
    bulk: OnFull = Field(ON_FULL[Priority.BULK], description="What can wait longest.")


class KeepSettings(Settings):
    """How long a message may wait, by class; none: as long as there is room."""

    alarm: Lifetime = Field(None, description="Alarms and command replies: 1y.")
    telemetry: Lifetime = Field(None, description="The readings of devices: 60d.")
    bulk: Lifetime = Field(None, description="What can wait longest: 7d.")


def _keep(value: Any) -> Any:
    """One time for all classes, or a block of them."""
    if not isinstance(value, str):
        return value
    kept_s = lifetime(value)
    if kept_s is not None and kept_s < _KEEP_MINIMUM_S:
        raise fault("M13", f"{{key}} is {value}, but it must be at least 60s")
    return KeepSettings(alarm=kept_s, telemetry=kept_s, bulk=kept_s)


class BufferSettings(Settings):
    """How much may wait on the disk."""

    quota: Annotated[Size, AfterValidator(_quota)] = Field(
        10_000_000_000, description="How much of the disk it may use: 20 GB."
    )
    min_free: Size | None = Field(
        None, description="What stays free on the disk, whoever fills it; a twentieth of it, at most 2 GB."
    )
    keep: Annotated[KeepSettings, BeforeValidator(_keep)] = Field(
        KeepSettings(), description="How long a message may wait: 60d for all, or by class; none without end."
    )
    on_full: OnFullSettings = Field(
        OnFullSettings(), description="What gives way: refuse (polling waits), thin, drop-oldest."
    )
    order: Order = Field(
        "oldest-first",
        description="What goes up first after an outage: oldest-first, or live-first with the rest beside it.",
    )


class UpstreamSettings(Settings):
    """Where the identities publish to."""

    kind: Literal["iothub"] = Field(..., description="iothub")
    host: Annotated[str, AfterValidator(_host)] = Field(
        ..., description="the name of the hub: contoso.azure-devices.net"
    )
    via: Annotated[str, AfterValidator(_host)] | None = Field(
        None, description="The IoT Edge gateway in front of the hub, where there is one."
    )
    port: Annotated[Whole, Field(ge=1, le=65535)] = Field(8883, description="8883 where nothing else is said.")
    trust: Annotated[list[str], BeforeValidator(_one_or_more), AfterValidator(_paths)] = Field(
        ..., description="files of root certificates, PEM"
    )
    tier: Literal["F1", "B1", "B2", "B3", "S1", "S2", "S3"] | None = Field(
        None, description="The hub's tier; fieldgate plan compares the messages a day with it."
    )


class GatewayFile(Settings):
    """``gateway.yaml``."""

    kind: Literal["fieldgate/gateway/v1"] = Field("fieldgate/gateway/v1", alias="schema")
    name: Name = Field(..., description="the gateway's name")
    state: Annotated[Some, AfterValidator(_path)] = Field(
        ..., description="a folder for keys, certificates and waiting data"
    )
    upstream: dict[str, Any] = Field(..., description="where data goes")
    buffer: BufferSettings = Field(BufferSettings(), description="How much may wait on the disk.")
    enrich: list[Enrichment] = Field(
        default_factory=lambda: list(ENRICH),
        description="What each message says of the asset besides its path: name, maker, model, serial, tags, levels.",
    )
    log: LogLevel = Field("info", description="debug, info, warning, error")


class UnitSettings(Settings):
    """One unit of ``units.yaml``."""

    aliases: Annotated[list[Some], BeforeValidator(_one_or_more)] = Field(
        default_factory=list, description="Other spellings."
    )
    base: str = Field("", description="The unit that it is converted to: kWh.")
    factor: Number = Field(Decimal(1), description="One of it is so many of base.")
    shift: Number = Field(Decimal(0), description="value in base = value x factor + shift")
    unece: str = Field("", description="Its UNECE code.")
    ucum: str = Field("", description="Its UCUM term.")
    dtdl: str = Field("", description="Its DTDL term.")
    note: str = Field("", description="For people.")


class UnitsFile(Settings):
    """``units.yaml``."""

    kind: Literal["fieldgate/units/v1"] = Field("fieldgate/units/v1", alias="schema")
    units: dict[str, Any] = Field(..., description="the units by symbol")
