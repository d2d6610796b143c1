"""When to ping and when to give up, on a clock that the test moves."""

from __future__ import annotations

import pytest

from gateway.mqtt.silence import Silence, Verdict


def test_nothing_to_do_before_the_keep_alive_is_over() -> None:
    assert Silence(240, 30, 0).verdict(239) == Verdict(False, "", 240)


def test_pings_when_the_keep_alive_is_over() -> None:
    assert Silence(240, 30, 0).verdict(240) == Verdict(True, "", 360)


def test_pings_also_while_the_other_side_talks() -> None:
    # The server counts what it gets from us (3.1.2.10), not what it sends.
    silence = Silence(240, 30, 0)
    silence.received(200)
    assert silence.verdict(240).ping


def test_pings_also_while_we_talk_and_nothing_comes_back() -> None:
    silence = Silence(240, 30, 0)
    silence.sent(200)
    assert silence.verdict(240).ping


def test_a_half_open_connection_is_lost_after_one_and_a_half_keep_alives() -> None:
    silence = Silence(240, 30, 0)
    silence.asked(240)
    assert silence.verdict(359) == Verdict(False, "", 360)
    assert silence.verdict(360).lost == "no answer to a ping for 120 s"


def test_any_byte_is_an_answer() -> None:
    silence = Silence(240, 30, 0)
    silence.asked(240)
    silence.received(241)
    assert silence.verdict(360) == Verdict(False, "", 480)


def test_a_second_ping_is_not_sent_while_one_waits() -> None:
    silence = Silence(240, 30, 0)
    silence.asked(240)
    assert not silence.verdict(300).ping


def test_a_publish_without_acknowledgement_is_given_up() -> None:
    silence = Silence(240, 30, 0)
    silence.waiting(100)
    assert silence.verdict(129) == Verdict(False, "", 130)
    assert silence.verdict(130).lost == "no acknowledgement for 30 s"


@pytest.mark.parametrize("progress", [110.0, None])
def test_progress_gives_it_time_again(progress: float | None) -> None:
    silence = Silence(240, 30, 0)
    silence.waiting(100)
    silence.waiting(progress)
    assert silence.verdict(131).lost == ""
