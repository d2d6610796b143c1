"""Frames of Modbus TCP and UDP: which request an answer belongs to, by its transaction. No I/O here.

Modbus Messaging on TCP/IP V1.0b, section 3.1.3.
"""

from __future__ import annotations

import secrets
from collections import Counter
from struct import Struct

from adapters.modbus import pdu
from adapters.modbus.pdu import (
    Ask,
    LengthWrong,
    ProtocolWrong,
    Refusal,
    TransactionWrong,
    UnitWrong,
    WrongAnswer,
)

HEADER_BYTES = 6
"""Transaction, protocol and length: what stands before the bytes that the length counts."""
SHORTEST = 3
"""Unit, function, and one byte: the least that the length field of an answer can count."""
LONGEST = 1 + pdu.LONGEST
IGNORED_AT_MOST = 16
"""Late or doubled answers in a row; a device that sends more of them is out of step."""

_REQUEST = Struct(">HHHBB")
_HEADER = Struct(">HHH")


def frame(transaction: int, unit: int, ask: Ask) -> bytes:
    """The request as it goes over the wire."""
    return _REQUEST.pack(transaction, 0, 2 + len(ask.body), unit, ask.function) + ask.body


def cut(received: bytearray) -> bytes | None:
    """Cut the first whole frame off what was received; None while there is none.

    Raises ProtocolWrong or LengthWrong when what stands there cannot begin a frame: the stream is out of step then.
    """
    if len(received) < HEADER_BYTES:
        return None
    _, protocol, length = _HEADER.unpack_from(received)
    if protocol != 0:
        raise ProtocolWrong("0", str(protocol))
    if not SHORTEST <= length <= LONGEST:
        raise LengthWrong(f"{SHORTEST} to {LONGEST}", str(length))
    end = HEADER_BYTES + length
    if len(received) < end:
        return None
    whole = bytes(received[:end])
    del received[:end]
    return whole


class Mbap:
    """The requests and answers of one connection; with ``datagrams`` each of them is a whole one by itself."""

    gap_s = 0.0
    wire_s = 0.0

    def __init__(self, counters: Counter[str], *, datagrams: bool = False) -> None:
        self.mends = datagrams
        self._counters = counters
        self._received = bytearray()
        # A start that is drawn: a gateway that mixes up its connections is found out. 0 is never used, some devices
        # answer with it whatever was asked.
        self._transaction = secrets.randbelow(65535) + 1
        self._asked = 0
        self._ignored = 0
        self._unit = 0
        self._ask: Ask | None = None
        self._stray: WrongAnswer | None = None
        """The last datagram that came during this request and is no answer to it."""

    def free_at(self, unit: int, ask: Ask, *, fresh: bool = False) -> float:
        """Always: transactions tell answers apart."""
        return 0.0

    def request(self, unit: int, ask: Ask, timeout_s: float) -> bytes:
        """The frame to send; its answer is waited for from now on."""
        self._transaction = transaction = self._transaction % 65535 + 1
        self._asked += 1
        self._unit = unit
        self._ask = ask
        self._stray = None
        return frame(transaction, unit, ask)

    def take(self, data: bytes) -> bytes | Refusal | None:
        """What the answer holds, once it is whole. Raises WrongAnswer, but for datagrams."""
        return self._take_datagram(data) if self.mends else self._take(data)

    def _take(self, data: bytes) -> bytes | Refusal | None:
        received = self._received
        received += data
        while (whole := cut(received)) is not None:
            if self._ask is not None and whole[0] << 8 | whole[1] == self._transaction:
                self._ignored = 0
                ask, self._ask = self._ask, None
                return self._judged(ask, whole)
            self._pass_over(whole[0] << 8 | whole[1])
        return None

    def _take_datagram(self, data: bytes) -> bytes | Refusal | None:
        """The answer, if it is one. A datagram that is none may be anybody's, and spoils nothing after it."""
        received = bytearray(data)
        try:
            while (whole := cut(received)) is not None:
                transaction = whole[0] << 8 | whole[1]
                if self._ask is not None and transaction == self._transaction:
                    found = self._judged(self._ask, whole)
                    self._ask = None
                    return found
                if not self._is_old(transaction):
                    raise TransactionWrong(str(self._transaction), str(transaction))
                self._counters["late_answers"] += 1
            if received:
                raise LengthWrong("a whole frame", f"a part of {len(received)} bytes")
        except WrongAnswer as error:
            self._counters["stray_datagrams"] += 1
            self._stray = error
        return None

    def _judged(self, ask: Ask, whole: bytes) -> bytes | Refusal:
        if whole[6] != self._unit:
            raise UnitWrong(str(self._unit), str(whole[6]))
        try:
            return ask.judge(whole[7:])
        except Refusal as refusal:
            return refusal

    def silent(self) -> bytes | Refusal | None:
        """Silence has no meaning on such lines."""
        return None

    def leave(self) -> WrongAnswer | None:
        """The answer is waited for no longer. What stands in the way of the next one, or came instead of this one."""
        self._ask = None
        if not self._received:
            return self._stray
        return LengthWrong("a whole frame", f"a part of {len(self._received)} bytes")

    def _is_old(self, transaction: int) -> bool:
        """Whether a request of this connection that is over had it."""
        age = (self._transaction - transaction) % 65535
        return transaction != 0 and age < self._asked and (age != 0 or self._ask is None)

    def _pass_over(self, transaction: int) -> None:
        """An answer to a request of old, late or doubled. Raises TransactionWrong where it can be none."""
        if not self._is_old(transaction):
            raise TransactionWrong(str(self._transaction), str(transaction))
        self._ignored += 1
        self._counters["late_answers"] += 1
        if self._ignored > IGNORED_AT_MOST:
            raise TransactionWrong(str(self._transaction), f"{transaction} of an old request, again and again,")
