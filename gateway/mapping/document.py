"""The settings of the file kinds, as pydantic models: which there are, of which type, and what they are by default.

A profile's points and a device's ``connect:`` belong half to an adapter; they are judged where the adapter is known.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field

from gateway.mapping import units
from gateway.mapping.spec import LogLevel, OnFull
from gateway.values import Duration, Number, Settings, Size, Whole, fault, quote

NAME = re.compile("[a-z0-9][a-z0-9_.-]{0,63}")
NAME_HINT = "use small letters, digits, - and _; at most 64 of them"
# A device identity is also the CN of its certificate, which holds 64 characters.
IDENTITY = re.compile("[a-z0-9_.-]{1,64}")
IDENTITY_HINT = "use 1 to 64 of: small letters, digits, - _ and ."
_HOST = re.compile("[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_QUOTA_MINIMUM = 16 * 1024 * 1024


def _name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise fault("M18", f"{quote(text)} is not a valid name", NAME_HINT)
    return text


def _identity(text: str) -> str:
    if not IDENTITY.fullmatch(text):
        raise fault("M18", f"{quote(text)} is not a valid identity", IDENTITY_HINT)
    return text


def _host(text: str) -> str:
    if not _HOST.fullmatch(text):
        raise fault("M21", f"{quote(text)} is not the name of a host", "write for example contoso.azure-devices.net")
    return text


def _quota(size_bytes: int) -> int:
    if size_bytes < _QUOTA_MINIMUM:
        raise fault("M13", f"{{key}} is {size_bytes} bytes, but it must be at least 16 MiB", "write for example 10 GB")
    return size_bytes


def _scale(scale: Decimal) -> Decimal:
    if scale == 0:
        raise fault("R03", "{owner}: {key} is 0, the value would always be 0", "leave it out where there is none")
    return scale


def _divide(divide: Decimal) -> Decimal:
    if divide == 0:
        raise fault("R03", "{owner}: {key} is 0, and nothing can be divided by 0", "leave it out where there is none")
    return divide


def _one_or_more(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _paths(texts: list[str]) -> list[str]:
    if not texts or not all(texts):
        raise fault("M20", "{key} names no file", "write for example certs/hub-root.pem")
    return texts


def _some(text: str) -> str:
    if not text:
        raise fault("M20", "{key} has no value", "write it after the colon")
    return text


Name: TypeAlias = Annotated[str, AfterValidator(_name)]
"""A name of a profile, a gateway, a tag, or a part of an asset's path."""
Some: TypeAlias = Annotated[str, AfterValidator(_some)]
"""A text that is not empty."""


class ProfileFile(Settings):
    """``*.profile.yaml``: a device model; ``points`` are judged with the adapter of ``protocol``."""

    kind: Literal["fieldgate/profile/v1"] = Field("fieldgate/profile/v1", alias="schema")
    profile: Name
    protocol: Some
    maker: str = ""
    model: str = ""
    note: str = ""
    defaults: dict[str, Any] = Field(default_factory=dict)
    """Settings of all points that do not say otherwise."""
    points: dict[str, Any]


class PointSettings(Settings):
    """What every point has, whatever its protocol."""

    unit: Annotated[str, AfterValidator(units.symbol)] = ""
    scale: Annotated[Number, AfterValidator(_scale)] = Decimal(1)
    divide: Annotated[Number, AfterValidator(_divide)] = Decimal(1)
    offset: Number = Decimal(0)
    nan: list[Whole] = Field(default_factory=list)
    every: Annotated[Duration, Field(ge=0.01)] = 5.0
    """How often it is read, in seconds."""
    note: str = ""


class DevicesFile(Settings):
    """``*.devices.yaml``."""

    kind: Literal["fieldgate/devices/v1"] = Field("fieldgate/devices/v1", alias="schema")
    devices: dict[str, Any]
    """By name, each a ``DeviceSettings``."""


class DeviceSettings(Settings):
    """One device; ``connect`` is judged with the adapter of its profile."""

    profile: Some
    asset: str = ""
    connect: dict[str, Any]
    identity: Annotated[str, AfterValidator(_identity)] = ""
    """By default the device's name."""
    note: str = ""


class AssetsFile(Settings):
    """``*.assets.yaml``."""

    kind: Literal["fieldgate/assets/v1"] = Field("fieldgate/assets/v1", alias="schema")
    levels: list[str] = Field(default_factory=list)
    """The names of a path's parts (ISA-95); a path has as many."""
    assets: dict[str, Any]
    """By path, each an ``AssetSettings``."""


class AssetSettings(Settings):
    """One asset."""

    name: str = ""
    maker: str = ""
    model: str = ""
    serial: str = ""
    tags: dict[Name, str] = Field(default_factory=dict)


class OnFullSettings(Settings):
    """What gives way when the buffer's quota is used up."""

    telemetry: OnFull = "drop-oldest"


class BufferSettings(Settings):
    """How much may wait on the disk."""

    quota: Annotated[Size, AfterValidator(_quota)] = 10_000_000_000
    on_full: OnFullSettings = OnFullSettings()


class UpstreamSettings(Settings):
    """Where the identities publish to."""

    kind: Literal["iothub"]
    host: Annotated[str, AfterValidator(_host)]
    port: Annotated[Whole, Field(ge=1, le=65535)] = 8883
    trust: Annotated[list[str], BeforeValidator(_one_or_more), AfterValidator(_paths)]
    """Files of root certificates, PEM."""


class GatewayFile(Settings):
    """``gateway.yaml``."""

    kind: Literal["fieldgate/gateway/v1"] = Field("fieldgate/gateway/v1", alias="schema")
    name: Name
    state: Some
    upstream: dict[str, Any]
    """By name, each an ``UpstreamSettings``; exactly one."""
    buffer: BufferSettings = BufferSettings()
    log: LogLevel = "info"
