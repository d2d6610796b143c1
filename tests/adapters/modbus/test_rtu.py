"""RTU frames as the standard and pymodbus write them; found only where unit, function, length and CRC agree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU
from pymodbus.pdu.mei_message import ReadDeviceInformationRequest, ReadDeviceInformationResponse
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadHoldingRegistersResponse

from adapters.modbus import pdu, rtu
from tests.adapters.modbus.peers import seal_rtu

READ = pdu.read(3, 107, 3)
ONE = pdu.read(3, 0, 1)
TRUE = bytes.fromhex("11 03 06 022B 0000 0064 C8BA")


def foreign(message: ModbusPDU) -> bytes:
    """The frame that pymodbus makes of a message."""
    made: bytes = FramerRTU(DecodePDU(False)).buildFrame(message)
    return made


def test_the_crc_of_the_standard() -> None:
    """Serial Line V1.02, section 6.2.2: 0x1241 for 02 07, sent low byte first."""
    assert rtu.crc(bytes.fromhex("02 07")) == 0x1241
    assert rtu.crc(bytes.fromhex("02 07 41 12")) == 0


@given(st.binary(max_size=256))
def test_the_crc_is_that_of_pymodbus(data: bytes) -> None:
    assert rtu.crc(data).to_bytes(2, "little") == FramerRTU.compute_CRC(data).to_bytes(2, "big")


@given(st.integers(1, 255), st.integers(0, 65535), st.integers(1, 125))
def test_requests_are_what_pymodbus_sends(unit: int, first: int, count: int) -> None:
    message = ReadHoldingRegistersRequest(dev_id=unit, address=first, count=count)
    assert rtu.frame(unit, pdu.read(3, first, count)) == foreign(message)


@given(st.integers(1, 255), st.lists(st.integers(0, 65535), min_size=1, max_size=125))
def test_what_pymodbus_answers_is_found(unit: int, registers: list[int]) -> None:
    answer = foreign(ReadHoldingRegistersResponse(dev_id=unit, registers=registers))
    ask = pdu.read(3, 0, len(registers))
    found = rtu.find(answer, unit, ask)
    assert found == (0, answer[1:-2])
    assert ask.judge(answer[1:-2]) == b"".join(register.to_bytes(2, "big") for register in registers)
    assert len(answer) == rtu.size(ask.size or 0)
    assert rtu.find(answer[:-1], unit, ask) is None


@given(st.dictionaries(st.integers(0, 255), st.binary(max_size=60), max_size=4))
def test_an_answer_whose_length_only_it_knows_is_found(objects: dict[int, bytes]) -> None:
    answer = foreign(ReadDeviceInformationResponse(dev_id=1, read_code=1, information=objects))
    ask = pdu.identification(1, 0)
    assert rtu.frame(1, ask) == foreign(ReadDeviceInformationRequest(dev_id=1, read_code=1, object_id=0))
    assert rtu.find(answer + b"\1\2", 1, ask) == (0, answer[1:-2])
    assert all(rtu.find(answer[:end], 1, ask) is None for end in range(len(answer)))


@pytest.mark.parametrize("code", range(1, 12))
def test_an_exception_is_found_whatever_was_asked(code: int) -> None:
    for ask in (READ, pdu.write_coil(0, True), pdu.identification(1, 0)):
        answer = foreign(ExceptionResponse(ask.function, code, device_id=17))
        assert rtu.find(answer, 17, ask) == (0, bytes([ask.function | 0x80, code]))


@pytest.mark.parametrize("before", ["", "00", "FF FF", "11 03", "11 83 02 00", "11 03 06"])
@pytest.mark.parametrize("after", ["", "00", "11 03 06"])
def test_an_answer_is_found_among_noise(before: str, after: str) -> None:
    noise = bytes.fromhex(before)
    assert rtu.find(noise + TRUE + bytes.fromhex(after), 0x11, READ) == (len(noise), TRUE[1:-2])


@given(st.integers(0, 8 * len(TRUE) - 1))
def test_one_flipped_bit_is_never_an_answer(place: int) -> None:
    answer = bytearray(TRUE)
    answer[place // 8] ^= 1 << place % 8
    assert rtu.find(answer, 0x11, READ) is None


@given(st.binary(max_size=300))
def test_any_bytes_hold_an_answer_only_where_pymodbus_would_check_it(received: bytes) -> None:
    found = rtu.find(received, 0x11, READ)
    if found is not None:
        at, answer = found
        content = received[at : at + 1 + len(answer)]
        check = received[at + len(content) : at + len(content) + 2]
        assert FramerRTU.check_CRC(content, int.from_bytes(check, "big"))
        assert content[:1] == b"\x11"
        assert (len(answer), answer[0]) in ((8, 3), (2, 0x83))


def test_a_whole_frame_is_opened_whoever_sent_it() -> None:
    assert rtu.opened(TRUE) == (0x11, TRUE[1:-2])
    with pytest.raises(pdu.ChecksumWrong, match=r"^checksum c8bb instead of c8ba$"):
        rtu.opened(TRUE[:-1] + b"\xbb")
    with pytest.raises(pdu.LengthWrong, match=r"^length 4 instead of 5 bytes or more$"):
        rtu.opened(TRUE[:4])


@given(st.lists(st.sampled_from([b"\1\3", b"\1\x83", b"\1\3\2", seal_rtu(1, b"\3\2\4\x57"), b"\0"]), max_size=12))
def test_what_is_searched_as_it_comes_finds_what_is_searched_whole(pieces: list[bytes]) -> None:
    received, searched = b"", 0
    for byte in b"".join(pieces):
        received += bytes([byte])
        found = rtu.find(received, 1, ONE, searched)
        assert found == rtu.find(received, 1, ONE)
        if found is not None:
            return
        searched = len(received)
