"""Raw blocks as a file: what devices gave, to be decoded again with another mapping."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from gateway.model import GOOD, Quality, RawBlock, Status

SCHEMA = "fieldgate/recording/v1"
LARGEST_BYTES = 64_000_000


class RecordingWrong(Exception):
    """A text that is no recording; the text of the exception says where."""


def dump(blocks: Sequence[RawBlock]) -> str:
    """The blocks as JSON, one on each line; data in hexadecimal."""
    lines = [json.dumps(_entry(block)) for block in blocks]
    return f'{{"schema": "{SCHEMA}", "blocks": [\n' + ",\n".join(lines) + "\n]}\n"


def _entry(block: RawBlock) -> dict[str, Any]:
    entry: dict[str, Any] = {"device": block.device, "key": block.key, "hex": block.data.hex(), "at_ns": block.at_ns}
    if block.status is not GOOD:
        entry |= {"quality": block.status.quality.name.lower(), "reason": block.status.reason}
        entry |= {"code": block.status.code} if block.status.code is not None else {}
    return entry


def load(text: str) -> list[RawBlock]:
    """The blocks of such a text. Raises RecordingWrong."""
    if len(text) > LARGEST_BYTES:
        raise RecordingWrong(f"longer than {LARGEST_BYTES // 1_000_000} MB")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RecordingWrong(f"this is no JSON: {error}") from error
    if not isinstance(found, dict) or found.get("schema") != SCHEMA or not isinstance(found.get("blocks"), list):
        raise RecordingWrong(f'this is no recording: it has no "schema": "{SCHEMA}" with "blocks"')
    return [_block(number, entry) for number, entry in enumerate(found["blocks"], 1)]


def _block(number: int, entry: Any) -> RawBlock:
    try:
        quality = Quality[str(entry.get("quality", "good")).upper()]
        status = Status(quality, str(entry.get("reason", "")), entry.get("code"))
        data = bytes.fromhex(entry["hex"])
        return RawBlock(str(entry["device"]), str(entry["key"]), data, int(entry.get("at_ns", 0)), status)
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise RecordingWrong(f"block {number} cannot be read: {type(error).__name__} {error}") from error
