"""Requests byte for byte as the standard and pymodbus write them; answers believed only where every field is right."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer import FramerSocket
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU
from pymodbus.pdu.bit_message import (
    ReadCoilsRequest,
    ReadCoilsResponse,
    ReadDiscreteInputsRequest,
    ReadDiscreteInputsResponse,
)
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadHoldingRegistersResponse,
    ReadInputRegistersRequest,
    ReadInputRegistersResponse,
)

from adapters.modbus import pdu

# Application Protocol V1.1b3, sections 6.1 to 6.4: the worked examples (PDU of request and answer), behind an MBAP
# header with transaction 0x1501 and unit 0xFF, as in the Messaging guide V1.0b, section 3.1.3.
EXAMPLES = [
    pytest.param(1, 19, 19, "01 0013 0013", "01 03 CD 6B 05", id="coils"),
    pytest.param(2, 196, 22, "02 00C4 0016", "02 03 AC DB 35", id="discrete"),
    pytest.param(3, 107, 3, "03 006B 0003", "03 06 022B 0000 0064", id="holding"),
    pytest.param(4, 8, 1, "04 0008 0001", "04 02 000A", id="input"),
]
REQUESTS = {
    1: ReadCoilsRequest,
    2: ReadDiscreteInputsRequest,
    3: ReadHoldingRegistersRequest,
    4: ReadInputRegistersRequest,
}
ANSWERS = {
    1: ReadCoilsResponse,
    2: ReadDiscreteInputsResponse,
    3: ReadHoldingRegistersResponse,
    4: ReadInputRegistersResponse,
}
TRUE = bytes.fromhex("1501 0000 0009 FF 03 06 022B 0000 0064")
ASKED = (0x1501, 0xFF, 3, 6)


def foreign(message: ModbusPDU) -> bytes:
    """The frame that pymodbus makes of a message."""
    frame: bytes = FramerSocket(DecodePDU(False)).buildFrame(message)
    return frame


def changed(place: int, value: int, width: int = 1) -> bytes:
    """The true answer with one field changed."""
    frame = bytearray(TRUE)
    frame[place : place + width] = value.to_bytes(width, "big")
    return bytes(frame)


@pytest.mark.parametrize(("function", "first", "count", "request_pdu", "answer_pdu"), EXAMPLES)
def test_worked_examples_of_the_standard(
    function: int, first: int, count: int, request_pdu: str, answer_pdu: str
) -> None:
    assert pdu.request(0x1501, 0xFF, function, first, count) == bytes.fromhex(f"1501 0000 0006 FF {request_pdu}")
    body = bytes.fromhex(answer_pdu)
    frame = bytes.fromhex("1501 0000") + struct.pack(">HB", len(body) + 1, 0xFF) + body
    assert pdu.data(frame, 0x1501, 0xFF, function, len(body) - 2) == body[2:]


@given(
    st.integers(1, 65535),
    st.integers(1, 255),
    st.sampled_from(sorted(REQUESTS)),
    st.integers(0, 65535),
    st.integers(1, 125),
)
def test_requests_are_what_pymodbus_sends(transaction: int, unit: int, function: int, first: int, count: int) -> None:
    message = REQUESTS[function](dev_id=unit, transaction_id=transaction, address=first, count=count)
    assert pdu.request(transaction, unit, function, first, count) == foreign(message)


@given(
    st.integers(1, 65535),
    st.integers(1, 255),
    st.sampled_from([3, 4]),
    st.lists(st.integers(0, 65535), min_size=1, max_size=125),
)
def test_registers_that_pymodbus_answers_are_read(
    transaction: int, unit: int, function: int, registers: list[int]
) -> None:
    frame = foreign(ANSWERS[function](dev_id=unit, transaction_id=transaction, registers=registers))
    data = pdu.data(frame, transaction, unit, function, 2 * len(registers))
    assert list(struct.unpack(f">{len(registers)}H", data)) == registers


@given(
    st.integers(1, 65535),
    st.integers(1, 255),
    st.sampled_from([1, 2]),
    st.lists(st.booleans(), min_size=1, max_size=2000),
)
def test_bits_that_pymodbus_answers_are_read(transaction: int, unit: int, function: int, bits: list[bool]) -> None:
    frame = foreign(ANSWERS[function](dev_id=unit, transaction_id=transaction, bits=bits))
    data = pdu.data(frame, transaction, unit, function, (len(bits) + 7) // 8)
    assert [bool(data[place // 8] >> place % 8 & 1) for place in range(len(bits))] == bits


@pytest.mark.parametrize("code", range(1, 12))
def test_an_exception_is_a_refusal_in_words(code: int) -> None:
    frame = foreign(ExceptionResponse(3, code, device_id=0xFF, transaction=0x1501))
    with pytest.raises(pdu.Refusal, match=rf"^exception {code}: [a-z]") as caught:
        pdu.data(frame, *ASKED)
    assert caught.value.code == code


def test_an_exception_that_the_standard_does_not_know_is_said_by_number() -> None:
    assert str(pdu.Refusal(99)) == "exception 99: not defined"
    assert str(pdu.Refusal(2)) == "exception 2: illegal data address"


@pytest.mark.parametrize(
    ("frame", "error", "expected", "received"),
    [
        pytest.param(changed(0, 0x1502, 2), pdu.TransactionWrong, "5377", "5378", id="other transaction"),
        pytest.param(changed(0, 0, 2), pdu.TransactionWrong, "5377", "0", id="transaction 0"),
        pytest.param(changed(2, 1, 2), pdu.ProtocolWrong, "0", "1", id="protocol"),
        pytest.param(changed(4, 10, 2), pdu.LengthWrong, "9", "10", id="length too large"),
        pytest.param(changed(4, 8, 2), pdu.LengthWrong, "9", "8", id="length too small"),
        pytest.param(changed(6, 1), pdu.UnitWrong, "255", "1", id="other unit"),
        pytest.param(changed(6, 0), pdu.UnitWrong, "255", "0", id="unit 0"),
        pytest.param(changed(7, 4), pdu.FunctionWrong, "3", "4", id="other function"),
        pytest.param(changed(7, 0x84), pdu.FunctionWrong, "3", "132", id="exception of another function"),
        pytest.param(changed(7, 0x83), pdu.LengthWrong, "3 for an exception", "9", id="exception with data"),
        pytest.param(changed(8, 4), pdu.ByteCountWrong, "6", "4", id="byte count too small"),
        pytest.param(changed(8, 5), pdu.ByteCountWrong, "6", "5", id="byte count odd"),
        pytest.param(changed(8, 8), pdu.ByteCountWrong, "6", "8", id="byte count too large"),
        pytest.param(changed(4, 7, 2)[:-2], pdu.LengthWrong, "9", "7", id="short but for its byte count"),
        pytest.param(changed(4, 11, 2) + b"\0\0", pdu.LengthWrong, "9", "11", id="long but for its byte count"),
        pytest.param(TRUE[:-1], pdu.LengthWrong, "8", "9", id="cut off"),
        pytest.param(TRUE[:8], pdu.LengthWrong, "9 bytes or more", "8 bytes", id="stump"),
        pytest.param(b"", pdu.LengthWrong, "9 bytes or more", "0 bytes", id="nothing"),
    ],
)
def test_every_wrong_field_has_its_error(
    frame: bytes, error: type[pdu.WrongAnswer], expected: str, received: str
) -> None:
    with pytest.raises(error) as caught:
        pdu.data(frame, *ASKED)
    assert (caught.value.expected, caught.value.received) == (expected, received)


def test_the_errors_say_what_they_expected() -> None:
    with pytest.raises(pdu.UnitWrong, match=r"^unit 1 instead of 255$"):
        pdu.data(changed(6, 1), *ASKED)


def test_frames_are_cut_from_a_stream_wherever_it_is_split() -> None:
    stream = TRUE + bytes.fromhex("1502 0000 0003 FF 83 02") + TRUE
    for split in range(len(stream) + 1):
        received = bytearray()
        frames = []
        for piece in (stream[:split], stream[split:]):
            received += piece
            while (frame := pdu.take(received)) is not None:
                frames.append(frame)
        assert [pdu.transaction_of(frame) for frame in frames] == [0x1501, 0x1502, 0x1501]
        assert b"".join(frames) == stream
        assert received == b""


@pytest.mark.parametrize(
    ("head", "error"),
    [
        ("1501 0001 0009", pdu.ProtocolWrong),
        ("1501 0000 0000", pdu.LengthWrong),
        ("1501 0000 0002", pdu.LengthWrong),
        ("1501 0000 00FF", pdu.LengthWrong),
        ("1501 0000 FFFF", pdu.LengthWrong),
        ("4854 5450 2F31", pdu.ProtocolWrong),
    ],
)
def test_a_stream_that_is_out_of_step_is_found_at_the_header(head: str, error: type[pdu.WrongAnswer]) -> None:
    with pytest.raises(error):
        pdu.take(bytearray.fromhex(head))


def strict(frame: bytes) -> bytes | None:
    """The standard once more, field by field: the data of the right answer to ``ASKED``, else None."""
    if len(frame) != 15 or frame[:2] != b"\x15\x01" or frame[2:4] != b"\0\0" or frame[4:6] != b"\0\x09":
        return None
    return frame[9:] if frame[6:9] == b"\xff\x03\x06" else None


def answer_of(frame: bytes) -> bytes | None:
    """The data that the codec believes; any error but the named ones flies."""
    try:
        return pdu.data(frame, *ASKED)
    except (pdu.WrongAnswer, pdu.Refusal):
        return None


@given(st.binary(max_size=300))
def test_any_bytes_give_data_or_a_named_error(frame: bytes) -> None:
    assert answer_of(frame) == strict(frame)


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 255)), max_size=3), st.integers(-6, 6))
def test_answers_that_are_nearly_right_are_wrong(changes: list[tuple[int, int]], longer: int) -> None:
    frame = bytearray(TRUE + bytes(max(longer, 0)))[: len(TRUE) + longer]
    for place, value in changes:
        if place < len(frame):
            frame[place] = value
    assert answer_of(bytes(frame)) == strict(bytes(frame))


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_any_stream_gives_whole_frames_or_a_named_error(pieces: list[bytes]) -> None:
    received = bytearray()
    taken: list[Any] = []
    try:
        for piece in pieces:
            received += piece
            while (frame := pdu.take(received)) is not None:
                taken.append(frame)
    except pdu.WrongAnswer:
        pass
    joined = b"".join(pieces)
    assert joined.startswith(b"".join(taken))
    assert all(len(frame) == 6 + int.from_bytes(frame[4:6], "big") for frame in taken)
