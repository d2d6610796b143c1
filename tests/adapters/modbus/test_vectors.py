"""Register bytes become what the decoders of another project make of them, from the settings of a profile on.

Vectors: evcc-io/evcc (tests/data, MIT). It turns what means "no value" into 0; here that is no value, so exactly those
vectors must be ones that a mapping's ``nan`` names, or floats that are no number.
"""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path
from typing import NamedTuple

from adapters.modbus.decode import decode
from adapters.modbus.plan import plan
from adapters.modbus.settings import Address, Connect
from gateway.adapter import Point

VECTORS = json.loads((Path(__file__).parents[2] / "data" / "encoding_vectors.json").read_text())
CONNECT = Connect(modbus="tcp://plc")


class Encoding(NamedTuple):
    """What a profile would say for an encoding of evcc."""

    settings: dict[str, str]
    nan: tuple[int, ...] = ()
    """Raw values after ``order``, as bit patterns."""


ENCODINGS = {
    # evcc: whether the high byte is not 0.
    "bool8": Encoding({"type": "bool", "byte": "high"}),
    "int16": Encoding({"type": "int16"}),
    "int16nan": Encoding({"type": "int16"}, (0x8000, 0x7FFF)),
    "uint16": Encoding({"type": "uint16"}),
    "uint16nan": Encoding({"type": "uint16"}, (0xFFFF,)),
    "int32": Encoding({"type": "int32"}),
    "int32nan": Encoding({"type": "int32"}, (0x80000000, 0x7FFFFFFF)),
    "int32s": Encoding({"type": "int32", "order": "CDAB"}),
    "uint32": Encoding({"type": "uint32"}),
    "uint32s": Encoding({"type": "uint32", "order": "CDAB"}),
    "uint32nan": Encoding({"type": "uint32"}, (0xFFFFFFFF,)),
    "float32": Encoding({"type": "float32"}),
    "float32s": Encoding({"type": "float32", "order": "CDAB"}),
    # evcc: the lowest float is no value either.
    "float32nans": Encoding({"type": "float32", "order": "CDAB"}, (0xFF7FFFFF,)),
    "int64": Encoding({"type": "int64"}),
    "uint64": Encoding({"type": "uint64"}),
    "uint64s": Encoding({"type": "uint64", "order": "CDAB"}),
    "uint64snan": Encoding({"type": "uint64", "order": "CDAB"}, (0xFFFFFFFFFFFFFFFF,)),
    "uint64nan": Encoding({"type": "uint64"}, (0xFFFFFFFFFFFFFFFF,)),
    "float64": Encoding({"type": "float64"}),
}


def raw(encoding: Encoding, data: bytes) -> bool | int | float:
    """Through settings, plan and decoder."""
    address = Address.model_validate({"at": "100", **encoding.settings})
    ((request,),) = (scan.requests for scan in plan([Point("d", CONNECT, "p", address, 1.0)]))
    assert request.size == len(data)
    (found,) = decode(request, data)
    assert isinstance(found, bool | int | float)
    return found


def is_no_value(encoding: Encoding, found: bool | int | float, width: int) -> bool:
    if isinstance(found, float):
        letter = ">f" if width == 32 else ">d"
        return math.isnan(found) or int.from_bytes(struct.pack(letter, found), "big") in encoding.nan
    return found % (1 << width) in encoding.nan


def says_no_value(vector: dict[str, str]) -> bool:
    """Whether evcc made 0 of registers that hold something else, or left the NaN as it was."""
    blank = vector["F64"] == "0" * 16 and set(vector["Hex"]) != {"0"} and vector["Enc"] != "bool8"
    return blank or math.isnan(struct.unpack(">d", bytes.fromhex(vector["F64"]))[0])


def test_all_vectors_decode_to_the_bits_of_evcc_or_to_no_value() -> None:
    wrong: list[object] = []
    nulls = 0
    for vector in VECTORS:
        encoding, data = ENCODINGS[vector["Enc"]], bytes.fromhex(vector["Hex"])
        found = raw(encoding, data)
        null = is_no_value(encoding, found, 8 * len(data))
        nulls += null
        if null != says_no_value(vector) or not (null or struct.pack(">d", found).hex() == vector["F64"]):
            wrong.append((vector, found))
    assert wrong == []
    assert (len(VECTORS), nulls) == (954, 21)
    assert {vector["Enc"] for vector in VECTORS} == set(ENCODINGS)


def test_a_value_of_0_is_a_value() -> None:
    zeros = [vector for vector in VECTORS if set(vector["Hex"]) == {"0"}]
    assert len(zeros) == len(ENCODINGS)
    for vector in zeros:
        assert raw(ENCODINGS[vector["Enc"]], bytes.fromhex(vector["Hex"])) == 0
