from __future__ import annotations

import pytest

from gateway.model import Message, Priority, Stored
from tests.faults.messages import make, token_of


def stored(message: Message, **changes: object) -> Stored:
    identity, created_ns, properties, body, priority = message
    return Stored(identity, 7, 1, created_ns, properties, body, priority)._replace(**changes)  # type: ignore[arg-type]


def test_a_message_tells_its_token() -> None:
    assert token_of(stored(make("dev-1/2/p.17", 300))) == "dev-1/2/p.17"
    assert make("dev-1/2/p.17", 300).priority is Priority.BULK


@pytest.mark.parametrize(
    "changes",
    [
        {"identity": "dev-2"},
        {"created_ns": 1},
        {"properties": ""},
        {"priority": Priority.ALARM},
        {"body": b""},
        {"body": b"dev-1/2/p.17 300 "},
        {"body": b"dev-1/2/p.18" + make("dev-1/2/p.17", 300).body[12:]},
        {"body": make("dev-1/2/p.17", 300).body[:-1] + b"\0"},
    ],
)
def test_a_single_wrong_byte_is_seen(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="dev-"):
        token_of(stored(make("dev-1/2/p.17", 300), **changes))
