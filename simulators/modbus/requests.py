"""Requests that pymodbus' server decodes without having anything to answer: file records and identification."""

from __future__ import annotations

from struct import Struct
from typing import Protocol, cast

from pymodbus.constants import ExcCodes
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU
from pymodbus.pdu.file_message import (
    FileRecord,
    ReadFileRecordRequest,
    ReadFileRecordResponse,
    WriteFileRecordRequest,
    WriteFileRecordResponse,
)
from pymodbus.pdu.mei_message import ReadDeviceInformationRequest, ReadDeviceInformationResponse

from simulators.modbus import identity
from simulators.modbus.memory import Memory

_GROUP = Struct(">BHHH")
_REFERENCE = 6
"""The only type of reference to a file."""
_READ_AT_MOST, _WRITTEN_AT_MOST = 0xF5, 0xFB
"""Bytes that may follow the count (sections 6.14 and 6.15); the least are those of one group."""
_ANSWER_AT_MOST = 0xF5


class Devices(Protocol):
    """Who knows the units of a line."""

    def found(self, unit_id: int) -> Memory | ExcCodes:
        """What this unit holds. Raises NoSuchIdException where nothing is to be answered."""


def known_to(decoder: DecodePDU) -> None:
    """Have these requests decoded instead of pymodbus' own, by this decoder alone."""
    for request in (ReadFile, WriteFile):
        decoder.register(request)
    own: dict[int, tuple[type[ModbusPDU], type[ModbusPDU]]] = {
        Identify.sub_function_code: (Identify, ReadDeviceInformationResponse)
    }
    decoder.pdu_sub_table = {**decoder.pdu_sub_table, Identify.function_code: own}


class Identify(ReadDeviceInformationRequest):
    """Function 43/14; pymodbus has one identity for all units of a process."""

    async def datastore_update(self, context: object, device_id: int) -> ModbusPDU:
        held = cast(Devices, context).found(device_id)
        if isinstance(held, ExcCodes):
            return ExceptionResponse(self.function_code, held)
        if not held.identity:
            return ExceptionResponse(self.function_code, ExcCodes.ILLEGAL_FUNCTION)
        found = identity.asked(held.identity, self.read_code, self.object_id)
        if isinstance(found, int):
            return ExceptionResponse(self.function_code, found)
        answer = ReadDeviceInformationResponse(self.read_code, dict(found))
        answer.conformity = identity.conformity(held.identity)
        return answer


class ReadFile(ReadFileRecordRequest):
    """Function 20; pymodbus takes lengths for bytes, and so refuses odd ones."""

    groups: tuple[tuple[int, int, int], ...] | None
    """File, first record, how many; None for what is no right request."""

    def decode(self, data: bytes) -> None:
        size = data[0]
        self.groups = None
        if len(data) == 1 + size and size % _GROUP.size == 0 and 0 < size <= _READ_AT_MOST:
            listed = list(_GROUP.iter_unpack(data[1:]))
            if all(reference == _REFERENCE for reference, *_ in listed):
                self.groups = tuple((number, first, count) for _, number, first, count in listed)

    async def datastore_update(self, context: object, device_id: int) -> ModbusPDU:
        held = cast(Devices, context).found(device_id)
        if isinstance(held, ExcCodes):
            return ExceptionResponse(self.function_code, held)
        if self.groups is None or sum(2 + 2 * count for _, _, count in self.groups) > _ANSWER_AT_MOST:
            return ExceptionResponse(self.function_code, ExcCodes.ILLEGAL_VALUE)
        records = []
        for group in self.groups:
            words = held.files.read(*group)
            if isinstance(words, int):
                return ExceptionResponse(self.function_code, words)
            records.append(FileRecord(record_data=b"".join(word.to_bytes(2, "big") for word in words)))
        return ReadFileRecordResponse(records)


class WriteFile(WriteFileRecordRequest):
    """Function 21; pymodbus looks at no reference type and at no length."""

    groups: list[tuple[int, int, list[int]]] | None
    """File, first record, registers; None for what is no right request."""

    def decode(self, data: bytes) -> None:
        right = len(data) == 1 + data[0] and _GROUP.size < data[0] <= _WRITTEN_AT_MOST
        self.groups = _groups(data[1:]) if right else None

    async def datastore_update(self, context: object, device_id: int) -> ModbusPDU:
        held = cast(Devices, context).found(device_id)
        if isinstance(held, ExcCodes):
            return ExceptionResponse(self.function_code, held)
        if self.groups is None:
            return ExceptionResponse(self.function_code, ExcCodes.ILLEGAL_VALUE)
        code = held.files.write(self.groups)
        if code is not None:
            return ExceptionResponse(self.function_code, code)
        return WriteFileRecordResponse([_echoed(*group) for group in self.groups])


def _groups(data: bytes) -> list[tuple[int, int, list[int]]] | None:
    groups = []
    while data:
        if len(data) < _GROUP.size:
            return None
        reference, number, first, count = _GROUP.unpack_from(data)
        end = _GROUP.size + 2 * count
        if reference != _REFERENCE or end > len(data):
            return None
        groups.append((number, first, [int.from_bytes(data[at : at + 2], "big") for at in range(_GROUP.size, end, 2)]))
        data = data[end:]
    return groups


def _echoed(number: int, first: int, words: list[int]) -> FileRecord:
    data = b"".join(word.to_bytes(2, "big") for word in words)
    return FileRecord(file_number=number, record_number=first, record_data=data)
