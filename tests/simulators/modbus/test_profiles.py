"""Every bundled Modbus profile, played from its exported point list and polled by the real adapter over real lines.

What the registers hold is laid over what is played: the cases of ``tests/mappings/cases``, whose numbers are those of
foreign decoders, and the vectors of ``tests/data``. So nothing has to be frozen, and no value is the simulator's own.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters.modbus.session import Poller
from gateway.mapping.program import Program
from gateway.mapping.totals import Totals
from gateway.message import Scans
from gateway.model import GOOD, Quality, Reading
from gateway.plant import Plant
from simulators import modbus
from simulators.modbus.endpoint import KINDS, Kind
from simulators.modbus.memory import Memory
from simulators.modbus.points import TABLES
from simulators.modbus.raw import raws
from simulators.modbus.tls import Tls
from tests.journeys import test_meter_vectors as reference
from tests.mappings import bundled
from tests.mappings.test_cases import FILES, case, profiles
from tests.simulators.modbus import plants
from tests.simulators.modbus.lines import HOST, free_port, playing

pytestmark = pytest.mark.slow

LIMIT_S = 20.0
EVERY_S = 0.005
"""Polled so often, whatever the profile says: a test has no minute to wait."""
AT_S = 28_000_000.0
CASES = [path for path in FILES if profiles()[path.parent.name].protocol == "modbus"]
OF_ALL_SORTS = ("eastron-sdm120", "carlo-gavazzi-em24", "solaredge-se-mtr-3y", "abb-b-series")
"""Floats; 32 bits as CDAB; floats as CDAB; 64 bits, and values that are none."""
OTHERS = [kind for kind in KINDS if kind != "tcp"]


def described(folder: Path, profile: str, variant: str = "") -> Plant:
    """A plant with one device of a bundled profile."""
    said = {"profile": profile, "variant": variant, "connect": bundled.CONNECT["modbus"]}
    return bundled.plant(folder, [("d1", said)])


def simulated(plant: Plant) -> Memory:
    """The only device of a plant as a unit, made of the list that is exported; the test may change what it holds."""
    (listed,) = plants.played(plant)
    memory = Memory(listed.points, writable=True)
    memory.show(raws(listed, AT_S))
    return memory


def lay(memory: Memory, table: str, at: int, data: bytes) -> None:
    """Have registers hold this."""
    words = [int.from_bytes(data[place : place + 2], "big") for place in range(0, len(data), 2)]
    (known,) = [one for one in TABLES if one == table]
    assert memory.write(known, at, words) is None, f"{table} {at} is not in the list that was exported"


@asynccontextmanager
async def polled(kind: Kind, folder: Path, tls: Tls, plant: Plant, memory: Memory) -> AsyncIterator[Poller]:
    """The adapter, polling the only device of a plant on a line of this kind."""
    (device,) = plant.devices
    async with asyncio.timeout(LIMIT_S), playing(kind, folder, tls, {device.connect.unit_id: memory}) as line:
        connect = device.connect.model_validate({"unit_id": device.connect.unit_id, **line.connect})
        poller = Poller([replace(spec.point, connect=connect, every_s=EVERY_S) for spec in device.points])
        await poller.open()
        try:
            yield poller
        finally:
            await poller.close()


async def all_points(poller: Poller, count: int) -> list[Reading]:
    """A reading of each point, in their order, of scans that begin from now on."""
    found: dict[int, Reading] = {}
    while len(found) < count:
        found |= {reading.point: reading for reading in (await poller.read()).readings}
    return [found[point] for point in range(count)]


async def reads_its_case(kind: Kind, folder: Path, tls: Tls, path: Path) -> None:
    of = case(path)
    plant = described(folder, path.parent.name, of.get("variant", ""))
    (device,) = plant.devices
    memory = simulated(plant)
    for block in of["blocks"]:
        table, _, at = block["key"].partition(" ")
        lay(memory, table, int(at.partition("..")[0]), bytes.fromhex(block["hex"]))
    async with polled(kind, folder, tls, plant, memory) as poller:
        readings = await all_points(poller, len(device.points))
    (message,) = Scans(device, Totals(), ()).make(tuple(reading.point for reading in readings), readings).messages
    body = json.loads(message.body)
    shown = of["values"]
    assert {name: body["values"][name] for name in shown} == shown
    found = body.get("quality", {})
    words = {name: why[0] if isinstance(of["quality"].get(name), str) else why for name, why in found.items()}
    assert words == of["quality"], "points that the case leaves out are played, and so have a value"


@pytest.mark.parametrize("path", [pytest.param(path, id=f"{path.parent.name}/{path.stem}") for path in CASES])
async def test_every_case_of_every_profile_is_read_over_tcp(path: Path, tmp_path: Path, tls: Tls) -> None:
    await reads_its_case("tcp", tmp_path, tls, path)


@pytest.mark.parametrize("kind", OTHERS)
async def test_profiles_of_all_sorts_are_read_over_every_kind_of_line(kind: Kind, tmp_path: Path, tls: Tls) -> None:
    for path in CASES:
        if path.parent.name in OF_ALL_SORTS:
            folder = tmp_path / f"{path.parent.name}-{path.stem}"
            folder.mkdir()
            await reads_its_case(kind, folder, tls, path)


def test_profiles_of_all_sorts_are_of_different_sorts() -> None:
    sorts = defaultdict(set)
    for name in OF_ALL_SORTS:
        for entry in profiles()[name].points:
            address = entry.spec.point.address
            sorts[name].add((address.type, address.order))
    assert ("float32", "ABCD") in sorts["eastron-sdm120"]
    assert ("int32", "CDAB") in sorts["carlo-gavazzi-em24"]
    assert len({frozenset(one) for one in sorts.values()}) == len(OF_ALL_SORTS)


EVERY_TYPE = """\
  label:   {at: 0, type: string, length: 4}
  swapped: {at: 4, type: string, length: 2, order: BADC}
  raw:     {at: 6, type: bytes, length: 2}
  volts:   {at: 8, type: float32, order: CDAB}
  amps:    {at: 10, type: float32, order: DCBA, table: input}
  energy:  {at: 12, type: uint64, order: CDAB}
  precise: {at: 16, type: float64}
  small:   {at: 20, type: int16, scale: 0.1}
  digits:  {at: 21, type: bcd32}
  when:    {at: 23, type: datetime}
  clock:   {at: 26, type: hhmm}
  release: {at: 27, type: version}
  mode:    {at: 28, bits: 4..7, enum: {0: idle, 5: running}}
  relay:   {table: coil, at: 3, type: bool}
  door:    {table: discrete, at: 9, type: bool}
