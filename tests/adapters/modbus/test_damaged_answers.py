"""A bounded run of the fuzzer over every framing, and proof that it would find a reader that believes too much."""

from __future__ import annotations

import pytest

from adapters.modbus import ascii as characters
from adapters.modbus import mbap, pdu, rtu
from adapters.modbus.halfduplex import HalfDuplex
from tests.fuzz import modbus as fuzz

COUNT = 400
OF_NAME = {kind.name: kind for kind in fuzz.KINDS}


@pytest.mark.parametrize("name", OF_NAME)
def test_no_damaged_answer_is_believed_where_the_protocol_can_tell(name: str) -> None:
    found = fuzz.run(OF_NAME[name], COUNT, seed=20)
    assert found["right"] > COUNT / 10
    assert found["TimeoutError"] < COUNT / 2
    if name.startswith("rtu"):
        assert found["fits by chance"] == 0
    if name == "udp":
        assert found["reopened"] == found["disturbed"] == 0


def test_the_same_seed_gives_the_same_answers() -> None:
    kind = OF_NAME["rtu"]
    assert fuzz.run(kind, 50, seed=3) == fuzz.run(kind, 50, seed=3)


def test_a_reader_without_checksums_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(characters, "lrc", lambda data: 0)
    with pytest.raises(AssertionError):
        fuzz.run(OF_NAME["ascii"], COUNT, seed=20)
    monkeypatch.setattr(rtu, "crc", lambda data: 0)
    with pytest.raises(AssertionError):
        fuzz.run(OF_NAME["rtu"], COUNT, seed=20)


def test_a_reader_that_does_not_look_at_the_unit_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(talk: mbap.Mbap, ask: pdu.Ask, whole: bytes) -> bytes | pdu.Refusal:
        try:
            return ask.judge(whole[7:])
        except pdu.Refusal as refusal:
            return refusal

    monkeypatch.setattr(mbap.Mbap, "_judged", careless)
    for name in ("tcp", "udp"):
        with pytest.raises(AssertionError, match="was believed of"):
            fuzz.run(OF_NAME[name], COUNT, seed=20)


def test_a_reader_that_does_not_wait_for_late_answers_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    found = fuzz.run(OF_NAME["rtu"], 4 * COUNT, seed=20)["an older answer"]
    monkeypatch.setattr(HalfDuplex, "free_at", lambda talk, unit, ask, *, fresh: talk._free_at)
    assert fuzz.run(OF_NAME["rtu"], 4 * COUNT, seed=20)["an older answer"] >= found + 3
