"""Lines without transactions, RTU and ASCII: only unit, function, length, checksum and silence tell answers apart.

Modbus over Serial Line V1.02. No I/O here; times are seconds of any clock that runs evenly.

Three things a strict reader has to look out for there:

- *A late answer* has nothing that ties it to its request. Where it could be taken for the answer to another request
  (same unit, same function), that one waits until ``LATE`` timeouts have passed since the first. The same request may
  be sent again, and the late answer is one to it too: its own is owed from then on. What is owed outlives the
  connection, as the box in front of a line gives a late answer to whoever is connected then.
- *The echo of our own request*, which half-duplex adapters give: it is cut off, and where it looks like the answer (a
  write is confirmed with its own copy) two of them must come. Whether the adapter echoes is seen at the first read; a
  write before it is not believed confirmed by one copy.
- *Noise* before, after and instead of an answer. What is not a whole right frame is judged when the line falls silent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeAlias

from adapters.modbus.pdu import LONGEST, Ask, EchoWrong, LengthWrong, Refusal, UnitWrong, WrongAnswer

GAP_S = 0.05
"""The shortest silence that ends an answer: USB adapters and gateways hand over bytes up to 16 ms late, in pieces."""
LATE = 3
"""Timeouts after a request, the first of them its own, after which no answer to it is expected any more."""
_NOISE_BYTES = 3
"""Up to so many bytes are a spike of a driver that is switched on, not an answer."""
_KEPT_BYTES = 1024
_SURE = 2
"""Answers in a row without an echo before them: an adapter that once seemed to give one gives none."""


class Silence(NamedTuple):
    """What a rate means for a line."""

    byte_s: float
    between_s: float
    """Between two frames: 3.5 characters, and 1.75 ms above 19200 baud (section 2.5.1.1)."""
    gap_s: float
    """After so long without a byte there comes no more."""


AT_ONCE = Silence(0.0, 0.0, GAP_S)
"""Behind TCP the box in front of the line sees to its silences."""


def silence(baud: int, bits: int) -> Silence:
    """For a character of so many bits, start, parity and stop among them."""
    byte_s = bits / baud
    between_s = 3.5 * byte_s if baud <= 19200 else 0.00175
    return Silence(byte_s, between_s, max(GAP_S, 2 * between_s))


class Framing(Protocol):
    """The modules ``rtu`` and ``ascii``."""

    def frame(self, unit: int, ask: Ask) -> bytes: ...
    def find(self, received: bytes | bytearray, unit: int, ask: Ask, searched: int = 0) -> tuple[int, bytes] | None: ...
    def opened(self, received: bytes | bytearray) -> tuple[int, bytes]: ...
    def ended(self, received: bytes | bytearray) -> bool: ...
    def size(self, pdu_bytes: int) -> int: ...


class _Owed(NamedTuple):
    """An answer that may still come."""

    ask: Ask
    until: float


Owing: TypeAlias = dict[int, list[_Owed]]
"""By unit."""


class HalfDuplex:
    """The requests and answers of one line; ``framing`` is ``rtu`` or ``ascii``."""

    mends = True

    def __init__(
        self,
        framing: Framing,
        timing: Silence,
        counters: Counter[str],
        clock: Callable[[], float],
        owed: Owing | None = None,
    ) -> None:
        """``owed``: what earlier connections of this line left; kept up to date for those to come."""
        self.gap_s = timing.gap_s
        self.wire_s = 0.0
        self._framing = framing
        self._byte_s = timing.byte_s
        self._between_s = timing.between_s
        self._counters = counters
        self._clock = clock
        self._quiet_s = timing.between_s
        self._beyond = 0
        """Bytes since the last request that nobody asked for."""
        self._free_at = clock()
        self._owed: Owing = {} if owed is None else owed
        self._echoes: bool | None = None
        self._unechoed = 0
        self._received = bytearray()
        self._searched = 0
        """The first of these hold no answer to this."""
        self._ask: Ask | None = None
        self._unit = 0
        self._frame = b""
        self._copies = False
        self._until = 0.0

    def free_at(self, unit: int, ask: Ask, *, fresh: bool = False) -> float:
        """When the line has been silent for long enough, and no answer is owed that could be taken for that to this."""
        now = self._clock()
        owed = [one for one in self._owed.get(unit, ()) if one.until > now]
        self._owed[unit] = owed
        # The same request once more: an answer to the first is one to the second, if it need not be of now.
        alike = (one.until for one in owed if one.ask.function == ask.function and (fresh or one.ask.body != ask.body))
        return max(self._free_at, *alike, 0.0)

    def request(self, unit: int, ask: Ask, timeout_s: float) -> bytes:
        """The frame to send; its answer is waited for from now on."""
        self._quiet_s = self._between_s
        self._beyond = 0
        self._searched = 0
        self._unit = unit
        self._ask = ask
        self._frame = frame = self._framing.frame(unit, ask)
        self._copies = _copies(ask)
        self.wire_s = self._byte_s * (len(frame) + self._framing.size(LONGEST if ask.size is None else ask.size))
        now = self._clock()
        self._free_at = now + self._byte_s * len(frame)
        self._until = now + self.wire_s + LATE * timeout_s
        return frame

    def take(self, data: bytes) -> bytes | Refusal | None:
        """What the answer holds, once it is whole. Raises WrongAnswer."""
        if data:
            if self._ask is None:
                self._unasked(len(data))
            self._free_at = self._clock() + self._quiet_s
        if self._ask is None:
            return None
        self._received += data
        if (more := len(self._received) - _KEPT_BYTES) > 0:
            del self._received[:more]
            self._searched = max(0, self._searched - more)
        found = self._answer(self._ask)
        return None if found is None else self._believed(self._ask, *found)

    def silent(self) -> bytes | Refusal | None:
        """The same, after ``gap_s`` without a byte."""
        ask, received = self._ask, self._received
        if ask is None or not received:
            return None
        if len(received) <= _NOISE_BYTES or self._may_be_echo(received) or not self._framing.ended(received):
            return None
        whole = bytes(received)
        try:
            unit, pdu = self._framing.opened(whole)
        except WrongAnswer:
            self._give_up()
            raise
        if self._late(unit, pdu):
            self._counters["late_answers"] += 1
            received.clear()
            self._searched = 0
            return None
        self._give_up()
        if unit != self._unit:
            raise UnitWrong(str(self._unit), str(unit))
        return self._judged(ask, pdu)

    def leave(self) -> WrongAnswer | None:
        """The answer is waited for no longer. What has come instead of it, if anything has."""
        received = bytes(self._received)
        self._give_up()
        if received:
            # Out of step: what comes next is waited for longer than a frame's end takes.
            self._quiet_s = self.gap_s
            self._free_at = self._clock() + self._quiet_s
        if len(received) <= _NOISE_BYTES:
            return None
        if self._may_be_echo(received):
            one = "one that may be the adapter's own, as nothing was read on this line before,"
            return EchoWrong("a copy of the request from the device", one) if self._echoes is None else None
        return LengthWrong("a whole frame", f"a part of {len(received)} bytes")

    def _unasked(self, count: int) -> None:
        """So many bytes came that nobody asked for: their rest could be taken for the answer to the next request."""
        self._beyond += count
        if self._beyond > _NOISE_BYTES:
            self._quiet_s = self.gap_s

    def _answer(self, ask: Ask) -> tuple[bytes, int] | None:
        """The PDU of the answer in what was received, and the bytes behind it; None while there is none.

        Our own echo is cut off.
        """
        received, own = self._received, self._frame
        if self._copies and self._echoes is not False:
            first = received.find(own)
            if first >= 0:
                rest = received[first + len(own) :]
                found = self._framing.find(rest, self._unit, ask)
                if found is None:
                    return None
                self._echoes = True
                return found[1], self._behind(rest, *found)
        elif not self._copies and (first := received.find(own, 0, len(own) + _NOISE_BYTES)) >= 0:
            self._echoes = True
            self._unechoed = -1
            del received[: first + len(own)]
            self._searched = 0
        found = self._framing.find(received, self._unit, ask, self._searched)
        if found is None:
            self._searched = len(received)
            return None
        at, pdu = found
        if at == 0:
            self._unechoed += 1
            # Once may be a late answer that came before the echo.
            if self._echoes is None or self._unechoed >= _SURE:
                self._echoes = False
        return pdu, self._behind(received, at, pdu)

    def _behind(self, received: bytes | bytearray, at: int, pdu: bytes) -> int:
        return len(received) - at - self._framing.size(len(pdu))

    def _may_be_echo(self, received: bytes | bytearray) -> bool:
        """Whether the request has come back once, and that is no answer as far as is known."""
        return self._copies and self._echoes is not False and received.endswith(self._frame)

    def _believed(self, ask: Ask, pdu: bytes, behind: int) -> bytes | Refusal:
        self._ask = None
        self._received.clear()
        self._unasked(behind)
        now = self._clock()
        self._free_at = now + self._quiet_s
        owed = self._owed.get(self._unit, [])
        for place, one in enumerate(owed):
            if one.until > now and (one.ask.function, one.ask.body) == (ask.function, ask.body):
                # Nobody knows which of the two was answered, so the later one may be still.
                owed[place] = _Owed(ask, self._until)
                break
        return self._judged(ask, pdu)

    def _judged(self, ask: Ask, pdu: bytes) -> bytes | Refusal:
        try:
            return ask.judge(pdu)
        except Refusal as refusal:
            return refusal

    def _late(self, unit: int, pdu: bytes) -> bool:
        """Whether this is an answer that was waited for earlier; it is owed no longer then."""
        owed = self._owed.get(unit, [])
        for one in owed:
            if pdu[0] & 0x7F == one.ask.function:
                owed.remove(one)
                return True
        return False

    def _give_up(self) -> None:
        if self._ask is not None:
            self._owed.setdefault(self._unit, []).append(_Owed(self._ask, self._until))
        self._ask = None
        self._received.clear()


def _copies(ask: Ask) -> bool:
    """Whether the right answer may be a copy of the request: writes of one value, and a few reads by chance."""
    try:
        ask.judge(bytes((ask.function,)) + ask.body)
    except WrongAnswer:
        return False
    return True
