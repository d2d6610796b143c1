"""Wrong answers, byte by byte."""

from __future__ import annotations

from pathlib import Path

import pytest
from pymodbus.framer import FramerAscii, FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU

from simulators.modbus.endpoint import Endpoint
from simulators.modbus.wrong import LATE_S, PAUSE_S, Answer, Piece, ways

TCP, UDP, RTU = Endpoint("tcp", "h"), Endpoint("udp", "h"), Endpoint("rtu", path="/bus")
READ = bytes.fromhex("03 04 4366 3333")
WROTE = bytes.fromhex("06 0007 002a")


def answer(pdu: bytes = READ, framer: type[FramerSocket | FramerRTU | FramerAscii] = FramerSocket) -> Answer:
    return Answer(9, 1, pdu, framer(DecodePDU(True)).encode, request=bytes.fromhex("01 03 0000 0002 c40b"))


def sent(name: str, pdu: bytes = READ) -> str:
    (piece,) = ways(TCP)[name](answer(pdu))
    assert isinstance(piece, bytes)
    return piece.hex(" ")


@pytest.mark.parametrize(
    ("name", "frame"),
    [
        ("transaction 0", "00 00 00 00 00 07 01 03 04 bc 99 cc cc"),
        ("another transaction", "00 0e 00 00 00 07 01 03 04 bc 99 cc cc"),
        ("another protocol", "00 09 00 01 00 07 01 03 04 bc 99 cc cc"),
        ("length too small", "00 09 00 00 00 03 01 03 04 bc 99 cc cc"),
        ("length too large", "00 09 00 00 00 fe 01 03 04 bc 99 cc cc"),
        ("length absurd", "00 09 00 00 ff ff 01 03 04 bc 99 cc cc"),
        ("another unit", "00 09 00 00 00 07 02 03 04 bc 99 cc cc"),
        ("unit 0", "00 09 00 00 00 07 00 03 04 bc 99 cc cc"),
        ("another function", "00 09 00 00 00 07 01 04 04 bc 99 cc cc"),
        ("a write function", "00 09 00 00 00 07 01 06 04 bc 99 cc cc"),
        ("exception of another function", "00 09 00 00 00 03 01 84 02"),
        ("byte count too small", "00 09 00 00 00 07 01 03 02 bc 99 cc cc"),
        ("byte count too large", "00 09 00 00 00 07 01 03 06 bc 99 cc cc"),
        ("no data", "00 09 00 00 00 03 01 03 00"),
        ("too few data", "00 09 00 00 00 05 01 03 02 bc 99"),
        ("odd data", "00 09 00 00 00 08 01 03 05 bc 99 cc cc 1a"),
        ("too many data", "00 09 00 00 00 09 01 03 06 bc 99 cc cc bc 99"),
        ("cut off", "00 09 00 00 00 07 01 03 04 43 66 33"),
        ("garbage after", "00 09 00 00 00 07 01 03 04 43 66 33 33 de ad be ef 00 01 02"),
    ],
)
def test_what_must_not_be_believed_holds_inverted_data(name: str, frame: str) -> None:
    assert sent(name) == frame


def test_the_echo_of_a_write_is_wrong_in_one_bit() -> None:
    assert sent("wrong echo address", WROTE) == "00 09 00 00 00 06 01 06 00 06 00 2a"
    assert sent("wrong echo value", WROTE) == "00 09 00 00 00 06 01 06 00 07 00 2b"


@pytest.mark.parametrize("name", ["wrong echo address", "wrong echo value"])
def test_what_does_not_apply_leaves_an_answer_right(name: str) -> None:
    assert sent(name) == answer().framed.hex(" ")


@pytest.mark.parametrize("name", ["no data", "byte count too small", "wrong echo value"])
def test_exceptions_stay_exceptions(name: str) -> None:
    assert sent(name, b"\x83\2") == "00 09 00 00 00 03 01 83 02"


def test_odd_answers_hold_the_right_data() -> None:
    frame = answer().framed
    pieces: dict[str, list[Piece]] = {
        "late": [LATE_S, frame],
        "split": [frame[:3], PAUSE_S, frame[3:5], PAUSE_S, frame[5:]],
        "doubled": [frame, PAUSE_S, frame],
        "nothing": [],
    }
    assert {name: ways(TCP)[name](answer()) for name in pieces} == pieces


def test_serial_frames_have_wrong_checksums_and_echoes() -> None:
    (spoiled,) = ways(RTU)["wrong checksum"](answer(framer=FramerRTU))
    (right,) = ways(RTU)["another unit"](answer(framer=FramerRTU))
    assert isinstance(spoiled, bytes)
    assert isinstance(right, bytes)
    assert FramerRTU(DecodePDU(False)).decode(right)[1:] == (2, 0, bytes.fromhex("03 04 bc99 cccc"))
    assert FramerRTU(DecodePDU(False)).decode(spoiled)[3] == b""
    (spoiled,) = ways(RTU)["wrong checksum"](answer(framer=FramerAscii))
    assert isinstance(spoiled, bytes)
    assert spoiled.endswith(b"\r\n")
    assert FramerAscii(DecodePDU(False)).decode(spoiled)[3] == b""
    assert ways(RTU)["echo"](answer(framer=FramerRTU))[0] == bytes.fromhex("01 03 0000 0002 c40b")


def test_each_kind_of_line_has_ways_of_its_own() -> None:
    assert "transaction 0" not in ways(RTU)
    assert "wrong checksum" not in ways(TCP)
    assert set(ways(TCP)) - set(ways(UDP)) == {"split"}


def test_the_readme_names_every_way() -> None:
    text = (Path(__file__).parents[3] / "simulators" / "README.md").read_text(encoding="utf-8")
    assert [name for name in {**ways(TCP), **ways(RTU)} if f"`{name}`" not in text] == []
