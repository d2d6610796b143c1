"""What a plant folder says, typed and judged: Plant, Gateway, Device, Asset, PointSpec; nouns only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, TypeAlias

from gateway.mapping.diagnostics import Diagnostic
from gateway.model import Point

OnFull: TypeAlias = Literal["refuse", "drop-oldest"]
LogLevel: TypeAlias = Literal["debug", "info", "warning", "error"]


@dataclass(frozen=True, slots=True)
class PointSpec:
    """One point of one device: where it is read, and what its raw value means."""

    point: Point[Any, Any]
    unit: str
    """Symbol of ``gateway.mapping.units``; empty for none."""
    scale: Fraction
    """value = raw * scale + offset"""
    offset: Fraction
    nan: frozenset[int]
    """Raw values that mean "no value", as bit patterns: 0x8000 for the smallest int16."""
    single: bool
    """A float32 that is published unscaled: it is written with its shortest text."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A part of the plant, named by its ISA-95 path."""

    path: str
    name: str = ""
    maker: str = ""
    model: str = ""
    serial: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Device:
    """A device in the field, published under an identity of its own."""

    name: str
    identity: str
    """1 to 64 of a-z 0-9 - _ . (a certificate's CN holds 64)."""
    profile: str
    protocol: str
    """The name of its adapter."""
    asset: Asset | None
    connect: Any
    """The adapter's ``settings``."""
    line: str
    """Devices of one line share one link."""
    points: tuple[PointSpec, ...]


@dataclass(frozen=True, slots=True)
class Gateway:
    """``gateway.yaml``; all paths are absolute or begin at the plant folder as it was given."""

    name: str
    state: Path
    upstream_name: str
    host: str
    port: int
    trust: tuple[Path, ...]
    quota_bytes: int
    on_full: OnFull
    log: LogLevel


@dataclass(frozen=True, slots=True)
class Plant:
    """A whole plant folder, without a mistake in it."""

    folder: Path
    name: str
    """The gateway's name."""
    gateway: Gateway
    devices: tuple[Device, ...]
    """In the order of the files."""
    warnings: tuple[Diagnostic, ...]
