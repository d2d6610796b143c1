"""The adapters of the house, good files, and what readers of YAML make of a text: for the tests of the JSON Schemas."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft7Validator

from adapters.ble import ADAPTER as BLE
from adapters.modbus import ADAPTER as MODBUS
from adapters.opcua import ADAPTER as OPCUA
from gateway.adapter import Adapter
from gateway.mapping.schema import schemas

ROOT = Path(__file__).parents[3]
ADAPTERS: dict[str, Adapter[Any, Any]] = {"ble": BLE, "modbus": MODBUS, "opcua": OPCUA}
SCHEMAS = schemas(ADAPTERS)

BUNDLED = [
    path for name in ("example", "starter", "profiles") for path in sorted((ROOT / "mappings" / name).glob("*.yaml"))
]

EVERYTHING = {
    "profile": """\
schema: fieldgate/profile/v1
profile: acme-pm3
extends: acme-pm2
protocol: modbus
maker: NO
model: 4711
note: 12:30
numbering: number
defaults: {table: input, type: float32, order: CDAB, every: 500ms, heartbeat: 10min}
points:
  voltage: {at: 0x0048, scale: 0.1, unit: V, as: kV, deadband: 0.5 V, range: [-40, "85"], nan: 0x8000}
  "cell_{i}": {at: "{100 + 2 * i}", repeat: {i: 1..24, step: 2}, unit: "1", every: start}
  parts: {registers: [1, 0x10], type: uint32, kind: counter, rollover: 65536, deadband: none}
  mode: {at: 7, bits: 3, enum: {0: off, 0x01: on, 2: 3}, write: {values: [on], every: 1s, confirm: readback}}
  alarm: {at: "8", bits: 5..15, flags: {0: overload}, when: mode == 'on', unit: pallets}
  limit: {at: 40009, divide: 1e3, offset: -5, scale_from: mode, write: {range: [0, 60], step: .5, unit: Hz}}
derived:
  twice: {expr: voltage * 2, unit: V, range: [0, 1e3], deadband: 0, when: "true"}
without: [old]
variants:
  3ph: {note: big, defaults: {every: none}, points: {voltage: {scale: none}, voltage_l3: {at: 9}}, without: [mode]}
""",
    "devices": """\
schema: fieldgate/devices/v1
devices:
  meter-1:
    profile: acme-pm3
    variant: 3ph
    asset: acme/hall
    identity: 0471
    connect: {modbus: "tcp://10.20.0.15:502", unit_id: 0x10, timeout: 500ms, base: -2}
    change: {voltage: {deadband: 50 W, unit: none}, twice: {expr: voltage * 3}}
    context: {hall: 7, serial: {from: serial}}
  filler-1:
    profile: filler
    connect: {opcua: "opc.tcp://f:4840", mode: None, security: None, user: {name: f, password: {secret: filler-01}}}
    change: {speed: {node: "m;s=Speed", kind: info}}
  tag-1:
    profile: ruuvi-df5
    connect: {ble: "CB:B8:33:4C:88:4F", offline_after: 5min}
""",
    "assets": """\
schema: fieldgate/assets/v1
levels: [enterprise, 1]
assets:
  acme/hall: {name: NO, serial: 00123456, maker: {from: maker}, tags: {cost_center: 0471, since: 12:30}}
  acme/yard:
""",
    "units": """\
schema: fieldgate/units/v1
units:
  pallets:
  MWh_th: {aliases: MWhth, base: kWh, factor: 1e3, shift: 0, note: heat}
  boxes: {aliases: [box, 24], unece: BX}
""",
    "gateway": """\
schema: fieldgate/gateway/v1
name: gw-1
state: /var/lib/fieldgate
upstream:
  hub: {kind: iothub, host: contoso.azure-devices.net, port: 8883, trust: [a.pem, b.pem], tier: S1}
buffer:
  {quota: 20 GB, keep: 60d, min_free: 2 GiB, order: live-first, on_full: {alarm: refuse, telemetry: thin, bulk: refuse}}
enrich: [name, tags]
log: debug
""",
}
"""A file of each kind that writes what can be written, as oddly as it can be."""


def kind(path: Path) -> str:
    """Which kind of file it is, by its name."""
    return path.name.removesuffix(".yaml").rpartition(".")[2]


def errors(kind: str, value: Any) -> list[str]:
    """What a foreign validator says against a value, each with the way to it."""
    found = sorted(
        Draft7Validator(SCHEMAS[kind]).iter_errors(value), key=lambda error: list(map(str, error.absolute_path))
    )
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in found]


def readings(text: str) -> Iterator[Any]:
    """What two readers make of a YAML text: one has the numbers and booleans of YAML 1.1, one leaves all as text."""
    for loader in (yaml.SafeLoader, yaml.BaseLoader):
        yield _as_json(yaml.load(text, loader))


def _as_json(value: Any) -> Any:
    """Names are texts in JSON; the base loader reads nothing at all as an empty text."""
    if isinstance(value, dict):
        return {str(name): _as_json(entry) if entry != "" else None for name, entry in value.items()}
    return [_as_json(entry) for entry in value] if isinstance(value, list) else value
