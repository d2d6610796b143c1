"""Frames of Modbus TCP byte for byte as pymodbus writes them; answers believed only where every field is right."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer import FramerSocket
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadHoldingRegistersResponse

from adapters.modbus import pdu
from adapters.modbus.mbap import IGNORED_AT_MOST, Mbap, cut, frame

TRUE = bytes.fromhex("1501 0000 0009 FF 03 06 022B 0000 0064")
"""Messaging guide V1.0b, section 3.1.3, with the answer of the protocol's section 6.3."""
UNIT = 0xFF
ASK = pdu.read(3, 107, 3)


def foreign(message: ModbusPDU) -> bytes:
    """The frame that pymodbus makes of a message."""
    made: bytes = FramerSocket(DecodePDU(False)).buildFrame(message)
    return made


def asked(*, datagrams: bool = False) -> Mbap:
    """A connection on which ``ASK`` has been sent as transaction 0x1501."""
    talk = Mbap(Counter(), datagrams=datagrams)
    talk._transaction = 0x1500
    talk.request(UNIT, ASK, 1.0)
    return talk


def changed(place: int, value: int, width: int = 1) -> bytes:
    """The true answer with one field changed."""
    whole = bytearray(TRUE)
    whole[place : place + width] = value.to_bytes(width, "big")
    return bytes(whole)


@given(st.integers(1, 65535), st.integers(1, 255), st.integers(0, 65535), st.integers(1, 125))
def test_requests_are_what_pymodbus_sends(transaction: int, unit: int, first: int, count: int) -> None:
    message = ReadHoldingRegistersRequest(dev_id=unit, transaction_id=transaction, address=first, count=count)
    assert frame(transaction, unit, pdu.read(3, first, count)) == foreign(message)


@given(st.lists(st.integers(0, 65535), min_size=3, max_size=3))
def test_what_pymodbus_answers_is_read(registers: list[int]) -> None:
    answer = foreign(ReadHoldingRegistersResponse(dev_id=UNIT, transaction_id=0x1501, registers=registers))
    assert asked().take(answer) == b"".join(register.to_bytes(2, "big") for register in registers)


@pytest.mark.parametrize("code", range(1, 12))
def test_an_exception_is_a_refusal(code: int) -> None:
    refusal = asked().take(foreign(ExceptionResponse(3, code, device_id=UNIT, transaction=0x1501)))
    assert isinstance(refusal, pdu.Refusal)
    assert refusal.code == code


@pytest.mark.parametrize(
    ("answer", "error", "expected", "received"),
    [
        pytest.param(changed(0, 0x1502, 2), pdu.TransactionWrong, "5377", "5378", id="other transaction"),
        pytest.param(changed(0, 0, 2), pdu.TransactionWrong, "5377", "0", id="transaction 0"),
        pytest.param(changed(2, 1, 2), pdu.ProtocolWrong, "0", "1", id="protocol"),
        pytest.param(changed(4, 8, 2), pdu.LengthWrong, "8", "7", id="length too small"),
        pytest.param(changed(6, 1), pdu.UnitWrong, "255", "1", id="other unit"),
        pytest.param(changed(6, 0), pdu.UnitWrong, "255", "0", id="unit 0"),
        pytest.param(changed(7, 4), pdu.FunctionWrong, "3", "4", id="other function"),
        pytest.param(changed(7, 0x84), pdu.FunctionWrong, "3", "132", id="exception of another function"),
        pytest.param(changed(7, 0x83), pdu.LengthWrong, "2 for an exception", "8", id="exception with data"),
        pytest.param(changed(8, 4), pdu.ByteCountWrong, "6", "4", id="byte count too small"),
        pytest.param(changed(8, 5), pdu.ByteCountWrong, "6", "5", id="byte count odd"),
        pytest.param(changed(8, 8), pdu.ByteCountWrong, "6", "8", id="byte count too large"),
        pytest.param(changed(4, 7, 2)[:-2], pdu.LengthWrong, "8", "6", id="short but for its byte count"),
        pytest.param(changed(4, 11, 2) + b"\0\0", pdu.LengthWrong, "8", "10", id="long but for its byte count"),
    ],
)
def test_every_wrong_field_has_its_error(
    answer: bytes, error: type[pdu.WrongAnswer], expected: str, received: str
) -> None:
    with pytest.raises(error) as caught:
        asked().take(answer)
    assert (caught.value.expected, caught.value.received) == (expected, received)


def test_a_length_that_is_too_large_is_a_frame_that_never_ends() -> None:
    talk = asked()
    assert talk.take(changed(4, 10, 2)) is None
    assert str(talk.leave()) == "length a part of 15 bytes instead of a whole frame"


def test_an_answer_that_is_late_or_doubled_is_counted_and_passed_over() -> None:
    talk = asked()
    talk.request(UNIT, ASK, 1.0)
    assert talk.take(TRUE) is None
    assert talk.take(changed(0, 0x1502, 2)) == TRUE[9:]
    assert talk.take(changed(0, 0x1502, 2)) is None
    assert talk._counters["late_answers"] == 2


def test_old_answers_for_ever_are_out_of_step() -> None:
    talk = asked()
    talk.request(UNIT, ASK, 1.0)
    with pytest.raises(pdu.TransactionWrong, match="again and again"):
        talk.take((IGNORED_AT_MOST + 1) * TRUE)


