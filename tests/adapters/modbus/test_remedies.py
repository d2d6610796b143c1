"""What to do about a device without values depends on what it suffers from."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.modbus import pdu
from adapters.modbus.course import refusal
from adapters.modbus.remedies import remedy
from adapters.modbus.settings import Connect
from gateway.adapter import TIMEOUT, Quality, Status

TCP, RTU = Connect(modbus="tcp://plc"), Connect(modbus="rtu:///dev/ttyS0")


def wrong(kind: type[pdu.WrongAnswer], *facts: Any) -> Status:
    return Status(Quality.BAD, f"wrong answer: {kind(*facts)}")


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (wrong(pdu.ChecksumWrong, "1", "2"), "termination"),
        (wrong(pdu.ChecksumWrong, "1", "2"), "baud and parity"),
        (wrong(pdu.UnitWrong, "1", "2"), "two devices with one unit id"),
        (wrong(pdu.TransactionWrong, "1", "2"), "mixes up answers"),
        (wrong(pdu.ClosedWrong, "an answer", "closed"), "hangs up"),
        (wrong(pdu.LengthWrong, "1", "2"), "host, port, and kind of line"),
        (refusal(2), "addresses"),
        (refusal(11), "behind the box"),
    ],
)
def test_each_cause_has_its_remedy(status: Status, says: str) -> None:
    assert says in remedy(TCP, status, {})


def test_a_silence_on_a_serial_line_may_be_its_settings() -> None:
    assert remedy(TCP, TIMEOUT, {}) == "check the device's power, its cable and its unit id"
    assert "baud and parity" in remedy(RTU, TIMEOUT, {})
    assert "baud and parity" in remedy(Connect(modbus="rtu+tcp://moxa:4001"), TIMEOUT, {})


def test_where_answers_come_late_the_timeout_is_too_short() -> None:
    assert remedy(RTU, TIMEOUT, {"late_answers": 3}).startswith("raise its timeout")


def test_what_is_not_known_has_none() -> None:
    assert remedy(TCP, Status(Quality.BAD, "not a BCD number"), {}) == ""
