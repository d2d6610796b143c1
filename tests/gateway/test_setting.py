"""A point is set within its bounds, once, with the truth about what became of it, and the log tells all of it."""

from __future__ import annotations

import asyncio
import logging
import struct
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from gateway import setting
from gateway.adapter import GOOD, TIMEOUT, Batch, LinkLost, NotWritten, Quality, Status, Value
from gateway.before import Silent, Target, Unread
from gateway.mapping.refused import Absent, Denied, OutOfBounds, Refused, TooSoon, Unfit, Wanted
from gateway.mapping.writing import Setpoint
from gateway.plant import Device as Described
from gateway.setting import Done, NotHeld, Order, preview, set_point
from tests.gateway.machine import PROFILE
from tests.gateway.setpoints import Hand, Machine, described


@pytest.fixture
def order(put: Hand) -> Order:
    return put.order


def unknown(reason: str = "no answer in time") -> NotWritten:
    return NotWritten("speed", reason, unknown=True)


async def test_a_point_is_set_and_both_values_are_told_as_they_are_published(put: Hand, session: Machine) -> None:
    done = await put("speed", Decimal("21.5"))
    assert done == Done("press-7", "speed", "Hz", 20.0, GOOD, 21.5, 215, "readback", False)
    assert session.written == [("speed", 215)]
    assert session.fetched == ["speed", "speed"]


async def test_an_answer_is_enough_where_the_mapping_says_so(put: Hand, session: Machine) -> None:
    session.deaf = True
    done = await put("setpoint", 25)
    assert (done.old, done.new, done.confirm) == (20.0, 25.0, "answer")
    assert session.fetched == ["setpoint"]


async def test_texts_are_set_by_their_code(put: Hand, session: Machine) -> None:
    done = await put("mode", "slow")
    assert (done.old, done.new, session.written) == ("off", "slow", [("mode", 1)])


async def test_the_scale_factor_is_asked_first(put: Hand, session: Machine) -> None:
    session.held["limit"] = 15
    done = await put("limit", 2500)
    assert (done.old, done.new, session.written) == (1500, 2500, [("limit", 25)])
    assert session.fetched == ["limit_sf", "limit"]
    session.held["limit_sf"] = -1
    assert (await put("limit", 2.5)).raw == 25


@pytest.mark.parametrize("factor", [-32768, 0.5, None])
async def test_without_a_scale_factor_nothing_is_sent(put: Hand, session: Machine, factor: Value) -> None:
    session.held["limit_sf"] = factor
    with pytest.raises(Absent, match="its scale factor has no value just now"):
        await put("limit", 2500)
    assert session.written == []


@pytest.mark.parametrize(
    ("name", "wanted", "kind", "text"),
    [
        ("voltage", 230, Denied, "voltage: it cannot be written: its mapping has no write:"),
        ("twice", 230, Denied, "twice: it is computed from other points, so that it cannot be written"),
        ("sped", 20, Denied, "sped: press-7 has no such point"),
        ("speed", 50.5, OutOfBounds, "speed: 50.5 Hz is outside of what write: allows: 0 to 50 Hz"),
        ("speed", -1, OutOfBounds, "speed: -1 Hz is outside of what write: allows: 0 to 50 Hz"),
        ("speed", Decimal("20.05"), Unfit, "speed: it cannot hold 20.05"),
        ("setpoint", 20.25, OutOfBounds, "setpoint: 20.25 is no multiple of 0.5, as write: wants it"),
        ("mode", "fast", OutOfBounds, 'mode: write: does not allow "fast"'),
        ("mode", "quick", Unfit, 'mode: "quick" is no text of its enum'),
        ("relay", "yes", Unfit, 'relay: "yes" is neither true nor false'),
        ("step", 16, Unfit, "step: 16 does not fit: it holds 0 to 15"),
    ],
)
async def test_what_the_mapping_does_not_allow_touches_no_device(
    put: Hand, session: Machine, name: str, wanted: Wanted, kind: type[Refused], text: str
) -> None:
    with pytest.raises(Refused) as caught:
        await put(name, wanted)
    assert (type(caught.value), str(caught.value)) == (kind, text)
    assert (session.written, session.fetched) == ([], [])


