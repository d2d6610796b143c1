"""How long a connection may be silent: when to ask the other side whether it is there, and when to give it up."""

from __future__ import annotations

from typing import NamedTuple


class Verdict(NamedTuple):
    """What the silence so far means."""

    ping: bool
    """A PINGREQ must go out now."""
    lost: str
    """Why the connection is given up, in words; empty while it is not."""
    look_again_s: float
    """The next time at which the verdict can be another, unless something is sent or received before."""


class Silence:
    """What was sent and received last on one connection. Times are monotonic seconds, given by the caller.

    A server drops a client that was silent for one and a half times the keep alive (3.1.2.10). The same is applied to
    the server: after ``keepalive_s`` without a byte from it comes a PINGREQ, after half of that again it is lost.
    """

    def __init__(self, keepalive_s: float, publish_timeout_s: float, now_s: float) -> None:
        self._keepalive_s = keepalive_s
        self._publish_timeout_s = publish_timeout_s
        self._sent_s = now_s
        self._received_s = now_s
        self._asked_s: float | None = None
        self._waiting_since_s: float | None = None

    def sent(self, now_s: float) -> None:
        """Something was written."""
        self._sent_s = now_s

    def received(self, now_s: float) -> None:
        """Something came: the other side is there."""
        self._received_s = now_s
        self._asked_s = None

    def asked(self, now_s: float) -> None:
        """A PINGREQ was written."""
        self._sent_s = self._asked_s = now_s

    def waiting(self, now_s: float | None) -> None:
        """Messages wait for their PUBACK; the last progress was now. None: nothing waits."""
        self._waiting_since_s = now_s

    def verdict(self, now_s: float) -> Verdict:
        """Ping, give up, or look again later."""
        look_again_s = min(self._sent_s, self._received_s) + self._keepalive_s
        ping = self._asked_s is None and now_s >= look_again_s
        if self._asked_s is not None:
            look_again_s = self._asked_s + self._keepalive_s / 2
            if now_s >= look_again_s:
                return Verdict(False, f"no answer to a ping for {self._keepalive_s / 2:g} s", now_s)
        elif ping:
            look_again_s = now_s + self._keepalive_s / 2
        if self._waiting_since_s is not None:
            end_s = self._waiting_since_s + self._publish_timeout_s
            if now_s >= end_s:
                return Verdict(False, f"no acknowledgement for {self._publish_timeout_s:g} s", now_s)
            look_again_s = min(look_again_s, end_s)
        return Verdict(ping, "", look_again_s)