STRAYS = {
    "another transaction": (changed(0, 0x1502, 2), pdu.TransactionWrong),
    "transaction 0": (changed(0, 0, 2), pdu.TransactionWrong),
    "another unit": (changed(6, 1), pdu.UnitWrong),
    "another function": (changed(7, 4), pdu.FunctionWrong),
    "another byte count": (changed(8, 4), pdu.ByteCountWrong),
    "another protocol": (changed(2, 1, 2), pdu.ProtocolWrong),
    "text": (b"M-SEARCH * HTTP/1.1\r\n", pdu.ProtocolWrong),
    **{f"{part} bytes of it": (TRUE[:part], pdu.LengthWrong) for part in range(1, len(TRUE))},
}


@pytest.mark.parametrize("name", STRAYS)
def test_a_stray_datagram_is_counted_and_neither_the_answer_nor_a_fault_of_the_request(name: str) -> None:
    stray, _ = STRAYS[name]
    talk = asked(datagrams=True)
    assert talk.take(stray) is None
    assert talk.take(TRUE) == TRUE[9:], "the next one is not joined to it"
    assert talk._counters == {"stray_datagrams": 1}
    talk.request(UNIT, ASK, 1.0)
    assert talk.leave() is None, "what came before this request says nothing of it"
    talk.request(UNIT, ASK, 1.0)
    assert talk.take(changed(2, 1, 2)) is None
    assert isinstance(talk.leave(), pdu.ProtocolWrong), "where nothing better comes, it is told what came"


@pytest.mark.parametrize("name", STRAYS)
def test_a_stray_datagram_is_told_where_no_answer_comes(name: str) -> None:
    stray, error = STRAYS[name]
    talk = asked(datagrams=True)
    talk.take(stray)
    assert isinstance(talk.leave(), error)


def test_old_datagrams_are_late_answers_however_many_come() -> None:
    talk = asked(datagrams=True)
    talk.request(UNIT, ASK, 1.0)
    for _ in range(3 * IGNORED_AT_MOST):
        assert talk.take(TRUE) is None
    assert talk.take(changed(0, 0x1502, 2)) == TRUE[9:]
    assert talk.take(changed(0, 0x1502, 2)) is None
    assert talk._counters == {"late_answers": 3 * IGNORED_AT_MOST + 1}
    assert talk.leave() is None


def test_frames_are_cut_from_a_stream_wherever_it_is_split() -> None:
    stream = TRUE + bytes.fromhex("1502 0000 0003 FF 83 02") + TRUE
    for split in range(len(stream) + 1):
        received = bytearray()
        frames = []
        for piece in (stream[:split], stream[split:]):
            received += piece
            while (whole := cut(received)) is not None:
                frames.append(whole)
        assert frames == [TRUE, stream[len(TRUE) : len(TRUE) + 9], TRUE]
        assert not received


@pytest.mark.parametrize(
    ("head", "error"),
    [
        pytest.param("1501 0001 0009", pdu.ProtocolWrong, id="protocol 1"),
        pytest.param("1501 0000 0002", pdu.LengthWrong, id="too short for an answer"),
        pytest.param("1501 0000 00FF", pdu.LengthWrong, id="longer than any answer"),
        pytest.param("4854 5450 2F31", pdu.ProtocolWrong, id="HTTP"),
    ],
)
def test_a_stream_that_is_out_of_step_is_found_at_the_header(head: str, error: type[pdu.WrongAnswer]) -> None:
    with pytest.raises(error):
        cut(bytearray.fromhex(head))


def strict(answer: bytes) -> bytes | None:
    """The standard once more, field by field: the data of the right answer to ``ASK``, else None."""
    if len(answer) < 15 or answer[:2] != b"\x15\x01" or answer[2:4] != b"\0\0" or answer[4:6] != b"\0\x09":
        return None
    return answer[9:15] if answer[6:9] == b"\xff\x03\x06" else None


def believed(answer: bytes) -> bytes | None:
    """The data that the codec believes; any error but the named ones flies."""
    try:
        found = asked().take(answer)
    except pdu.WrongAnswer:
        return None
    return None if isinstance(found, pdu.Refusal) else found


@given(st.binary(max_size=300))
def test_any_bytes_give_data_or_a_named_error(answer: bytes) -> None:
    assert believed(answer) == strict(answer)


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 255)), max_size=3), st.integers(-6, 6))
def test_answers_that_are_nearly_right_are_wrong(changes: list[tuple[int, int]], longer: int) -> None:
    answer = bytearray(TRUE + bytes(max(longer, 0)))[: len(TRUE) + longer]
    for place, value in changes:
        if place < len(answer):
            answer[place] = value
    assert believed(bytes(answer)) == strict(bytes(answer))


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_any_stream_gives_whole_frames_or_a_named_error(pieces: list[bytes]) -> None:
    received = bytearray()
    taken: list[Any] = []
    try:
        for piece in pieces:
            received += piece
            while (whole := cut(received)) is not None:
                taken.append(whole)
    except pdu.WrongAnswer:
        pass
    joined = b"".join(pieces)
    assert joined.startswith(b"".join(taken))
    assert all(len(whole) == 6 + int.from_bytes(whole[4:6], "big") for whole in taken)
