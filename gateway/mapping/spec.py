"""What a plant folder says, typed and judged: Plant, Gateway, Device, Asset, PointSpec; nouns only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

from gateway.mapping.diagnostics import Diagnostic, Place
from gateway.mapping.expression import Formula
from gateway.mapping.units import BUILT_IN, Units
from gateway.model import Point, Priority

OnFull: TypeAlias = Literal["refuse", "thin", "drop-oldest"]
Order: TypeAlias = Literal["oldest-first", "live-first"]
LogLevel: TypeAlias = Literal["debug", "info", "warning", "error"]
Kind: TypeAlias = Literal["gauge", "counter", "info"]
"""What a point is: a value that goes up and down, one that only grows, or one that hardly ever changes."""
Enrichment: TypeAlias = Literal["name", "maker", "model", "serial", "tags", "levels"]
ENRICH: tuple[Enrichment, ...] = ("name", "maker", "model", "serial", "tags")
"""What a message says of the asset besides its path, where nothing else is said."""
Confirm: TypeAlias = Literal["readback", "answer"]

HEARTBEAT_S = 900.0
"""The longest silence of a point that is reported by exception, where nothing else is said."""


class Deadband(NamedTuple):
    """How far a value may move before it is reported again; 0: any change is reported."""

    size: float
    """In the unit that is published, or in percent."""
    percent: bool = False
    """Of ``range`` where the point has one, else of the value that was reported last."""


@dataclass(frozen=True, slots=True)
class Write:
    """That a point may be written, and within which bounds. Without it nobody can write it."""

    lowest: Fraction | None = None
    """In the unit that is published; exactly as it is written."""
    highest: Fraction | None = None
    step: Fraction | None = None
    values: tuple[str, ...] = ()
    """The texts of ``enum`` that may be written; empty: all of them."""
    every_s: float = 0.0
    """The shortest time between two writes."""
    confirm: Confirm = "answer"
    idempotent: bool = False
    """Carried out twice it does what it does once: it is sent again where nobody knows what became of it."""


@dataclass(frozen=True, slots=True)
class Report:
    """When a value is published."""

    deadband: Deadband | None = None
    """None: with every scan."""
    heartbeat_s: float = HEARTBEAT_S


@dataclass(frozen=True, slots=True)
class PointSpec:
    """One point of one device: where it is read, and what its raw value means.

    value = (raw * 10 ** scale_from * scale + offset) * factor + shift, computed exactly and rounded once.
    """

    point: Point[Any, Any]
    unit: str
    """Symbol of ``gateway.mapping.units``, of what is published; empty for none."""
    scale: Fraction = Fraction(1)
    offset: Fraction = Fraction(0)
    nan: frozenset[int] = frozenset()
    """Raw values that mean "no value", as bit patterns: 0x8000 for the smallest int16."""
    single: bool = False
    """A float32 that is published unscaled: it is written with its shortest text."""
    factor: Fraction = Fraction(1)
    """From the device's unit to the one that is published (``as:``)."""
    shift: Fraction = Fraction(0)
    scale_from: int | None = None
    """Index of the device's point whose raw value is the power of ten."""
    enum: Mapping[int, str] = field(default_factory=dict)
    flags: Mapping[int, str] = field(default_factory=dict)
    """Names by bit."""
    kind: Kind = "gauge"
    rollover: int | None = None
    """How many raw values a counter has: after the last one it begins at 0 again."""
    range: tuple[float, float] | None = None
    """In the unit that is published; what lies outside is UNCERTAIN."""
    report: Report = Report()
    when: Formula | None = None
    """It is published only while this is true."""
    exists: Formula | None = None
    """It is read only while this is true."""
    write: Write | None = None
    note: str = ""
    place: Place | None = field(default=None, compare=False, repr=False)
    """Where it is written."""


@dataclass(frozen=True, slots=True)
class DerivedSpec:
    """A point that is computed from others of the same device."""

    name: str
    unit: str
    formula: Formula
    factor: Fraction = Fraction(1)
    shift: Fraction = Fraction(0)
    range: tuple[float, float] | None = None
    report: Report = Report()
    when: Formula | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class From:
    """A text that comes from a point of the device while it runs."""

    point: str
    place: Place | None = field(default=None, compare=False, repr=False)
    """Where the point is named."""


Text: TypeAlias = str | From


@dataclass(frozen=True, slots=True)
class Asset:
    """A part of the plant, named by its ISA-95 path."""

    path: str
    name: Text = ""
    maker: Text = ""
    model: Text = ""
    serial: Text = ""
    tags: Mapping[str, Text] = field(default_factory=dict)
    levels: tuple[str, ...] = ()
    """The names of the path's parts; empty where the plant has none."""


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
    derived: tuple[DerivedSpec, ...] = ()
    """In an order in which each comes after those that it uses."""
    variant: str = ""
    context: Mapping[str, Any] = field(default_factory=dict)
    """What every message of it says besides values: texts, ``From``, or a mapping of them."""
    record_s: float | None = None
    """How long the raw blocks that it is read in are kept; None: not at all."""


@dataclass(frozen=True, slots=True)
class Buffering:
    """How much may wait on the disk, for how long, and what gives way."""

    quota_bytes: int = 10_000_000_000
    min_free_bytes: int | None = None
    """What stays free on the disk; None: a part of it."""
    keep: Mapping[Priority, float | None] = field(default_factory=lambda: dict.fromkeys(Priority))
    """Seconds that a message may wait; None: as long as there is room."""
    on_full: Mapping[Priority, OnFull] = field(default_factory=lambda: dict(ON_FULL))
    order: Order = "oldest-first"


ON_FULL: Mapping[Priority, OnFull] = {
    Priority.ALARM: "refuse",
    Priority.TELEMETRY: "thin",
    Priority.BULK: "drop-oldest",
}
"""Where nothing else is said."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """``gateway.yaml``; all paths are absolute or begin at the plant folder as it was given."""

    name: str
    state: Path
    upstream_name: str
    host: str
    port: int
    trust: tuple[Path, ...]
    buffer: Buffering
    log: LogLevel
    via: str | None = None
    """The host that is connected to, where it is not the hub itself."""
    tier: str | None = None
    enrich: tuple[Enrichment, ...] = ENRICH


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
    secrets: Mapping[str, Place] = field(default_factory=dict)
    """Those that the devices name, each with a place where."""
    units: Units = BUILT_IN
    """With those that the site adds."""
    texts: Mapping[Path, str] = field(default_factory=dict, compare=False, repr=False)
    """What stands in the files that it was read from, those of bundled profiles among them."""