def test_a_name_that_is_nearly_right_is_helped(press: Described) -> None:
    with pytest.raises(Denied) as caught:
        setting.spec_of(press, "sped")
    assert caught.value.hint == 'did you mean "speed"?'


async def test_two_writes_keep_their_distance(put: Hand, session: Machine) -> None:
    await put("setpoint", 25)
    put.clock.s += 4.9
    with pytest.raises(TooSoon) as caught:
        await put("setpoint", 26)
    assert str(caught.value) == "setpoint: it was written 4.9 s ago, and write: allows it every 5 s"
    assert caught.value.hint == "wait 0.1 s: it may be written again at 1970-01-01T00:16:45Z"
    put.clock.s += 0.2
    await put("setpoint", 26)
    await put("speed", 5)
    await put("speed", 6)
    assert len(session.written) == 4


async def test_a_write_that_was_refused_counts_for_the_distance(put: Hand, session: Machine) -> None:
    session.fates = [NotWritten("setpoint", "the device refused: exception 3: illegal data value")]
    with pytest.raises(NotWritten, match="exception 3"):
        await put("setpoint", 25)
    with pytest.raises(TooSoon):
        await put("setpoint", 25)


async def test_a_flood_goes_out_once(put: Hand, session: Machine) -> None:
    told = await asyncio.gather(*(put("setpoint", 25) for _ in range(100)), return_exceptions=True)
    assert [type(one) for one in told].count(TooSoon) == 99
    assert len(session.written) == 1


async def test_a_device_that_does_not_do_what_it_confirms_is_found_out(put: Hand, session: Machine) -> None:
    session.deaf = True
    with pytest.raises(NotHeld) as caught:
        await put("speed", 25)
    assert str(caught.value) == "speed: the device confirmed it, but the point holds 20 Hz after 3 s"
    assert (caught.value.held, caught.value.unknown) == (20.0, False)
    assert 5 < len(session.fetched) < 20


async def test_a_device_may_need_some_time_to_show_it(put: Hand, session: Machine) -> None:
    session.deaf = True

    async def later(seconds: float) -> None:
        put.clock.s += seconds
        if put.clock.s > 1001:
            session.held["speed"] = 250

    put.sleep = later
    assert (await put("speed", 25)).new == 25.0


async def test_what_cannot_be_read_back_is_unknown(put: Hand, session: Machine) -> None:
    session.lost = LinkLost("the device closed the connection")
    with pytest.raises(NotHeld) as caught:
        await put("speed", 25)
    assert caught.value.unknown
    assert caught.value.reason == (
        "the device confirmed it, but it could not be read back: the device closed the connection"
    )


async def test_an_unknown_outcome_is_settled_by_reading_back(put: Hand, session: Machine) -> None:
    session.fates = [NotWritten("mode", "no answer in time", unknown=True)]
    done = await put("mode", "slow")
    assert (done.new, done.confirm, done.repeated) == ("slow", "readback", False)
    assert session.written == [("mode", 1)], "it is not idempotent"
    assert setting.known_by(done) == (
        "read back from the device, but the device did not confirm it rightly: no answer in time"
    )


async def test_an_unknown_outcome_that_is_not_there_stays_unknown(put: Hand, session: Machine) -> None:
    session.deaf, session.fates = True, [NotWritten("mode", "no answer in time", unknown=True)]
    with pytest.raises(NotHeld) as caught:
        await put("mode", "slow")
    assert caught.value.unknown
    assert caught.value.reason == 'no answer in time, and the point holds "off" after 3 s'


