"""The audit tells every act before the device hears of it, and what became of it; what it cannot tell is not done."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway import audit
from gateway.adapter import TIMEOUT, LinkLost, NotWritten, Value
from gateway.before import Silent
from gateway.mapping.refused import OutOfBounds, Refused, Unkept
from gateway.setting import NotHeld
from tests.gateway.machine import PROFILE
from tests.gateway.setpoints import Hand, Machine, described


def told(tmp_path: Path) -> list[tuple[str, str]]:
    """What became of each act, as the audit has it."""
    return [(one.outcome, one.why) for one in audit.acts(tmp_path / "state", lambda _: True)]


async def test_the_intent_is_in_the_audit_before_the_device_hears_of_it(
    put: Hand, session: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there: list[dict[str, Any]] = []
    write = session.write

    async def seen(point: int, value: Value) -> None:
        there.extend(map(json.loads, (tmp_path / "state" / "audit.jsonl").read_text().splitlines()))
        await write(point, value)

    monkeypatch.setattr(session, "write", seen)
    await put("speed", 25)
    (intent,) = there
    assert intent["kind"] == "intent"
    assert (intent["device"], intent["point"], intent["old"], intent["new"], intent["raw"], intent["unit"]) == (
        "press-7",
        "speed",
        20.0,
        25.0,
        250,
        "Hz",
    )
    assert intent["source"] == {"plant": "", "file": str(tmp_path / "plant" / "acme-pm1.profile.yaml"), "line": 9}
    assert told(tmp_path) == [("confirmed", "read back from the device")]


@pytest.mark.parametrize(
    ("fate", "deaf", "outcome", "why"),
    [
        (NotWritten("mode", "exception 3"), False, "not written", "mode: exception 3"),
        (
            NotWritten("mode", "no answer", unknown=True),
            True,
            "not confirmed",
            'mode: no answer, and the point holds "o',
        ),
        (None, True, "not confirmed", "mode: the device confirmed it, but the point holds"),
        (LinkLost("no way"), False, "not written", "no way"),
    ],
)
async def test_the_audit_tells_what_became_of_it(
    put: Hand, session: Machine, tmp_path: Path, fate: BaseException | None, deaf: bool, outcome: str, why: str
) -> None:
    session.fates, session.deaf = [fate], deaf
    with pytest.raises((NotWritten, LinkLost)):
        await put("mode", "slow")
    ((found, words),) = told(tmp_path)
    assert found == outcome
    assert words.startswith(why)


async def test_what_a_device_made_something_else_of_is_not_called_unwritten(
    put: Hand, session: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def clamped(point: int, value: Value) -> None:
        session.held["speed"] = 240

    monkeypatch.setattr(session, "write", clamped)
    with pytest.raises(NotHeld):
        await put("speed", 25)
    assert told(tmp_path) == [
        ("not confirmed", "speed: the device confirmed it, but the point holds 24 Hz after 3 s"),
    ]
    assert "not written" not in caplog.text


@pytest.mark.parametrize("unread", [False, True])
async def test_the_audit_tells_that_a_point_was_to_be_set_though_it_cannot_be_read(
    put: Hand, session: Machine, tmp_path: Path, unread: bool
) -> None:
    put.order = replace(put.order, unread=unread)
    await put("speed", 25)
    with pytest.raises(OutOfBounds):
        await put("speed", 51)
    assert [one.entry["unread"] for one in audit.acts(tmp_path / "state", lambda _: True)] == [unread] * 2


async def test_what_was_cancelled_is_told_as_unknown(put: Hand, session: Machine, tmp_path: Path) -> None:
    session.fates = [asyncio.CancelledError()]
    with pytest.raises(asyncio.CancelledError):
        await put("mode", "slow")
    assert told(tmp_path) == [("not confirmed", "cancelled; it is unknown whether it was carried out")]


async def test_what_was_refused_is_in_the_audit_too(put: Hand, session: Machine, tmp_path: Path) -> None:
    await put("setpoint", 25)
    for name, wanted in (("setpoint", 26), ("voltage", 7), ("speed", 51)):
        with pytest.raises(Refused):
            await put(name, wanted)
    session.why = {"speed": TIMEOUT}
    with pytest.raises(Silent):
        await put("speed", 25)
    outcomes = [outcome for outcome, _ in told(tmp_path)]
    assert outcomes == ["confirmed", "refused", "refused", "refused", "not written"]
    assert told(tmp_path)[3][1] == "speed: 51 Hz is outside of what write: allows: 0 to 50 Hz"


async def test_without_an_audit_nothing_is_sent(put: Hand, session: Machine, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "audit.jsonl").mkdir()
    with pytest.raises(Unkept) as caught:
        await put("speed", 25)
    assert str(caught.value) == "speed: the audit cannot be written: Is a directory; nothing was sent"
    assert session.written == []


async def test_an_outcome_that_cannot_be_kept_is_told_to_the_operator(
    put: Hand, session: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write = session.write

    async def fills_the_disk(point: int, value: Value) -> None:
        (tmp_path / "state" / "audit.jsonl").unlink()
        (tmp_path / "state" / "audit.jsonl").mkdir()
        await write(point, value)

    monkeypatch.setattr(session, "write", fills_the_disk)
    assert (await put("speed", 25)).new == 25.0
    assert caplog.messages[-1] == "the audit does not hold this outcome: Is a directory"


async def test_without_a_memory_of_the_last_write_a_paced_point_is_sent_nothing(
    put: Hand, session: Machine, tmp_path: Path
) -> None:
    (tmp_path / "state" / "written.json").mkdir(parents=True)
    with pytest.raises(Unkept, match=r"written\.json, which cannot be used: Is a directory; nothing was sent"):
        await put("setpoint", 25)
    assert session.written == []
    await put("speed", 25)


async def test_what_a_password_is_set_to_stands_nowhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "fieldgate")
    password = "  password: {at: 43, write: {range: [0, 9999], confirm: readback}}\n"
    device = described(tmp_path / "plant", profile=PROFILE.replace("derived:", f"{password}derived:"))
    session = Machine(device)
    put = Hand(session, device, tmp_path / "state")
    await put("password", 4711)
    with pytest.raises(OutOfBounds):
        await put("password", 47110)
    session.deaf = True
    with pytest.raises(NotHeld):
        await put("password", 4712)
    for text in ((tmp_path / "state" / "audit.jsonl").read_text(), caplog.text):
        assert "password" in text
        assert "471" not in text
