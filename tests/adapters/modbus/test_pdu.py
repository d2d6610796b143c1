"""Requests byte for byte as the standard and pymodbus write them; answers believed only where every field is right."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.pdu import ExceptionResponse, ModbusPDU
from pymodbus.pdu import bit_message as bits_of
from pymodbus.pdu import file_message as files_of
from pymodbus.pdu import mei_message as objects_of
from pymodbus.pdu import register_message as registers_of

from adapters.modbus import pdu
from adapters.modbus.pdu import Ask

NINE = [bool(0x01CD >> place & 1) for place in range(10)]

# Application Protocol V1.1b3, sections 6.1 to 6.6, 6.11, 6.12, 6.14 to 6.17 and 6.21: the worked examples, PDUs of
# request and answer, and the data that the answer holds.
EXAMPLES = [
    pytest.param(pdu.read(1, 19, 19), "01 0013 0013", "01 03 CD 6B 05", "CD 6B 05", id="read coils"),
    pytest.param(pdu.read(2, 196, 22), "02 00C4 0016", "02 03 AC DB 35", "AC DB 35", id="read discrete inputs"),
    pytest.param(pdu.read(3, 107, 3), "03 006B 0003", "03 06 022B 0000 0064", "022B 0000 0064", id="read holding"),
    pytest.param(pdu.read(4, 8, 1), "04 0008 0001", "04 02 000A", "000A", id="read input"),
    pytest.param(pdu.write_coil(172, True), "05 00AC FF00", "05 00AC FF00", "", id="write coil"),
    pytest.param(pdu.write_register(1, 3), "06 0001 0003", "06 0001 0003", "", id="write register"),
    pytest.param(pdu.write_coils(19, NINE), "0F 0013 000A 02 CD01", "0F 0013 000A", "", id="write coils"),
    pytest.param(
        pdu.write_registers(1, bytes.fromhex("000A 0102")),
        "10 0001 0002 04 000A 0102",
        "10 0001 0002",
        "",
        id="write registers",
    ),
    pytest.param(
        pdu.read_file([(4, 1, 2), (3, 9, 2)]),
        "14 0E 06 0004 0001 0002 06 0003 0009 0002",
        "14 0C 05 06 0DFE 0020 05 06 33CD 0040",
        "0DFE 0020 33CD 0040",
        id="read file",
    ),
    pytest.param(
        pdu.write_file([(4, 7, bytes.fromhex("06AF 04BE 100D"))]),
        "15 0D 06 0004 0007 0003 06AF 04BE 100D",
        "15 0D 06 0004 0007 0003 06AF 04BE 100D",
        "",
        id="write file",
    ),
    pytest.param(pdu.mask_register(4, 0xF2, 0x25), "16 0004 00F2 0025", "16 0004 00F2 0025", "", id="mask"),
    pytest.param(
        pdu.read_write_registers(3, 6, 14, bytes.fromhex("00FF 00FF 00FF")),
        "17 0003 0006 000E 0003 06 00FF 00FF 00FF",
        "17 0C 00FE 0ACD 0001 0003 000D 00FF",
        "00FE 0ACD 0001 0003 000D 00FF",
        id="read and write",
    ),
    pytest.param(
        pdu.identification(1, 0),
        "2B 0E 01 00",
        "2B 0E 01 01 00 00 03 00 16" + 22 * "41" + "01 0D" + 13 * "42" + "02 05 56322E3131",
        "0E 01 01 00 00 03 00 16" + 22 * "41" + "01 0D" + 13 * "42" + "02 05 56322E3131",
        id="identification",
    ),
]


def wire_of(ask: Ask) -> bytes:
    """The PDU of the request."""
    return bytes([ask.function]) + ask.body


def of(message: ModbusPDU) -> bytes:
    """The PDU that pymodbus makes of a message."""
    encoded: bytes = message.encode()
    return bytes([message.function_code]) + encoded


@pytest.mark.parametrize(("ask", "request_pdu", "answer_pdu", "data"), EXAMPLES)
def test_worked_examples_of_the_standard(ask: Ask, request_pdu: str, answer_pdu: str, data: str) -> None:
    assert wire_of(ask) == bytes.fromhex(request_pdu)
    answer = bytes.fromhex(answer_pdu)
    assert ask.judge(answer) == bytes.fromhex(data)
    assert ask.size in (len(answer), None)
    assert [pdu.answer_bytes(ask, answer[:end]) for end in (0, len(answer))] == [None, len(answer)]


addresses = st.integers(0, 65535)
words = st.lists(st.integers(0, 65535), min_size=1, max_size=120)
flags = st.lists(st.booleans(), min_size=1, max_size=1968)


def packed(registers: list[int]) -> bytes:
    return struct.pack(f">{len(registers)}H", *registers)


@given(addresses, words, flags)
def test_reads_are_those_of_pymodbus(first: int, registers: list[int], bits: list[bool]) -> None:
    for function, asked, answered in (
        (3, registers_of.ReadHoldingRegistersRequest, registers_of.ReadHoldingRegistersResponse),
        (4, registers_of.ReadInputRegistersRequest, registers_of.ReadInputRegistersResponse),
    ):
        ask = pdu.read(function, first, len(registers))
        assert wire_of(ask) == of(asked(address=first, count=len(registers)))
        assert ask.judge(of(answered(registers=registers))) == packed(registers)
    for function, asked_bits, answered_bits in (
        (1, bits_of.ReadCoilsRequest, bits_of.ReadCoilsResponse),
        (2, bits_of.ReadDiscreteInputsRequest, bits_of.ReadDiscreteInputsResponse),
    ):
        ask = pdu.read(function, first, len(bits))
        assert wire_of(ask) == of(asked_bits(address=first, count=len(bits)))
        data = ask.judge(of(answered_bits(bits=bits)))
        assert [bool(data[place // 8] >> place % 8 & 1) for place in range(len(bits))] == bits


@given(addresses, st.integers(0, 65535), st.integers(0, 65535), words, flags)
def test_writes_are_those_of_pymodbus(at: int, value: int, other: int, registers: list[int], bits: list[bool]) -> None:
    pairs: list[tuple[Ask, Any, Any]] = [
        (
            pdu.write_coil(at, bits[0]),
            bits_of.WriteSingleCoilRequest(address=at, bits=bits[:1]),
            bits_of.WriteSingleCoilResponse(address=at, bits=bits[:1]),
        ),
        (
            pdu.write_register(at, value),
            registers_of.WriteSingleRegisterRequest(address=at, registers=[value]),
            registers_of.WriteSingleRegisterResponse(address=at, registers=[value]),
        ),
        (
            pdu.write_coils(at, bits),
            bits_of.WriteMultipleCoilsRequest(address=at, bits=bits),
            bits_of.WriteMultipleCoilsResponse(address=at, count=len(bits)),
        ),
        (
            pdu.write_registers(at, packed(registers)),
            registers_of.WriteMultipleRegistersRequest(address=at, registers=registers),
            registers_of.WriteMultipleRegistersResponse(address=at, count=len(registers)),
        ),
        (
            pdu.mask_register(at, value, other),
            registers_of.MaskWriteRegisterRequest(address=at, and_mask=value, or_mask=other),
            registers_of.MaskWriteRegisterResponse(address=at, and_mask=value, or_mask=other),
        ),
    ]
    for ask, asked, answered in pairs:
        assert wire_of(ask) == of(asked)
        assert ask.judge(of(answered)) == b""


@given(addresses, addresses, words, words)
def test_reading_and_writing_at_once_is_that_of_pymodbus(
    first: int, at: int, written: list[int], held: list[int]
) -> None:
    ask = pdu.read_write_registers(first, len(held), at, packed(written))
    asked = registers_of.ReadWriteMultipleRegistersRequest(
        read_address=first, read_count=len(held), write_address=at, write_registers=written
    )
    assert wire_of(ask) == of(asked)
    assert ask.judge(of(registers_of.ReadWriteMultipleRegistersResponse(registers=held))) == packed(held)


@given(
    st.lists(
        st.tuples(st.integers(1, 65535), st.integers(0, 9999), st.lists(addresses, min_size=1, max_size=8)),
        min_size=1,
        max_size=8,
    )
)
def test_file_records_are_those_of_pymodbus(records: list[tuple[int, int, list[int]]]) -> None:
    held = [
        files_of.FileRecord(file_number=number, record_number=record, record_data=packed(data))
        for number, record, data in records
    ]
    lengths = [(number, record, len(data)) for number, record, data in records]
    asked = [
        files_of.FileRecord(file_number=number, record_number=record, record_length=2 * count)
        for number, record, count in lengths
    ]
    ask = pdu.read_file(lengths)
    assert wire_of(ask) == of(files_of.ReadFileRecordRequest(records=asked))
    data = ask.judge(of(files_of.ReadFileRecordResponse(records=held)))
    assert data == b"".join(packed(registers) for _, _, registers in records)
    ask = pdu.write_file([(number, record, packed(registers)) for number, record, registers in records])
    assert wire_of(ask) == of(files_of.WriteFileRecordRequest(records=held))
    assert ask.judge(of(files_of.WriteFileRecordResponse(records=held))) == b""


@given(st.integers(1, 4), st.integers(0, 255), st.dictionaries(st.integers(0, 255), st.binary(max_size=40), max_size=5))
def test_identification_is_that_of_pymodbus(level: int, first: int, held: dict[int, bytes]) -> None:
    ask = pdu.identification(level, first)
    assert wire_of(ask) == of(objects_of.ReadDeviceInformationRequest(read_code=level, object_id=first))
    answer = of(objects_of.ReadDeviceInformationResponse(read_code=level, information=held))
    assert ask.judge(answer) == answer[1:]
    assert pdu.answer_bytes(ask, answer + b"more") == len(answer)
    assert all(pdu.answer_bytes(ask, answer[:end]) in (None, len(answer)) for end in range(len(answer)))


@pytest.mark.parametrize("code", range(1, 12))
def test_an_exception_is_a_refusal_in_words(code: int) -> None:
    for ask in (pdu.read(3, 0, 1), pdu.write_coil(0, True), pdu.read_file([(1, 0, 1)]), pdu.identification(1, 0)):
        with pytest.raises(pdu.Refusal, match=rf"^exception {code}: [a-z]") as caught:
            ask.judge(of(ExceptionResponse(ask.function, code)))
        assert caught.value.code == code


def test_an_exception_that_the_standard_does_not_know_is_said_by_number() -> None:
    assert str(pdu.Refusal(99)) == "exception 99: not defined"
    assert str(pdu.Refusal(2)) == "exception 2: illegal data address"


@pytest.mark.parametrize(
    ("ask", "answer", "error", "expected", "received"),
    [
        pytest.param(pdu.read(3, 0, 1), "", pdu.LengthWrong, "2 bytes or more", "0", id="nothing"),
        pytest.param(pdu.read(3, 0, 1), "04 02 0001", pdu.FunctionWrong, "3", "4", id="other function"),
        pytest.param(pdu.read(3, 0, 1), "84 02", pdu.FunctionWrong, "3", "132", id="other exception"),
        pytest.param(pdu.read(3, 0, 1), "83 02 00", pdu.LengthWrong, "2 for an exception", "3", id="long exception"),
        pytest.param(pdu.read(3, 0, 1), "83", pdu.LengthWrong, "2 for an exception", "1", id="exception without code"),
        pytest.param(pdu.read(3, 0, 2), "03 02 0001", pdu.ByteCountWrong, "4", "2", id="asked 2, got 1"),
        pytest.param(pdu.read(3, 0, 1), "03", pdu.ByteCountWrong, "2", "none", id="no byte count"),
        pytest.param(pdu.read(3, 0, 1), "03 02 000102", pdu.LengthWrong, "4", "5", id="longer than it says"),
        pytest.param(pdu.write_register(7, 1), "06 0007 0002", pdu.EchoWrong, "00 07 00 01", "00 07 00 02", id="echo"),
        pytest.param(pdu.write_register(7, 1), "06 0008 0001", pdu.EchoWrong, "00 07 00 01", "00 08 00 01", id="place"),
        pytest.param(pdu.write_register(7, 1), "06 0007", pdu.LengthWrong, "5", "3", id="short echo"),
        pytest.param(
            pdu.write_registers(7, b"\0\1"), "10 0007 0002", pdu.EchoWrong, "00 07 00 01", "00 07 00 02", id="16"
        ),
        pytest.param(pdu.write_coil(7, True), "05 0007 0000", pdu.EchoWrong, "00 07 ff 00", "00 07 00 00", id="coil"),
        pytest.param(pdu.read_file([(1, 0, 1)]), "14 04 03 07 0001", pdu.ByteCountWrong, "03 06", "03 07", id="file"),
        pytest.param(pdu.identification(1, 0), "2B 0D 01 01 00 00 00", pdu.EchoWrong, "0e 01", "0d 01", id="MEI type"),
        pytest.param(
            pdu.identification(1, 0),
            "2B 0E 01 01 00 00 01",
            pdu.LengthWrong,
            "what its objects take",
            "7",
            id="objects",
        ),
    ],
)
def test_every_wrong_field_has_its_error(
    ask: Ask, answer: str, error: type[pdu.WrongAnswer], expected: str, received: str
) -> None:
    with pytest.raises(error) as caught:
        ask.judge(bytes.fromhex(answer))
    assert (caught.value.expected, caught.value.received) == (expected, received)


def test_the_errors_say_what_they_expected() -> None:
    with pytest.raises(pdu.FunctionWrong, match=r"^function 4 instead of 3$"):
        pdu.read(3, 0, 1).judge(b"\4\2\0\1")


RIGHT = [pytest.param(param.values[0], param.values[2], id=param.id) for param in EXAMPLES]


@pytest.mark.parametrize(("ask", "right"), RIGHT)
@given(changes=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 255)), max_size=2), longer=st.integers(-4, 4))
def test_what_is_nearly_right_gives_data_only_where_the_fields_are_right(
    ask: Ask, right: str, changes: list[tuple[int, int]], longer: int
) -> None:
    answer = bytearray(bytes.fromhex(right) + bytes(max(longer, 0)))[: len(bytes.fromhex(right)) + longer]
    for place, value in changes:
        if place < len(answer):
            answer[place] = value
    try:
        data = ask.judge(bytes(answer))
    except (pdu.WrongAnswer, pdu.Refusal):
        return
    assert answer[0] == ask.function
    assert len(answer) == ask.size or ask.function == 43
    assert data in bytes(answer) or ask.function == 20


@given(st.sampled_from([param.values[0] for param in EXAMPLES]), st.binary(max_size=260))
def test_any_bytes_give_data_or_a_named_error(ask: Ask, answer: bytes) -> None:
    try:
        ask.judge(answer)
    except (pdu.WrongAnswer, pdu.Refusal):
        return
    assert answer[:1] == bytes([ask.function])
