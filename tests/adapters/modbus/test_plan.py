"""Which requests a set of points becomes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.modbus import plan as plan_module
from adapters.modbus.places import spans, where
from adapters.modbus.plan import Limits, Scan, plan, planned
from adapters.modbus.settings import Address, Connect, Table
from gateway.adapter import Planned, Point, ValueType


def points(
    *addresses: Address, device: str = "d", unit: int = 1, every_s: float = 1.0, base: int = 0
) -> list[Point[Connect, Address]]:
    connect = Connect(modbus="tcp://plc", unit_id=unit, base=base)
    return [Point(device, connect, f"p{place}", address, every_s) for place, address in enumerate(addresses)]


def registers(spec: str, table: Table = "holding") -> list[Point[Connect, Address]]:
    """Points written as ``at`` or ``at:type``."""
    types: dict[str, ValueType] = {"": "uint16", "f": "float32", "q": "uint64", "b": "bool", "i": "int16"}
    parsed = (word.partition(":") for word in spec.split())
    return points(*(Address(at=int(at), table=table, type=types[kind]) for at, _, kind in parsed))


def written(scans: list[Scan]) -> str:
    """``first+count`` of every request, scans apart by ``|``."""
    return " | ".join(" ".join(f"{request.first}+{request.count}" for request in scan.requests) for scan in scans)


@pytest.mark.parametrize(
    ("spec", "requests"),
    [
        ("0", "0+1"),
        ("65535", "65535+1"),
        ("0 1 2", "0+3"),
        ("2 0 1", "0+3"),
        ("0 0", "0+1"),
        ("0:f", "0+2"),
        ("0:q", "0+4"),
        ("0:b 1:i", "0+2"),
        ("0:f 2:f 4:f", "0+6"),
        ("0:f 1:f", "0+3"),  # overlapping, if odd, is read once
        ("0:q 1", "0+4"),  # a short one inside a long one does not end the block
        ("0:q 1 4", "0+5"),
        ("0 9", "0+10"),  # a gap of 8
        ("0 10", "0+1 10+1"),  # a gap of 9
        ("0:f 10", "0+11"),
        ("0:f 11", "0+2 11+1"),
        ("0 9 18", "0+19"),
        ("0 1000 2000", "0+1 1000+1 2000+1"),
        ("65534:f", "65534+2"),
    ],
)
def test_neighbours_are_read_together(spec: str, requests: str) -> None:
    assert written(plan(registers(spec))) == requests


@pytest.mark.parametrize(
    ("spec", "limits", "requests"),
    [
        ("0 1", Limits(max_gap=0), "0+2"),
        ("0 2", Limits(max_gap=0), "0+1 2+1"),
        ("0 2", Limits(max_gap=1), "0+3"),
        ("0 1 2 3", Limits(max_registers=2), "0+2 2+2"),
        ("0 1:f 3", Limits(max_registers=2), "0+1 1+2 3+1"),
        ("0:f 2:f", Limits(max_registers=3), "0+2 2+2"),
        ("0 100", Limits(max_gap=200), "0+101"),
        ("0 125", Limits(max_gap=200), "0+1 125+1"),
        ("0 124", Limits(max_gap=200), "0+125"),
    ],
)
def test_limits_are_kept(spec: str, limits: Limits, requests: str) -> None:
    assert written(plan(registers(spec), limits)) == requests


@pytest.mark.parametrize(
    ("spec", "limits", "requests"),
    [
        ("0 5 9", Limits(forbidden=((3, 3),)), "0+1 5+5"),
        ("0 5 9", Limits(forbidden=((1, 4),)), "0+1 5+5"),
        ("0 1 2", Limits(forbidden=((3, 9),)), "0+3"),
        ("0 1 2", Limits(forbidden=((1, 1),)), "0+1 2+1"),  # a point that lies there is not read
        ("0:f 2:f", Limits(forbidden=((1, 1),)), "2+2"),
        ("0 5 10 15", Limits(forbidden=((7, 8), (12, 12))), "0+6 10+1 15+1"),
        ("0 1 2", Limits(one_by_one=True), "0+1 1+1 2+1"),
        ("0 0:b 2:f 2:f", Limits(one_by_one=True), "0+1 2+2"),  # of the same registers
        ("0:q 1 4", Limits(one_by_one=True), "0+4 4+1"),
        ("0:f 1:f", Limits(one_by_one=True), "0+2 1+2"),
    ],
)
def test_what_a_device_does_not_stand_is_not_asked(spec: str, limits: Limits, requests: str) -> None:
    assert written(plan(registers(spec), limits)) == requests


def test_forbidden_ranges_are_of_every_table() -> None:
    tables: tuple[Table, ...] = ("coil", "holding")
    given_points = points(*(Address(at=at, table=table, type="bool") for table in tables for at in (0, 4)))
    (scan,) = plan(given_points, Limits(forbidden=((2, 2),)))
    assert written([scan]) == "0+1 4+1 0+1 4+1"


def test_each_device_of_a_line_has_its_own_limits() -> None:
    settings: list[dict[str, Any]] = [
        {},
        {"max_gap": 0},
        {"max_registers": 2},
        {"forbidden": [[1, 1]]},
        {"one_by_one": True},
    ]
    connects = [Connect(modbus="tcp://plc", unit_id=1 + place, **given) for place, given in enumerate(settings)]
    given_points = [
        Point(f"d{connect.unit_id}", connect, f"p{at}", Address(at=at), 1.0) for connect in connects for at in (0, 2)
    ]
    assert written(plan(given_points)) == "0+3 | 0+1 2+1 | 0+1 2+1 | 0+1 2+1 | 0+1 2+1"
    coils = [
        Point("d", Connect(modbus="tcp://plc", max_bits=2), "p", Address(at=at, table="coil", type="bool"), 1.0)
        for at in range(3)
    ]
    assert written(plan(coils)) == "0+2 2+1"
    assert [request.text for request in planned(given_points)][:3] == [
        "holding 0..2 (3 registers)",
        "holding 0 (1 register)",
        "holding 2 (1 register)",
    ], "what is told is what is asked"


def test_a_request_is_divided_into_its_pieces() -> None:
    given_points = points(
        Address(at=10, type="float32"),
        Address(at=12, bits=(0, 3)),
        Address(at=12, bits=(4, 7)),
        Address(registers=(20, 15), type="uint32"),
    )
    ((request,),) = (scan.requests for scan in plan(given_points))
    assert request.pieces == (range(10, 12), range(12, 13), range(15, 16), range(20, 21))
    part = request.of(request.pieces[1:3])
    assert (part.where, [field.offset for field in part.fields], [one.offset for one in part.parts]) == (
        "holding 12..15",
        [0, 0],
        [3],
    )
    assert request.of(request.pieces) == request


def test_a_full_block_is_125_registers() -> None:
    assert written(plan(registers(" ".join(str(at) for at in range(300))))) == "0+125 125+125 250+50"


def test_a_point_is_never_split() -> None:
    assert written(plan(registers(" ".join(f"{at}:f" for at in range(0, 130, 2))))) == "0+124 124+6"


@pytest.mark.parametrize("table", ["coil", "discrete"])
def test_a_full_block_is_2000_bits(table: Table) -> None:
    scans = plan(points(*(Address(at=at, table=table, type="bool") for at in range(2500))))
    assert written(scans) == "0+2000 2000+500"
    assert [request.size for request in scans[0].requests] == [250, 63]


def test_tables_are_read_apart() -> None:
    tables: tuple[Table, ...] = ("holding", "input", "coil", "discrete")
    (scan,) = plan(points(*(Address(at=7, table=table, type="bool") for table in tables)))
    assert [(r.area, r.function, r.size) for r in scan.requests] == [
        ("holding", 3, 2),
        ("input", 4, 2),
        ("coil", 1, 1),
        ("discrete", 2, 1),
    ]


def test_poll_rates_are_scans_of_their_own() -> None:
    fast = points(Address(at=0), Address(at=2), every_s=0.1)
    slow = points(Address(at=1), every_s=60)
    scans = plan([*fast, *slow])
    assert [(scan.every_s, len(scan.requests)) for scan in scans] == [(0.1, 1), (60, 1)]
    assert written(scans) == "0+3 | 1+1"


def test_units_are_scans_of_their_own_with_their_own_timeout() -> None:
    near = points(Address(at=0), device="near", unit=1)
    far = [Point("far", Connect(modbus="tcp://plc", unit_id=2, timeout=3), "p", Address(at=1), 1.0)]
    scans = plan([*near, *far])
    assert [(scan.device, scan.unit, scan.timeout_s) for scan in scans] == [("near", 1, 1.0), ("far", 2, 3.0)]


def test_fields_say_where_each_point_is() -> None:
    ((request,),) = (scan.requests for scan in plan(registers("12 10:f 20:i")))
    assert [(field.point, field.offset, field.form.type) for field in request.fields] == [
        (1, 0, "float32"),
        (0, 2, "uint16"),
        (2, 10, "int16"),
    ]


def test_nothing_is_planned_for_nothing() -> None:
    assert plan([]) == []


@pytest.mark.parametrize(
    ("address", "occupied"),
    [
        (Address(at=5), [range(5, 6)]),
        (Address(at=5, type="bool"), [range(5, 6)]),
        (Address(at=5, type="uint8", byte="high"), [range(5, 6)]),
        (Address(at=5, type="uint24"), [range(5, 7)]),
        (Address(at=5, type="float32"), [range(5, 7)]),
        (Address(at=5, type="int48"), [range(5, 8)]),
        (Address(at=5, type="int64"), [range(5, 9)]),
        (Address(at=5, type="string", length=8), [range(5, 13)]),
        (Address(at=5, type="datetime"), [range(5, 8)]),
        (Address(at=5, type="datetime", length=6), [range(5, 11)]),
        (Address(at=5, table="coil", type="bool"), [range(5, 6)]),
        (Address(registers=(5, 9), type="uint32"), [range(5, 6), range(9, 10)]),
        (Address(registers=(9, 5), type="uint32"), [range(9, 10), range(5, 6)]),
        (Address(registers=(5, 6, 1, 2), type="uint64"), [range(5, 7), range(1, 3)]),
        (Address(registers=(5, 6), type="uint32"), [range(5, 7)]),
        (Address(registers=(6, 5), type="uint32"), [range(6, 7), range(5, 6)]),
    ],
)
def test_the_registers_of_a_point(address: Address, occupied: list[range]) -> None:
    assert list(spans(*points(address))) == occupied


def test_the_base_of_a_device_is_added_to_every_address() -> None:
    here = points(Address(at=2), Address(registers=(4, 20), type="uint32"), base=40000)
    assert [span for point in here for span in spans(point)] == [
        range(40002, 40003),
        range(40004, 40005),
        range(40020, 40021),
    ]
    assert written(plan(here)) == "40002+3 40020+1"


def test_parts_that_are_far_apart_are_read_by_several_requests_of_one_scan() -> None:
    (scan,) = plan(points(Address(registers=(500, 7, 8), type="int48"), Address(at=10), every_s=5))
    first, second = scan.requests
    assert written([scan]) == "7+4 500+1"
    assert [(part.point, part.offset, part.words, part.number) for part in first.parts] == [(0, 0, 2, 1)]
    assert [(part.point, part.offset, part.words, part.number) for part in second.parts] == [(0, 0, 1, 0)]
    assert [field.point for field in first.fields] == [1]
    assert second.fields == ()


def test_a_point_whose_registers_are_neighbours_after_all_is_one_field() -> None:
    ((request,),) = (scan.requests for scan in plan(points(Address(registers=(5, 6), type="uint32"))))
    assert (request.parts, [field.offset for field in request.fields]) == ((), [0])


def test_what_is_planned_is_told_in_words_and_bytes_on_the_wire() -> None:
    given_points = [
        *points(Address(at=23296, type="uint32"), Address(at=23332), Address(at=23310, type="string", length=20)),
        *points(*(Address(at=at, table="coil", type="bool") for at in range(19)), device="plc"),
        *points(Address(registers=(1, 3), type="uint32"), device="pump", every_s=float("inf")),
    ]
    assert planned(given_points) == [
        # Worked by hand: MBAP 7 + function, address, quantity 5; MBAP 7 + function, byte count 2 + data.
        Planned("d", "holding 23296..23297 (2 registers)", (0,), 1.0, 12, 13),
        Planned("d", "holding 23310..23332 (23 registers)", (2, 1), 1.0, 12, 55),
        Planned("plc", "coil 0..18 (19 bits)", tuple(range(3, 22)), 1.0, 12, 12),
        Planned("pump", "holding 1..3 (3 registers)", (22,), float("inf"), 12, 15),
    ]


@pytest.mark.parametrize(
    ("line", "sent", "received"),
    [
        # Three registers. RTU: unit and CRC. ASCII: a colon, two letters a byte, LRC, CR LF (Serial Line V1.02).
        ("tcp://plc", 12, 15),
        ("udp://plc", 12, 15),
        ("rtu:///dev/ttyS0", 8, 11),
        ("rtu+tcp://plc:4001", 8, 11),
        ("ascii:///dev/ttyS0", 17, 23),
    ],
)
def test_bytes_on_the_wire_are_those_of_the_line(line: str, sent: int, received: int) -> None:
    given_points = [Point("d", Connect(modbus=line), f"p{at}", Address(at=at), 1.0) for at in range(3)]
    assert [(told.sent_bytes, told.received_bytes) for told in planned(given_points)] == [(sent, received)]


@pytest.mark.parametrize(
    ("table", "here", "text"),
    [("holding", range(5, 6), "holding 5"), ("input", range(5, 7), "input 5..6"), ("coil", range(19), "coil 0..18")],
)
def test_where(table: Table, here: range, text: str) -> None:
    assert where(table, here) == text


ANY_ADDRESS = st.builds(
    Address,
    at=st.integers(0, 400),
    table=st.sampled_from(["coil", "holding", "input"]),
    type=st.sampled_from(["bool", "int16", "float32", "uint64", "uint24", "datetime"]),
) | st.builds(Address, registers=st.tuples(st.integers(0, 400), st.integers(0, 400)), type=st.just("uint32"))


@given(st.lists(ANY_ADDRESS, max_size=80), st.integers(0, 20), st.integers(4, 125))
def test_every_register_is_read_once_and_neighbours_whole(
    addresses: list[Address], max_gap: int, max_registers: int
) -> None:
    given_points = points(*addresses)
    seen: list[tuple[int, int, int]] = []
    for scan in plan(given_points, Limits(max_gap, max_registers, max_registers)):
        for request in scan.requests:
            assert 1 <= request.count <= max_registers
            for field in request.fields:
                (here,) = spans(given_points[field.point])
                assert addresses[field.point].table == request.area
                assert request.first + field.offset == here.start
                assert here.stop <= request.first + request.count
                seen.append((field.point, here.start, len(here)))
            for part in request.parts:
                assert part.offset + part.words <= request.count
                seen.append((part.point, request.first + part.offset, part.words))
    wanted = [(index, here.start, len(here)) for index, point in enumerate(given_points) for here in spans(point)]
    assert sorted(seen) == sorted(wanted)


@given(
    st.lists(ANY_ADDRESS, max_size=60),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 30)), max_size=6),
    st.integers(0, 40),
    st.booleans(),
)
def test_nothing_forbidden_is_ever_touched_and_all_else_is_read(
    addresses: list[Address], ranges: list[tuple[int, int]], max_gap: int, one_by_one: bool
) -> None:
    given_points = points(*addresses)
    forbidden = {at for first, more in ranges for at in range(first, first + more + 1)}
    limits = Limits(max_gap, forbidden=tuple((first, first + more) for first, more in ranges), one_by_one=one_by_one)
    seen: set[int] = set()
    for scan in plan(given_points, limits):
        for request in scan.requests:
            assert forbidden.isdisjoint(range(request.first, request.first + request.count))
            seen |= {one.point for one in request.held}
    allowed = {i for i, point in enumerate(given_points) if all(forbidden.isdisjoint(here) for here in spans(point))}
    assert seen == allowed


def test_points_that_are_left_out_leave_the_scans_as_they_are() -> None:
    given_points = [*registers("0 1 2 9"), *points(Address(at=0), every_s=60.0)]
    assert written(plan(given_points)) == "0+10 | 0+1"
    assert written(plan(given_points, without={3})) == "0+3 | 0+1"
    assert written(plan(given_points, without={1, 4})) == "0+10 | "
    assert [scan.every_s for scan in plan(given_points, without=range(5))] == [1.0, 60.0]


@pytest.mark.parametrize("record", [lambda index: index % 100, lambda index: index])
def test_ten_thousand_points_of_records_are_planned_in_a_time_that_grows_with_their_number(
    monkeypatch: pytest.MonkeyPatch, record: Callable[[int], int]
) -> None:
    looked_at = 0

    def counted(places: Iterable[range]) -> list[range]:
        nonlocal looked_at
        given = list(places)
        looked_at += len(given)
        return joined(given)

    joined = plan_module._joined
    monkeypatch.setattr(plan_module, "_joined", counted)
    connect = Connect(modbus="tcp://h:1")
    many = [Point("d", connect, f"p{n}", Address(file=1, record=record(n)), 1.0) for n in range(9000)]
    (found,) = plan(many)
    assert sum(len(request.held) for request in found.requests) == len(many)
    assert looked_at <= 40 * len(many)
