"""What to do about a device that has no value to give, by what it suffers from."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.modbus import endpoint, pdu
from adapters.modbus.settings import Connect
from gateway.adapter import TIMEOUT, Status

_THERE = "check the device's power, its cable and its unit id"
_ADDRESSES = "compare tables and addresses of its profile with its manual"
_WRONG = {
    pdu.ChecksumWrong.what: "check the wiring, its shield and termination, then baud and parity on both sides",
    pdu.UnitWrong.what: "look for two devices with one unit id, or a box that mixes up answers",
    pdu.TransactionWrong.what: "look for a box that mixes up answers; fewer clients on it may help",
    pdu.ClosedWrong.what: f"{_ADDRESSES}: it hangs up when it is asked this",
    pdu.SilenceWrong.what: "look for another master on the line, and check the termination",
}
"""By the word that a wrong answer begins with."""
_REFUSED = {
    1: _ADDRESSES,
    2: _ADDRESSES,
    3: _ADDRESSES,
    4: "see what the device itself reports: it says that it has failed",
    10: "check what the box in front of it knows of its unit id",
    11: "check the device's power, its cable behind the box, and its unit id",
}


def remedy(connect: Connect, status: Status, counters: Mapping[str, int]) -> str:
    """See ``gateway.adapter.Adapter.remedy``."""
    serial = endpoint.parts(connect.modbus).framing != "mbap"
    if status == TIMEOUT and counters.get("late_answers"):
        return "raise its timeout: answers have come late on this line"
    if status == TIMEOUT:
        return f"{_THERE}; then baud and parity on both sides" if serial else _THERE
    if status.reason.startswith("wrong answer: "):
        word = status.reason.removeprefix("wrong answer: ")
        fitting = (text for what, text in _WRONG.items() if word.startswith(what))
        return next(fitting, "check that this is the device that is meant: host, port, and kind of line")
    return _REFUSED.get(status.code or 0, "")
