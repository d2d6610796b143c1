"""What is written down of a message."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulators.iothub.ledger import Ledger, Message, line


def message(body: bytes) -> Message:
    return Message(7, "m-1", "devices/m-1/messages/events/a=b", {"a": "b", "n": None}, {"message-id": "1"}, body)


def test_a_line_holds_everything() -> None:
    assert json.loads(line(message(b'{"x": 1}'))) == {
        "at_ns": 7,
        "device": "m-1",
        "topic": "devices/m-1/messages/events/a=b",
        "properties": {"a": "b", "n": None},
        "system": {"message-id": "1"},
        "body": {"x": 1},
    }


def test_numbers_stand_as_they_came() -> None:
    assert b'"body":{"n":12345678901234567890123,"f":1.10}}' in line(message(b'{"n":12345678901234567890123,"f":1.10}'))


@pytest.mark.parametrize("body", [b'{"a":\n1}', b'{"a":\r\n1}'])
def test_a_line_stays_one_line(body: bytes) -> None:
    written = line(message(body))
    assert len(written.splitlines()) == 1
    assert json.loads(written)["body"] == {"a": 1}


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"NaN", b'{"a":1', b'"\xff"', b"\0"])
def test_what_is_no_json_stands_in_base64(body: bytes) -> None:
    import base64

    entry = json.loads(line(message(body)))
    assert entry["base64"] is True
    assert base64.b64decode(entry["body"]) == body


def test_the_system_has_it_when_write_returns(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(b"before\n")
    with Ledger(path) as ledger:
        ledger.write([message(b"1"), message(b"2")])
        lines = path.read_bytes().splitlines()
    assert [lines[0], *(json.loads(entry)["body"] for entry in lines[1:])] == [b"before", 1, 2]


def test_a_full_disk_raises() -> None:
    with Ledger(Path("/dev/full")) as ledger, pytest.raises(OSError, match="No space left"):
        ledger.write([message(b"1")])
