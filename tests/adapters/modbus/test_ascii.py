"""ASCII frames byte for byte as pymodbus writes them; found only where unit, function, length and LRC agree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer import FramerAscii
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadHoldingRegistersResponse

from adapters.modbus import ascii as lines
from adapters.modbus import pdu
from tests.adapters.modbus.peers import seal_ascii

READ = pdu.read(3, 107, 3)
ONE = pdu.read(3, 0, 1)
TRUE = b":110306022B0000006455\r\n"


def foreign(message: ModbusPDU) -> bytes:
    """The frame that pymodbus makes of a message."""
    made: bytes = FramerAscii(DecodePDU(False)).buildFrame(message)
    return made


def test_the_lrc_is_the_complement_of_the_sum() -> None:
    """Serial Line V1.02, section 6.2.1: add all bytes, drop the carries, take the two's complement."""
    assert lines.lrc(bytes.fromhex("02 07")) == 0xF7
    assert lines.lrc(bytes.fromhex("11 03 06 022B 0000 0064")) == 0x55
    assert lines.lrc(b"") == 0


@given(st.binary(max_size=256))
def test_the_lrc_is_that_of_pymodbus(data: bytes) -> None:
    assert lines.lrc(data) == FramerAscii.compute_LRC(data)


@given(st.integers(1, 255), st.integers(0, 65535), st.integers(1, 125))
def test_requests_are_what_pymodbus_sends(unit: int, first: int, count: int) -> None:
    message = ReadHoldingRegistersRequest(dev_id=unit, address=first, count=count)
    assert lines.frame(unit, pdu.read(3, first, count)) == foreign(message)


@given(st.integers(1, 255), st.lists(st.integers(0, 65535), min_size=1, max_size=125))
def test_what_pymodbus_answers_is_found(unit: int, registers: list[int]) -> None:
    answer = foreign(ReadHoldingRegistersResponse(dev_id=unit, registers=registers))
    ask = pdu.read(3, 0, len(registers))
    found = lines.find(answer, unit, ask)
    assert found is not None
    assert ask.judge(found[1]) == b"".join(register.to_bytes(2, "big") for register in registers)
    assert lines.find(answer.lower(), unit, ask) == found
    assert len(answer) == lines.size(ask.size or 0)
    assert lines.find(answer[:-1], unit, ask) is None


@pytest.mark.parametrize("code", range(1, 12))
def test_an_exception_is_found(code: int) -> None:
    answer = foreign(ExceptionResponse(3, code, device_id=17))
    assert lines.find(answer, 17, READ) == (0, bytes([0x83, code]))


@pytest.mark.parametrize("before", [b"", b"\xff\0", b":", b":1103", b":11030602\r\n", b"text\r\n"])
@pytest.mark.parametrize("after", [b"", b":", b"\r\n", b"\0"])
def test_an_answer_is_found_among_noise(before: bytes, after: bytes) -> None:
    assert lines.find(before + TRUE + after, 0x11, READ) == (len(before), bytes.fromhex("03 06 022B 0000 0064"))


@given(st.integers(0, len(TRUE) - 3), st.integers(0, 255))
def test_one_wrong_character_is_never_an_answer(place: int, byte: int) -> None:
    answer = bytearray(TRUE)
    answer[place] = byte
    if bytes(answer).upper() != TRUE:
        assert lines.find(answer, 0x11, READ) is None


def test_a_whole_frame_is_opened_whoever_sent_it() -> None:
    assert lines.opened(TRUE) == (0x11, bytes.fromhex("03 06 022B 0000 0064"))
    with pytest.raises(pdu.ChecksumWrong, match=r"^checksum 56 instead of 55$"):
        lines.opened(TRUE.replace(b"55\r", b"56\r"))
    with pytest.raises(pdu.LengthWrong):
        lines.opened(TRUE[1:])


def test_a_frame_that_has_begun_may_pause() -> None:
    """Serial Line V1.02, section 2.5.2: up to one second may pass between two characters."""
    assert not lines.ended(TRUE[:9])
    assert lines.ended(TRUE)
    assert lines.ended(b"\xff\xff\xff\xff")


@given(st.lists(st.sampled_from([b":", b":0103", b"02F9\r\n", seal_ascii(1, b"\3\2\4\x57"), b"\0"]), max_size=12))
def test_what_is_searched_as_it_comes_finds_what_is_searched_whole(pieces: list[bytes]) -> None:
    received, searched = b"", 0
    for byte in b"".join(pieces):
        received += bytes([byte])
        found = lines.find(received, 1, ONE, searched)
        assert found == lines.find(received, 1, ONE)
        if found is not None:
            return
        searched = len(received)
