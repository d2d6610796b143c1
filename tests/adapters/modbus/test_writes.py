"""Which requests set a point, and what is said of their outcome."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.modbus import pdu
from adapters.modbus.settings import Address, Connect
from adapters.modbus.writes import UNSURE, Modify, failure, job, known
from gateway.adapter import LinkLost, NotWritten, Point, Value


def point(connect: dict[str, Any] | None = None, **address: Any) -> Point[Connect, Address]:
    settings = {"modbus": "tcp://plc:502", "unit_id": 7, "timeout": 0.5} | (connect or {})
    return Point("plc", Connect(**settings), "setpoint", Address(**{"at": 0x10} | address), 1.0)


def ways(of: Point[Connect, Address], value: Value) -> list[str]:
    """Function and body of each way in hexadecimal; a modification in words."""
    told = []
    made = job(of, value)
    for way in made.ways:
        if isinstance(way, Modify):
            told.append(f"read {made.read.body.hex(' ')}, keep {way.words.mask.hex(' ')}")
        else:
            told.append(f"{way.function:02x} {way.body.hex(' ')}")
    return told


@pytest.mark.parametrize(
    ("of", "value", "told"),
    [
        # Application Protocol V1.1b3, sections 6.5, 6.11, 6.6, 6.12 and 6.16: the bodies by hand.
        (point(table="coil", type="bool"), True, ["05 00 10 ff 00", "0f 00 10 00 01 01 01"]),
        (point(table="coil", type="bool"), False, ["05 00 10 00 00", "0f 00 10 00 01 01 00"]),
        (point(type="uint16"), 3, ["06 00 10 00 03", "10 00 10 00 01 02 00 03"]),
        (point(type="bool"), True, ["06 00 10 00 01", "10 00 10 00 01 02 00 01"]),
        (point(type="float32"), 230.2, ["10 00 10 00 02 04 43 66 33 33"]),
        (point(type="float32", order="CDAB"), 230.2, ["10 00 10 00 02 04 33 33 43 66"]),
        (point(type="bool", bits=(3, 3)), True, ["16 00 10 ff f7 00 08", "read 00 10 00 01, keep 00 08"]),
        (point(type="bool", bits=(3, 3)), False, ["16 00 10 ff f7 00 00", "read 00 10 00 01, keep 00 08"]),
        (point(type="uint16", bits=(4, 7)), 0xA, ["16 00 10 ff 0f 00 a0", "read 00 10 00 01, keep 00 f0"]),
        (point(type="uint8", byte="high"), 9, ["16 00 10 00 ff 09 00", "read 00 10 00 01, keep ff 00"]),
        # A field in one of two registers: that one alone is touched.
        (
            point(type="uint32", bits=(4, 7)),
            0xA,
            ["16 00 11 ff 0f 00 a0", "read 00 10 00 02, keep 00 00 00 f0"],
        ),
        # A field that lies in both: never one after the other.
        (point(type="uint32", bits=(12, 19)), 1, ["read 00 10 00 02, keep 00 0f f0 00"]),
        (point({"base": 0x100}, type="uint16"), 3, ["06 01 10 00 03", "10 01 10 00 01 02 00 03"]),
        (point(at=None, registers=(5, 6), type="uint32"), 1, ["10 00 05 00 02 04 00 00 00 01"]),
    ],
)
def test_the_requests_for_a_point(of: Point[Connect, Address], value: Value, told: list[str]) -> None:
    assert ways(of, value) == told


def test_a_job_knows_whom_to_ask_and_how_long() -> None:
    made = job(point(), 1)
    assert (made.point, made.unit, made.timeout_s) == ("setpoint", 7, 0.5)
    assert (made.read.function, made.read.body) == (3, bytes.fromhex("0010 0001"))
    coil = job(point(table="coil", type="bool"), True)
    assert (coil.read.function, coil.read.body) == (1, bytes.fromhex("0010 0001"))


@pytest.mark.parametrize(
    ("of", "value", "reason"),
    [
        (point(table="input"), 1, "setpoint: input registers can only be read"),
        (point(table="discrete", type="bool"), True, "setpoint: discrete inputs can only be read"),
        (
            point(at=None, registers=(40, 72), type="uint32"),
            1,
            "setpoint: its registers are no neighbours, so that they cannot be written at once",
        ),
        (point(), 65536, "setpoint: 65536 does not fit into uint16: 0 to 65535"),
        (point(table="coil", type="bool"), 1, "setpoint: 1 is neither true nor false"),
        (
            point({"forbidden": ((0x10, 0x1F),)}),
            1,
            "setpoint: it lies in a range that is forbidden for this device",
        ),
        (
            point(type="string", length=124),
            "x",
            "setpoint: it is longer than the 123 registers that can be written at once",
        ),
    ],
)
def test_what_cannot_be_written_is_refused_before_anything_is_sent(
    of: Point[Connect, Address], value: Value, reason: str
) -> None:
    with pytest.raises(NotWritten) as caught:
        job(of, value)
    assert str(caught.value) == reason
    assert not caught.value.unknown


def test_a_modification_keeps_what_belongs_to_others() -> None:
    _, modify = job(point(type="uint16", bits=(4, 7)), 0xA).ways
    assert isinstance(modify, Modify)
    write = modify.write(b"\x12\x34")
    assert (write.function, write.body) == (6, bytes.fromhex("0010 12a4"))


def test_a_function_that_the_device_does_not_know_is_not_tried_again() -> None:
    single, several = job(point(), 3).ways
    assert known((single, several), ()) == (single, several)
    assert known((single, several), {6}) == (several,)
    assert known((single, several), {6, 16}) == (single, several), "it is better to ask than to give up"
    mask, modify = job(point(bits=(0, 3)), 3).ways
    assert known((mask, modify), {22, 6}) == (modify,)


@pytest.mark.parametrize(
    ("error", "text", "unknown"),
    [
        (pdu.Refusal(3), "p: the device refused: exception 3: illegal data value", False),
        (pdu.Refusal(6), "p: the device refused: exception 6: device busy", False),
        (pdu.Refusal(10), "p: the device refused: exception 10: gateway path unavailable", False),
        (pdu.Refusal(4), "p: the device refused: exception 4: device failure", True),
        (pdu.Refusal(5), "p: the device refused: exception 5: acknowledged, still working", True),
        (pdu.Refusal(11), "p: the device refused: exception 11: gateway target does not answer", True),
        (TimeoutError(), "p: no answer in time", True),
        (pdu.UnitWrong("1", "2"), "p: wrong answer: unit 2 instead of 1", True),
        (LinkLost("the device closed the connection"), "p: the device closed the connection", True),
    ],
)
def test_an_outcome_in_words(error: Any, text: str, unknown: bool) -> None:
    told = failure("p", error)
    assert told.unknown is unknown
    assert str(told) == text + ("; it is unknown whether it was carried out" if unknown else "")
    assert (told.point, text.endswith(told.reason)) == ("p", True)


def test_what_went_wrong_before_the_write_was_sent_is_certain() -> None:
    assert not failure("p", TimeoutError(), sent=False).unknown
    assert not failure("p", LinkLost("gone"), sent=False).unknown
    assert not failure("p", pdu.UnitWrong("1", "2"), sent=False).unknown


def test_a_busy_device_has_done_nothing() -> None:
    assert not UNSURE & {1, 2, 3, 6, 10}
