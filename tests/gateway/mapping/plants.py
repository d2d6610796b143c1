"""A small plant, an adapter for it, and ways to break it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from gateway.adapter import (
    Adapter,
    Batch,
    Bits,
    Duration,
    Finding,
    Point,
    Secret,
    Session,
    Settings,
    ValueType,
    Whole,
    fault,
)
from gateway.mapping.diagnostics import Diagnostic, Report
from gateway.mapping.load import Block, parse
from gateway.plant import Plant, PlantInvalid, read


def _endpoint(text: str) -> str:
    if not text.startswith("bus://"):
        raise fault("B90", f'"{text}" is not a bus', "write for example bus://a")
    return text


class Connect(Settings):
    """``connect:`` of the adapter for tests."""

    field: Annotated[str, AfterValidator(_endpoint)]
    unit_id: Annotated[Whole, Field(ge=1, le=255)] = 1
    timeout: Annotated[Duration, Field(ge=0.01, le=60)] = 1.0
    keep: bool = True
    speed: Whole = 9600
    password: Secret | None = None


class Address(Settings):
    """Its address of a point."""

    at: Whole = Field(description="the register address")
    table: Literal["coil", "input", "holding"] = "holding"
    type: ValueType = "uint16"
    order: Literal["ABCD", "CDAB"] = "ABCD"
    bits: Bits | None = None


class Head(Settings):
    """Its keys at the top of a profile."""

    numbering: Literal["offset", "number"] = "offset"


def _check(points: Sequence[Point[Connect, Address]]) -> list[Finding]:
    """Two rules: an address has an end, and an order needs more than one register."""
    found = []
    for index, point in enumerate(points):
        if point.address.at > 65535:
            found.append(Finding("B91", index, "at", f"{point.name}: {point.address.at} is beyond the end"))
        if point.address.order != "ABCD" and point.address.type.endswith("16"):
            found.append(Finding("B92", index, "order", f"{point.name}: order is idle", "leave it out", warning=True))
    return found


class _Silent:
    async def read(self) -> Batch:
        return Batch([])


@asynccontextmanager
async def _connect(points: Sequence[Point[Connect, Address]]) -> AsyncIterator[Session]:
    yield _Silent()


def _resolve(name: str, head: Head, address: Address, written: Mapping[str, str]) -> tuple[Address, Sequence[Finding]]:
    """A number is one more than its offset, and 0 is none."""
    if head.numbering == "offset":
        return address, ()
    if address.at == 0:
        return address, [Finding("B93", 0, "at", f"{name}: the first register is 1", "write 1")]
    return address.model_copy(update={"at": address.at - 1}), ()


def _read_only(address: Address) -> str:
    return "versions can only be read" if address.type == "version" else ""


ADAPTER = Adapter(
    Connect,
    Address,
    lambda connect: connect.field,
    _connect,
    _check,
    profile=Head,
    resolve=_resolve,
    steps=("at",),
    read_only=_read_only,
    alike=lambda connect: ("speed",),
    port=lambda connect: connect.field.partition("+")[0],
)
ADAPTERS: dict[str, Adapter[Any, Any]] = {"field": ADAPTER}

FILES = {
    "gateway.yaml": """\
schema: fieldgate/gateway/v1
name: gw-1
state: state
upstream:
  hub: {kind: iothub, host: hub.example, trust: root.pem}
buffer: {quota: 20 GB, on_full: {telemetry: refuse}}
log: info
""",
    "acme.profile.yaml": """\
schema: fieldgate/profile/v1
profile: acme-meter
protocol: field
maker: ACME
defaults: {table: input, type: float32, every: 5s}
points:
  voltage_l1: {at: 0, unit: V}
  voltage_l2: {at: 2, unit: V}
  power:
    at: 0x0034
    type: int16
    unit: W
    scale: 0.1
    nan: [0x8000]
  running: {table: coil, at: 1, type: bool}
""",
    "hall/a.devices.yaml": """\
schema: fieldgate/devices/v1
devices:
  meter-1:
    profile: acme-meter
    asset: acme/hall/meter-1
    connect: {field: "bus://a", unit_id: 1, timeout: 1s}
  meter-2:
    profile: acme-meter
    connect: {field: "bus://a", unit_id: 2}
""",
    "plant.assets.yaml": """\
schema: fieldgate/assets/v1
levels: [enterprise, area, unit]
assets:
  acme/hall/meter-1: {name: Meter 1, tags: {cost_center: "0471"}}
  acme/hall/meter-2:
""",
    "root.pem": "",
}
"""A plant without a mistake."""


def write(folder: Path, files: dict[str, str]) -> Path:
    """The files in a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    return folder


def changed(name: str, old: str, new: str) -> dict[str, str]:
    """The files, with one text in one of them replaced where it stands first; a file that is new holds ``new``."""
    text = FILES.get(name, "")
    assert old in text
    return FILES | {name: text.replace(old, new, 1)}


def judged(folder: Path) -> tuple[Plant | None, tuple[Diagnostic, ...]]:
    """The plant in a folder, and what is said of it."""
    try:
        plant = read(folder, ADAPTERS)
    except PlantInvalid as invalid:
        return None, invalid.diagnostics
    return plant, plant.warnings


def block(text: str, report: Report) -> Block:
    """The settings in a text, called ``f.yaml`` in messages."""
    root = parse(text, "f.yaml", report)
    assert isinstance(root, Block), report.sorted()
    return root