async def test_without_reading_back_an_unknown_outcome_is_told_and_nothing_sent_twice(
    put: Hand, session: Machine
) -> None:
    session.fates = [NotWritten("setpoint", "no answer in time", unknown=True)]
    with pytest.raises(NotWritten, match="it is unknown whether it was carried out"):
        await put("setpoint", 25)
    assert len(session.written) == 1


async def test_what_is_idempotent_is_sent_once_more(put: Hand, session: Machine) -> None:
    session.fates = [unknown("wrong answer: address 2 instead of 22"), None]
    done = await put("speed", 25)
    assert (done.repeated, done.doubt) == (True, "wrong answer: address 2 instead of 22")
    assert session.written == [("speed", 250)] * 2


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (unknown(), "sent twice: no answer in time, and the point holds 20 Hz after 3 s"),
        (NotWritten("speed", "refused"), "sent twice: refused, and the point holds 20 Hz after 3 s"),
        (LinkLost("no way"), "no answer in time, and the point holds 20 Hz after 3 s"),
        (ConnectionRefusedError(), "no answer in time, and the point holds 20 Hz after 3 s"),
    ],
    ids=["unknown", "refused", "lost", "no way"],
)
async def test_it_is_sent_twice_at_the_most(put: Hand, session: Machine, second: BaseException, reason: str) -> None:
    session.deaf, session.fates = True, [unknown(), second]
    with pytest.raises(NotHeld) as caught:
        await put("speed", 25)
    assert (caught.value.reason, caught.value.unknown) == (reason, True)
    assert len(session.written) == 2


async def test_a_refusal_is_certain_and_final(put: Hand, session: Machine) -> None:
    session.fates = [NotWritten("speed", "the device refused: exception 3: illegal data value")]
    with pytest.raises(NotWritten) as caught:
        await put("speed", 25)
    assert not caught.value.unknown
    assert session.written == [("speed", 250)]


async def test_a_device_that_is_silent_is_sent_nothing(put: Hand, session: Machine) -> None:
    session.why = {"speed": TIMEOUT}
    with pytest.raises(Silent) as caught:
        await put("speed", 25)
    assert str(caught.value) == "speed: the device does not answer; nothing was sent"
    assert not caught.value.unknown
    assert session.written == []


@pytest.mark.parametrize("code", [1, 2])
async def test_a_point_that_can_only_be_written_is(put: Hand, session: Machine, code: int) -> None:
    why = Status(Quality.BAD, f"exception {code}", code)
    session.why = {"setpoint": why}
    done = await put("setpoint", 25)
    assert (done.old, done.old_status, done.new) == (None, why, 25.0)


@pytest.mark.parametrize(
    "why",
    [
        Status(Quality.BAD, "wrong answer: unit 2 instead of 1"),
        Status(Quality.BAD, "exception 3: illegal data value", 3),
        Status(Quality.BAD, "exception 4: device failure", 4),
    ],
    ids=["wrong", "3", "4"],
)
async def test_what_could_not_be_read_before_is_not_written_unless_somebody_wants_that(
    put: Hand, session: Machine, why: Status, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "fieldgate")
    session.why = {"setpoint": why}
    with pytest.raises(Unread) as caught:
        await put("setpoint", 25)
    assert caught.value.reason == f"it could not be read before: {why.reason}; nothing was sent"
    assert session.written == []
    put.order = replace(put.order, unread=True)
    done = await put("setpoint", 25)
    assert (done.old, done.old_status, done.new) == (None, why, 25.0)
    assert f"press-7 setpoint: not read ({why.reason}) -> 25 degC, by a test: written" in caplog.text


async def test_a_session_that_cannot_write_is_no_way(press: Described, order: Order) -> None:
    class Reads:
        async def read(self) -> Batch:
            raise NotImplementedError

    with pytest.raises(Denied, match="speed: the adapter of modbus cannot write"):
        await set_point(Target(Reads(), press), "speed", 25, order)


