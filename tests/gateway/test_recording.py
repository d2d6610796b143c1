"""Raw blocks on paper are the same blocks."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import GOOD, Quality, RawBlock, Status
from gateway.recording import SCHEMA, RecordingWrong, dump, load

REFUSED = Status(Quality.BAD, "exception 2: illegal data address", 2)


def test_a_recording_can_be_read_by_people() -> None:
    text = dump([RawBlock("meter-1", "holding 23296", b"\x08\xfe", 5), RawBlock("meter-1", "input 0", b"", 6, REFUSED)])
    assert json.loads(text) == {
        "schema": "fieldgate/recording/v1",
        "blocks": [
            {"device": "meter-1", "key": "holding 23296", "hex": "08fe", "at_ns": 5},
            {
                "device": "meter-1",
                "key": "input 0",
                "hex": "",
                "at_ns": 6,
                "quality": "bad",
                "reason": "exception 2: illegal data address",
                "code": 2,
            },
        ],
    }
    assert len(text.splitlines()) == 4  # a line for each block: it can be compared


blocks = st.builds(
    RawBlock,
    st.text(max_size=8),
    st.text(max_size=8),
    st.binary(max_size=8),
    st.integers(0, 2**62),
    st.sampled_from([GOOD, REFUSED, Status(Quality.UNCERTAIN, "old")]),
)


@given(st.lists(blocks, max_size=4))
def test_comes_back_as_it_was(given_: list[RawBlock]) -> None:
    assert load(dump(given_)) == given_


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[]", f'no "schema": "{SCHEMA}"'),
        ('{"schema": "other", "blocks": []}', "no recording"),
        (f'{{"schema": "{SCHEMA}"}}', "no recording"),
        (f'{{"schema": "{SCHEMA}", "blocks": [5]}}', "block 1 cannot be read"),
        (
            f'{{"schema": "{SCHEMA}", "blocks": [{{"device": "a", "key": "b"}}]}}',
            "block 1 cannot be read: KeyError 'hex'",
        ),
        (f'{{"schema": "{SCHEMA}", "blocks": [{{"device": "a", "key": "b", "hex": "0"}}]}}', "block 1"),
        (f'{{"schema": "{SCHEMA}", "blocks": [{{"device": "a", "key": "b", "hex": "", "quality": "x"}}]}}', "block 1"),
    ],
)
def test_what_is_no_recording_is_said(text: str, says: str) -> None:
    with pytest.raises(RecordingWrong, match=says):
        load(text)
