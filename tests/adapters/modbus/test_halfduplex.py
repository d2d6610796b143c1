"""What is believed on a line without transactions, moment by moment, on a clock of the test's own."""

from __future__ import annotations

from collections import Counter

import pytest

from adapters.modbus import ascii as lines
from adapters.modbus import halfduplex, pdu, rtu
from adapters.modbus.halfduplex import AT_ONCE, LATE, HalfDuplex, silence
from tests.adapters.modbus.peers import seal_ascii, seal_rtu

READ = pdu.read(3, 0, 1)
OTHER = pdu.read(3, 9, 1)
WRITE = pdu.write_register(7, 5)
ANSWER = seal_rtu(1, b"\3\2\x04\x57")
TIMEOUT_S = 1.0


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def talk(clock: Clock) -> HalfDuplex:
    return HalfDuplex(rtu, AT_ONCE, Counter(), clock)


def unanswered(talk: HalfDuplex, unit: int, ask: pdu.Ask) -> None:
    talk.request(unit, ask, TIMEOUT_S)
    talk.leave()


@pytest.mark.parametrize(
    ("baud", "bits", "between_ms"),
    [(9600, 11, 4.010), (19200, 11, 2.005), (38400, 11, 1.75), (115200, 10, 1.75), (1200, 10, 29.167)],
)
def test_the_silence_between_frames_is_that_of_the_standard(baud: int, bits: int, between_ms: float) -> None:
    """Serial Line V1.02, section 2.5.1.1: 3.5 characters, above 19200 baud 1.75 ms."""
    timing = silence(baud, bits)
    assert 1000 * timing.between_s == pytest.approx(between_ms, abs=0.001)
    assert timing.byte_s == bits / baud
    assert timing.gap_s >= max(halfduplex.GAP_S, timing.between_s)


def test_the_next_request_waits_until_the_line_was_silent(clock: Clock) -> None:
    talk = HalfDuplex(rtu, silence(9600, 11), Counter(), clock)
    talk.request(1, READ, TIMEOUT_S)
    assert talk.wire_s == pytest.approx((8 + 7) * 11 / 9600)
    assert talk.take(ANSWER) == b"\x04\x57"
    assert talk.free_at(1, READ) == pytest.approx(clock.now + 3.5 * 11 / 9600)
    clock.now += 1
    assert talk.free_at(1, READ) < clock.now


def test_a_request_in_characters_takes_twice_as_long(clock: Clock) -> None:
    talk = HalfDuplex(lines, silence(9600, 10), Counter(), clock)
    talk.request(1, READ, TIMEOUT_S)
    assert talk.wire_s == pytest.approx((17 + 15) * 10 / 9600)


def test_another_request_that_a_late_answer_could_be_mistaken_for_waits(talk: HalfDuplex, clock: Clock) -> None:
    unanswered(talk, 1, READ)
    over = clock.now + LATE * TIMEOUT_S
    assert talk.free_at(1, OTHER) == over
    assert talk.free_at(1, READ) < over, "the same once more: the answer to either is true"
    assert talk.free_at(1, pdu.read(4, 9, 1)) < over, "another function"
    assert talk.free_at(2, OTHER) < over, "another unit"
    clock.now = over
    assert talk.free_at(1, OTHER) <= over


def test_after_the_answer_to_a_request_that_was_repeated_the_second_answer_is_waited_for(
    talk: HalfDuplex, clock: Clock
) -> None:
    unanswered(talk, 1, READ)
    clock.now += 1.8
    talk.request(1, READ, TIMEOUT_S)
    clock.now += 0.1
    assert talk.take(ANSWER) == b"\x04\x57", "to the first, 1.9 timeouts late, or to the second"
    assert talk.free_at(1, OTHER) == 100.0 + 1.8 + LATE * TIMEOUT_S
    assert [len(owed) for owed in talk._owed.values()] == [1], "one of the two has come"


def test_what_must_be_of_now_waits_for_the_answer_to_the_same_request_too(talk: HalfDuplex, clock: Clock) -> None:
    unanswered(talk, 1, READ)
    assert talk.free_at(1, READ, fresh=True) == clock.now + LATE * TIMEOUT_S


