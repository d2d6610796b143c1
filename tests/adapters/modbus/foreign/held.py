"""All types of the mapping language as registers and bits hold them, and what must be read."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from adapters.modbus.settings import Address
from gateway.adapter import Value


class Held(NamedTuple):
    """One point."""

    name: str
    address: Address
    data: str
    """What stands there on the wire, in hex; of a bit 0 or 1."""
    value: Value


def _placed(listed: list[tuple[str, dict[str, object], str, Value]]) -> Iterator[Held]:
    """One after the other, with an address between them that is nobody's."""
    at = {"holding": 0, "input": 0, "coil": 5, "discrete": 5}
    for name, address, data, value in listed:
        table = str(address.get("table", "holding"))
        yield Held(name, Address.model_validate({"at": at[table], **address}), data, value)
        at[table] += 1 + max(1, len(data.replace(" ", "")) // 4)


FLOAT = struct.unpack(">f", bytes.fromhex("43663333"))[0]
ALL = list(
    _placed(
        [
            ("bool", {"type": "bool"}, "0001", True),
            ("bool of a bit", {"type": "bool", "bits": (3, 3)}, "0008", True),
            ("int8", {"type": "int8"}, "12fe", -2),
            ("uint8", {"type": "uint8", "byte": "high"}, "fe12", 254),
            ("int16", {"type": "int16"}, "8000", -32768),
            ("uint16", {"type": "uint16"}, "8000", 32768),
            ("uint16 swapped", {"type": "uint16", "order": "BADC"}, "0180", 0x8001),
            ("a field of bits", {"bits": (4, 7)}, "00a5", 10),
            ("int24", {"type": "int24"}, "00fffffe", -2),
            ("uint24", {"type": "uint24"}, "00fffffe", 2**24 - 2),
            ("int32", {"type": "int32"}, "ffff fffe", -2),
            ("uint32", {"type": "uint32", "order": "CDAB"}, "fffe ffff", 2**32 - 2),
            ("int48", {"type": "int48"}, "ffff ffff fffe", -2),
            ("uint48", {"type": "uint48"}, "ffff ffff fffe", 2**48 - 2),
            ("int64", {"type": "int64"}, "8000 0000 0000 0000", -(2**63)),
            ("uint64", {"type": "uint64", "order": "DCBA"}, "0100 0000 0000 2000", 2**53 + 1),
            ("bcd16", {"type": "bcd16"}, "1234", 1234),
            ("bcd32", {"type": "bcd32"}, "1234 5678", 12345678),
            ("bcd64", {"type": "bcd64"}, "0000 0001 2345 6789", 123456789),
            ("signmag16", {"type": "signmag16"}, "8002", -2),
            ("signmag32", {"type": "signmag32"}, "8000 0002", -2),
            ("float16", {"type": "float16"}, "c000", -2.0),
            ("float32", {"type": "float32"}, "4366 3333", FLOAT),
            ("float32 CDAB", {"type": "float32", "order": "CDAB"}, "3333 4366", FLOAT),
            ("float32 BADC", {"type": "float32", "order": "BADC"}, "6643 3333", FLOAT),
            ("float32 DCBA", {"type": "float32", "order": "DCBA"}, "3333 6643", FLOAT),
            ("float64", {"type": "float64"}, "4009 21fb 5444 2d18", 3.141592653589793),
            ("string", {"type": "string", "length": 4}, "5344 4d36 3330 0000", "SDM630"),
            ("bytes", {"type": "bytes", "length": 2}, "dead beef", b"\xde\xad\xbe\xef"),
            ("hhmm", {"type": "hhmm"}, "04d2", "12:34"),
            ("datetime", {"type": "datetime"}, "1a0b 1907 2111", "2026-11-25T07:33:17"),
            ("version", {"type": "version"}, "1234", "1.2.3.4"),
            ("input", {"table": "input", "type": "float32"}, "4366 3333", FLOAT),
            ("coil", {"table": "coil", "type": "bool"}, "1", True),
            ("coil off", {"table": "coil", "type": "bool"}, "0", False),
            ("discrete", {"table": "discrete", "type": "bool"}, "1", True),
        ]
    )
)


def memory() -> dict[tuple[str, int], int]:
    """What a device holds that has all of them."""
    held: dict[tuple[str, int], int] = {}
    for point in ALL:
        at, table = point.address.at or 0, point.address.table
        if table in ("coil", "discrete"):
            held[table, at] = int(point.data)
            continue
        data = bytes.fromhex(point.data)
        held.update(
            ((table, at + place), word) for place, word in enumerate(struct.unpack(f">{len(data) // 2}H", data))
        )
    return held