async def test_a_preview_sends_nothing(press: Described, session: Machine) -> None:
    seen = await preview(Target(session, press), "speed", 25)
    assert (seen.point, seen.unit, seen.old, seen.setpoint) == ("speed", "Hz", 20.0, Setpoint(250, 25.0))
    assert session.written == []
    with pytest.raises(OutOfBounds):
        await preview(Target(session, press), "speed", 51)


async def test_the_device_may_be_one_of_several_of_a_line(press: Described, order: Order) -> None:
    session = Machine(press)
    session.names = ["other_1", "other_2", *session.names]
    done = await set_point(Target(session, press, first=2), "limit", 2500, order)
    assert done.raw == 25


async def test_flags_keep_the_bits_that_have_no_name(tmp_path: Path, order: Order) -> None:
    lamps = "  lamps: {at: 42, flags: {0: green, 2: red}, write: {confirm: readback}}\n"
    device = described(tmp_path / "lamps", profile=PROFILE.replace("derived:", f"{lamps}derived:"))
    session = Machine(device)
    session.held["lamps"] = 0b1010_0000_0000_1010
    done = await set_point(Target(session, device), "lamps", ["red"], order)
    assert (session.written, done.new) == ([("lamps", 0b1010_0000_0000_1110)], ("red",))


async def test_a_float32_is_told_by_its_shortest_text(press: Described, session: Machine, order: Order) -> None:
    session.held["setpoint"] = struct.unpack("f", struct.pack("f", 3.3))[0]
    done = await set_point(Target(session, press), "setpoint", Decimal("3.5"), order)
    assert (done.old, done.new, done.raw) == (3.3, 3.5, 3.5)
    seen = await preview(Target(session, press), "setpoint", Decimal("21.5"))
    assert seen.setpoint == Setpoint(21.5, 21.5)


# ---- the log


async def test_every_act_is_told_before_it_is_sent_and_after(
    put: Hand, session: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "fieldgate")
    session.fates = [unknown(), None]
    await put("speed", 25)
    assert caplog.messages == [
        "press-7 speed: 20 Hz -> 25 Hz, by a test: to be written as raw value 250",
        "press-7 speed: 20 Hz -> 25 Hz, by a test: written, read back from the device; it was sent twice, since the "
        "device did not confirm it rightly: no answer in time",
    ]
    assert [record.levelno for record in caplog.records] == [logging.INFO, logging.WARNING]


async def test_refusals_and_failures_are_told_too(
    put: Hand, session: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "fieldgate")
    with pytest.raises(Denied):
        await put("voltage", 230)
    session.fates = [LinkLost("no way to the device")]
    with pytest.raises(LinkLost):
        await put("mode", "slow")
    assert caplog.messages == [
        "press-7 voltage: 230, by a test: not sent: voltage: it cannot be written: its mapping has no write:",
        'press-7 mode: "off" -> "slow", by a test: to be written as raw value 1',
        'press-7 mode: "off" -> "slow", by a test: not written: no way to the device',
    ]
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO", "WARNING"]


async def test_an_unknown_outcome_is_a_warning_that_does_not_say_it_was_not_written(
    put: Hand, session: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    session.fates = [NotWritten("setpoint", "no answer in time", unknown=True)]
    with pytest.raises(NotWritten):
        await put("setpoint", 25)
    (record,) = caplog.records
    assert "not confirmed: setpoint: no answer in time" in record.getMessage()


async def test_a_write_that_is_cancelled_is_unknown(
    put: Hand, session: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "fieldgate")
    session.fates = [asyncio.CancelledError()]
    with pytest.raises(asyncio.CancelledError):
        await put("mode", "slow")
    assert caplog.messages[-1].endswith("cancelled; it is unknown whether it was carried out")


async def test_what_was_typed_cannot_forge_a_line_of_the_log(put: Hand, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "fieldgate")
    with pytest.raises(Unfit):
        await put("mode", "a\n2026-11-25 press-7 mode: written")
    assert all("\n" not in message for message in caplog.messages)