def test_what_is_owed_outlives_the_connection(clock: Clock) -> None:
    owed: halfduplex.Owing = {}
    unanswered(HalfDuplex(rtu, AT_ONCE, Counter(), clock, owed), 1, READ)
    assert HalfDuplex(rtu, AT_ONCE, Counter(), clock, owed).free_at(1, OTHER) == clock.now + LATE * TIMEOUT_S


def test_a_late_answer_of_another_unit_is_counted_and_passed_over(clock: Clock) -> None:
    counters: Counter[str] = Counter()
    talk = HalfDuplex(rtu, AT_ONCE, counters, clock)
    unanswered(talk, 2, READ)
    talk.request(1, READ, TIMEOUT_S)
    assert talk.take(seal_rtu(2, b"\3\2\x1a\x0a")) is None
    assert talk.silent() is None
    assert talk.take(ANSWER) == b"\x04\x57"
    assert counters["late_answers"] == 1


def test_an_answer_that_nobody_owes_is_wrong(talk: HalfDuplex) -> None:
    talk.request(1, READ, TIMEOUT_S)
    assert talk.take(seal_rtu(2, b"\3\2\x1a\x0a")) is None
    with pytest.raises(pdu.UnitWrong, match=r"^unit 2 instead of 1$"):
        talk.silent()


@pytest.mark.parametrize(
    ("frame", "error"),
    [
        (seal_rtu(1, b"\4\2\x1a\x0a"), pdu.FunctionWrong),
        (seal_rtu(1, b"\3\4\x1a\x0a\x1a\x0a"), pdu.ByteCountWrong),
        (seal_rtu(1, b"\3\2\x1a\x0a")[:-1] + b"\0", pdu.ChecksumWrong),
        (ANSWER[:4], pdu.LengthWrong),
    ],
)
def test_what_is_wrong_is_named_when_the_line_falls_silent(
    talk: HalfDuplex, frame: bytes, error: type[pdu.WrongAnswer]
) -> None:
    talk.request(1, READ, TIMEOUT_S)
    assert talk.take(frame) is None
    with pytest.raises(error):
        talk.silent()
    assert talk.take(ANSWER) is None, "what comes then is nobody's answer"


def test_after_a_wrong_answer_the_true_one_may_still_come_and_is_not_the_next_ones(talk: HalfDuplex) -> None:
    talk.request(1, READ, TIMEOUT_S)
    talk.take(b"\xff\xff\xff\xff\xff\xff")
    with pytest.raises(pdu.ChecksumWrong):
        talk.silent()
    assert talk.free_at(1, OTHER) == 100.0 + LATE * TIMEOUT_S


def test_a_few_bytes_are_a_spike_and_the_answer_is_waited_for(talk: HalfDuplex) -> None:
    talk.request(1, READ, TIMEOUT_S)
    talk.take(b"\0")
    assert talk.silent() is None
    assert talk.take(ANSWER) == b"\x04\x57"


def test_an_ascii_frame_that_pauses_is_waited_for(clock: Clock) -> None:
    talk = HalfDuplex(lines, AT_ONCE, Counter(), clock)
    talk.request(1, READ, TIMEOUT_S)
    whole = seal_ascii(1, b"\3\2\x04\x57")
    talk.take(whole[:7])
    assert talk.silent() is None
    assert talk.take(whole[7:]) == b"\x04\x57"


def test_what_has_not_come_whole_in_time_is_told(talk: HalfDuplex, clock: Clock) -> None:
    talk.request(1, READ, TIMEOUT_S)
    talk.take(ANSWER[:-1])
    error = talk.leave()
    assert isinstance(error, pdu.LengthWrong)
    assert talk.free_at(2, READ) == clock.now + AT_ONCE.gap_s
    clock.now += 0.02
    talk.take(b"\0")
    assert talk.free_at(2, READ) == clock.now + AT_ONCE.gap_s, "it goes on"


def test_nothing_at_all_is_no_wrong_answer(talk: HalfDuplex) -> None:
    talk.request(1, READ, TIMEOUT_S)
    assert talk.leave() is None


def test_the_echo_of_a_read_is_cut_off_wherever_it_is_split(clock: Clock) -> None:
    own = seal_rtu(1, b"\3\0\0\0\1")
    stream = own + ANSWER
    for split in range(1, len(stream)):
        talk = HalfDuplex(rtu, AT_ONCE, Counter(), clock)
        assert talk.request(1, READ, TIMEOUT_S) == own
        assert [talk.take(stream[:split]), talk.take(stream[split:])] == [None, b"\x04\x57"]


