"""Words of other programs and manuals for what has another name here; they are suggested, never taken."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

_TYPES: Mapping[str, tuple[str, ...]] = {
    "bool": ("boolean", "bit", "binary", "flag"),
    "int8": ("sint", "i8", "s8", "int8_t"),
    "uint8": ("usint", "byte", "u8", "uchar", "uint8_t"),
    "int16": ("short", "i16", "s16", "sint16", "int16_t"),
    "uint16": ("word", "ushort", "u16", "register", "uint16_t"),
    "int32": ("dint", "long", "i32", "s32", "sint32", "int32_t"),
    "uint32": ("dword", "udint", "ulong", "u32", "uint32_t"),
    "int64": ("lint", "longlong", "i64", "s64", "int64_t"),
    "uint64": ("lword", "ulint", "qword", "u64", "uint64_t"),
    "float16": ("half", "f16"),
    "float32": ("float", "real", "single", "f32"),
    "float64": ("double", "lreal", "f64"),
    "bcd16": ("bcd",),
    "string": ("str", "char", "text", "ascii", "varchar", "wstring"),
    "bytes": ("hex", "raw", "blob"),
    "datetime": ("date", "timestamp"),
}
_TABLES: Mapping[str, tuple[str, ...]] = {
    "coil": ("coils", "discrete_output", "do", "0x"),
    "discrete": ("discretes", "discrete_input", "discrete_inputs", "di", "1x"),
    "input": ("inputs", "input_register", "input_registers", "ir", "3x"),
    "holding": ("holdings", "holding_register", "holding_registers", "hr", "4x"),
}
_ORDERS: Mapping[str, tuple[str, ...]] = {
    "ABCD": ("big", "big_endian", "be"),
    "DCBA": ("little", "little_endian", "le"),
    "oldest-first": ("fifo", "oldest"),
    "live-first": ("lifo", "newest", "newest_first", "live"),
}
_ON_FULL: Mapping[str, tuple[str, ...]] = {
    "refuse": ("drop_newest", "block", "wait", "stop", "reject"),
    "thin": ("decimate", "downsample"),
    "drop-oldest": ("drop", "overwrite", "ring"),
}
_UNCLEAR = {"int": ("int16", "int32"), "integer": ("int16", "int32"), "uint": ("uint16", "uint32")}
"""IEC 61131 means the first, most programming languages the second."""
_IEC = {"INT": "int16", "UINT": "uint16"}
_MEANT = {
    key: {other: word for word, others in words.items() for other in others}
    for key, words in (
        *(("type", _TYPES), ("table", _TABLES), ("order", _ORDERS)),
        *(("alarm", _ON_FULL), ("telemetry", _ON_FULL), ("bulk", _ON_FULL)),
    )
}


def meant(key: str, word: str, allowed: Collection[str]) -> tuple[str, ...]:
    """Which of the allowed words somebody meant who wrote this one for the setting ``key``; mostly one or none."""
    folded = re.sub("[ -]+", "_", word.strip().casefold())
    if key == "type" and word in _IEC:
        found: tuple[str, ...] = (_IEC[word],)
    elif key == "type" and folded in _UNCLEAR:
        found = _UNCLEAR[folded]
    else:
        one = _MEANT.get(key, {}).get(folded) or _MEANT.get(key, {}).get(folded.replace("_", ""))
        found = (one,) if one else ()
    return tuple(one for one in found if one in allowed)
