"""A plant that says everything that the core's mapping language can say, without a mistake."""

from __future__ import annotations

from tests.gateway.mapping.plants import FILES

RICH = FILES | {
    "gateway.yaml": """\
schema: fieldgate/gateway/v1
name: gw-1
state: state
upstream:
  hub: {kind: iothub, host: hub.example, via: edge.example, port: 8883, trust: [root.pem], tier: S1}
buffer: {quota: 20 GB, on_full: {alarm: refuse, telemetry: drop-oldest, bulk: drop-oldest}}
enrich: [name, maker, serial, tags, levels]
log: warning
""",
    "units.yaml": """\
schema: fieldgate/units/v1
units:
  crate: {base: pcs, factor: 20, aliases: [crates, Kiste], note: of 20 bottles}
  pallet: {base: crate, factor: 40, unece: PF, ucum: "{pallet}"}
  bump:
""",
    "battery.profile.yaml": """\
schema: fieldgate/profile/v1
profile: battery
protocol: field
numbering: number
maker: ACME
model: B 24
note: "quoted: with a colon"
defaults: {table: holding, type: int16, every: 10s, unit: V, scale: 0.1, deadband: 1 %}
points:
  cell_{i}: {at: 1001, unit: mV, as: V, scale: none, nan: [0x8000], repeat: {i: 1..12, step: 2}, note: "cell {i}"}
  temp_{r}_{c}:
    at: "{2000 + 10 * r + c}"
    unit: degC
    as: degF
    range: [-40, 185]
    repeat: {r: 1..2, c: 1..3}
  mode: {at: 1, type: uint16, enum: {0: off, 1: on, 0x2: auto}, heartbeat: 1h}
  alarms: {at: 2, type: uint16, flags: {0: overload, 3: door_open, 15: other}}
  power: {at: 3, unit: W, scale: none, scale_from: power_sf, deadband: 50 W, when: mode == 'on' or mode == 'auto'}
  power_sf: {at: 4, unit: none, scale: none, kind: info, every: start}
  energy: {at: 5, type: uint32, unit: kWh, kind: counter, rollover: 1000000, deadband: none}
  crates: {at: 7, unit: crate, as: pallet, divide: 4, offset: -1.5}
  serial: {at: 10, type: string, kind: info, every: 1h}
  setpoint: {at: 20, unit: Hz, write: {range: [0, 60], step: 0.5, unit: Hz, every: 1s, confirm: readback}}
  start: {at: 21, enum: {0: stop, 1: go}, write: {values: [stop, go]}, bits: 0..3}
derived:
  mean: {expr: (cell_1 + cell_2 + cell_3) / 3, unit: V, range: [0, 5], deadband: 0.01 V}
  spread: {expr: 'max(cell_1, cell_2) - mean if mode == "on" else 0', unit: V, as: mV, heartbeat: 1min}
  hot: {expr: temp_1_1 > 100 and not temp_2_3 < 0, when: mode != 'off', note: a truth}
variants:
  small: {without: [cell_12, hot], points: {"cell_{i}": {repeat: {i: 1..6, step: 2}}}, note: half of it}
  big: {defaults: {every: 2s}, points: {extra: {at: 30}}, derived: {more: {expr: extra * 2}}}
""",
    "rack.profile.yaml": """\
schema: fieldgate/profile/v1
profile: rack
extends: battery
without: [crates]
numbering: offset
points:
  cell_3: {unit: V, as: none}
  fan: {at: 0, type: bool}
derived:
  windy: {expr: fan and power > 10}
""",
    "hall/b.devices.yaml": """\
schema: fieldgate/devices/v1
devices:
  battery-1:
    profile: battery
    variant: small
    asset: acme/hall/meter-2
    identity: b.0001
    connect: {field: "bus://b", unit_id: 0x10, timeout: 500ms, keep: false, password: {secret: battery-1}}
    change: {power: {deadband: none, heartbeat: 5min}, cell_2: {deadband: 1 mV}, mean: {deadband: 0}}
    context: {hall: A, serial: {from: serial}}
    note: the first one
  rack-1: {profile: rack, variant: big, connect: {field: "bus://c"}, change: {extra: {every: 1s}}}
""",
    "plant.assets.yaml": """\
schema: fieldgate/assets/v1
levels: [enterprise, area, unit]
assets:
  acme/hall/meter-1: {name: Meter 1, tags: {cost_center: "0471"}}
  acme/hall/meter-2:
    name: Battery
    maker: ACME
    model: B 24
    serial: {from: serial}
    tags: {mode: {from: mode}, rank: 007}
""",
}