def test_a_read_whose_echo_looks_like_its_answer_is_not_fooled(talk: HalfDuplex) -> None:
    """Coils from 0x0312 on, 17 of them: the request is a byte count of 3 and three bytes."""
    coils = pdu.read(1, 0x0312, 17)
    talk.request(1, READ, TIMEOUT_S)
    talk.take(seal_rtu(1, b"\3\0\0\0\1"))
    talk.take(ANSWER)
    own = talk.request(1, coils, TIMEOUT_S)
    assert coils.judge(own[1:-2]), "it does look like it"
    assert talk.take(own) is None
    assert talk.silent() is None
    assert talk.take(seal_rtu(1, b"\1\3\xaa\xbb\1")) == b"\xaa\xbb\1"


def test_one_copy_confirms_a_write_where_the_adapter_is_known_not_to_echo(talk: HalfDuplex) -> None:
    talk.request(1, READ, TIMEOUT_S)
    talk.take(ANSWER)
    assert talk.take(talk.request(1, WRITE, TIMEOUT_S)) == b""


def test_two_copies_confirm_a_write_where_the_adapter_echoes(talk: HalfDuplex) -> None:
    talk.take(talk.request(1, READ, TIMEOUT_S))
    talk.take(ANSWER)
    own = talk.request(1, WRITE, TIMEOUT_S)
    assert talk.take(b"\xff" + own) is None
    assert talk.silent() is None
    assert talk.take(own) == b""
    talk.take(talk.request(1, WRITE, TIMEOUT_S))
    assert talk.leave() is None, "a timeout: the device said nothing"


def test_one_copy_of_the_first_write_may_be_the_adapters(talk: HalfDuplex) -> None:
    talk.take(talk.request(1, WRITE, TIMEOUT_S))
    assert isinstance(talk.leave(), pdu.EchoWrong)


def test_a_device_that_once_sent_the_request_back_does_not_make_the_adapter_one_that_echoes(talk: HalfDuplex) -> None:
    talk.take(talk.request(1, READ, TIMEOUT_S))
    talk.leave()
    for _ in range(3):
        talk.request(1, READ, TIMEOUT_S)
        talk.take(ANSWER)
    assert talk.take(talk.request(1, WRITE, TIMEOUT_S)) == b""


def test_a_flood_takes_no_memory(talk: HalfDuplex) -> None:
    talk.request(1, READ, TIMEOUT_S)
    for _ in range(100):
        talk.take(bytes(1000))
    assert len(talk._received) <= 1024


@pytest.mark.parametrize("behind", [4, 8])
def test_with_bytes_behind_an_answer_the_next_request_waits_until_their_rest_has_come(
    talk: HalfDuplex, clock: Clock, behind: int
) -> None:
    """A device that answers twice, in pieces: the rest of the second answer could be that to the next request."""
    talk.request(1, READ, TIMEOUT_S)
    assert talk.take(ANSWER + ANSWER[:behind]) == b"\x04\x57"
    assert talk.free_at(1, OTHER) == clock.now + halfduplex.GAP_S
    talk.request(1, READ, TIMEOUT_S)
    assert talk.take(ANSWER) == b"\x04\x57"
    assert talk.take(ANSWER[:behind]) is None
    assert talk.free_at(1, OTHER) == clock.now + halfduplex.GAP_S


def test_a_spike_behind_an_answer_costs_no_time(talk: HalfDuplex, clock: Clock) -> None:
    for _ in range(3):
        talk.request(1, READ, TIMEOUT_S)
        assert talk.take(ANSWER + b"\0\xff") == b"\x04\x57"
        assert talk.take(b"\0") is None
        assert talk.free_at(1, OTHER) == clock.now


def test_a_flood_of_beginnings_is_gone_through_once(talk: HalfDuplex, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the start with each byte it took 4 ms a byte: nothing else of the gateway would have run."""
    computed: list[int] = []
    true = rtu.crc

    def counted(data: bytes | bytearray) -> int:
        computed.append(len(data))
        return true(data)

    monkeypatch.setattr(rtu, "crc", counted)
    talk.request(1, pdu.read(3, 0, 125), TIMEOUT_S)
    computed.clear()
    for _ in range(1000):
        talk.take(b"\1")
        talk.take(b"\3")
    assert len(computed) < 2000