"""
HELD = {
    ("holding", 0): "5344 4D36 3330 0000" + "4D50 0031" + "DEAD BEEF" + "3333 4366",
    ("input", 10): "3333 6643",
    ("holding", 12): "0001 0000 0020 0000" + "4009 21FB 5444 2D18" + "FF38" + "1234 5678" + "1A0B 1907 2111",
    ("holding", 26): "04D2 1234 0050",
}
VALUES = {
    "label": "SDM630",
    "swapped": "PM1",
    "raw": "deadbeef",
    "volts": 230.2,
    "amps": 230.2,
    "energy": 0x20_0000_0001,
    "precise": 3.141592653589793,
    "small": -20,
    "digits": 12345678,
    "when": "2026-11-25T07:33:17",
    "clock": "12:34",
    "release": "1.2.3.4",
    "mode": "running",
    "relay": True,
    "door": False,
}
"""Worked out by hand from the README of the adapter."""
OWN = "schema: fieldgate/profile/v1\nprofile: own\nprotocol: modbus\npoints:\n" + EVERY_TYPE


@pytest.mark.parametrize("kind", KINDS)
async def test_texts_and_all_else_are_read_over_every_kind_of_line(kind: Kind, tmp_path: Path, tls: Tls) -> None:
    plant = plants.plant(tmp_path, '  d: {profile: own, connect: {modbus: "tcp://127.0.0.1", unit_id: 9}}\n', own=OWN)
    (device,) = plant.devices
    memory = simulated(plant)
    for (table, at), data in HELD.items():
        lay(memory, table, at, bytes.fromhex(data))
    assert memory.write("coil", 3, [1]) is None
    assert memory.write("discrete", 9, [0]) is None
    async with polled(kind, tmp_path, tls, plant, memory) as poller:
        readings = await all_points(poller, len(device.points))
    (message,) = Scans(device, Totals(), ()).make(tuple(range(len(readings))), readings).messages
    body = json.loads(message.body)
    assert (body["values"], body.get("quality", {})) == (VALUES, {})


@pytest.mark.parametrize("meter", reference.PROFILES)
async def test_the_published_bits_of_a_meter_are_read_over_tcp(meter: str, tmp_path: Path, tls: Tls) -> None:
    plant = described(tmp_path, reference.PROFILES[meter])
    (device,) = plant.devices
    program = Program(device, Totals())
    positions = {spec.point.name: position for position, spec in enumerate(device.points)}
    of_register: dict[str, list[tuple[reference.Register, bytes, float]]] = defaultdict(list)
    for vector in reference.vectors():
        if vector[0].meter == meter:
            of_register[vector[0].point].append(vector)
    memory = simulated(plant)
    verdicts: Counter[str] = Counter()
    async with polled("tcp", tmp_path, tls, plant, memory) as poller:
        # The first vector of every register at once, then the second of each, and so on.
        for vectors in zip_longest(*of_register.values()):
            present = [vector for vector in vectors if vector is not None]
            for register, data, _ in present:
                lay(memory, reference.TABLES[register.said["fc"]], register.said["address"], data)
            readings = await all_points(poller, len(device.points))
            scan = program.scan(tuple(range(len(readings))), readings)
            for register, _, expected in present:
                position = positions[register.point]
                verdicts[reference.judged(scan.values[position], scan.statuses[position], expected)] += 1
    assert verdicts["wrong"] == 0
    assert verdicts.total() == sum(map(len, of_register.values())) > 50
    assert verdicts["1 ulp"] == 0 or meter in {name for name, _ in reference.MULTIPLIED}


async def test_a_plant_of_all_profiles_moves_and_is_followed(tmp_path: Path) -> None:
    """Enums change, counters grow, floats wave: what is polled was played at that moment, says the record."""
    names = [name for name, profile in profiles().items() if profile.protocol == "modbus"]
    where = f"tcp://{HOST}:{free_port()}"
    said = [
        (name, {"profile": name, "connect": {"modbus": where, "unit_id": unit}}) for unit, name in enumerate(names, 1)
    ]
    plant = bundled.plant(tmp_path, said)
    record = tmp_path / "served.jsonl"
    devices = [(device, Program(device, Totals())) for device in plant.devices]
    origin = [(index, spec) for index, device in enumerate(plant.devices) for spec in device.points]
    points = [replace(spec.point, every_s=0.2) for _, spec in origin]
    first = {device.name: [index for index, _ in origin].index(place) for place, device in enumerate(plant.devices)}
    seen: dict[tuple[str, str], list[tuple[int, Any]]] = defaultdict(list)
    settings = modbus.Settings(devices=plants.played(plant), tick_s=0.1, record=record)
    async with asyncio.timeout(LIMIT_S), modbus.serve(settings):
        poller = Poller(points)
        await poller.open()
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            readings = (await poller.read()).readings
            device, program = devices[origin[readings[0].point][0]]
            local = tuple(reading.point - first[device.name] for reading in readings)
            scan = program.scan(local, [one._replace(point=at) for one, at in zip(readings, local, strict=True)])
            for row, value, status in zip(scan.layout.rows, scan.values, scan.statuses, strict=True):
                assert status.quality is Quality.GOOD, (device.name, row.name, status)
                seen[device.name, row.name].append((readings[0].at_ns, value))
        await poller.close()
    assert len(seen) == len(points)
    served = defaultdict(list)
    for line in record.read_text().splitlines():
        entry = msgspec.json.decode(line)
        for name, value in entry["values"].items():
            served[entry["device"], name].append((entry["at_ns"], value))
    for key, heard in seen.items():
        for at_ns, value in heard:
            assert any(_agree(value, meant) for meant in _shown(served[key], at_ns)), (key, value)
    moved = [key for key, heard in seen.items() if len({str(value) for _, value in heard}) > 1]
    assert len(moved) > len(seen) / 2


SCAN_NS = 400_000_000
"""The first of a scan's requests is not older than this when its last block has arrived."""


def _shown(served: list[tuple[int, Any]], at_ns: int) -> list[Any]:
    """What the record says was held in the time before; entries say when a value began."""
    begun = [value for began_ns, value in served if began_ns <= at_ns - SCAN_NS][-1:]
    return begun + [value for began_ns, value in served if at_ns - SCAN_NS < began_ns <= at_ns + SCAN_NS // 8]


def _agree(value: Any, meant: Any) -> bool:
    return plants.agrees(plants.Read(value, GOOD, meant))
