"""Whether a message is what breaks the connections: it must not be tried for ever, and a bad line must not condemn it.

The rules, without a clock and without a connection: a message that was the first without an acknowledgement when a
connection broke is suspected and sent alone. When that has happened often, it is condemned if others have arrived
meanwhile. If nothing arrives at all (a hub that takes nothing today), that speaks against the hub: then it takes many
more tries, and each verdict without a witness makes the next one eight times as dear.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.model import Stored

TRIES = 8
_DEARER = 8
_REMEMBERED = 64
_ALONE = 20
"""After so many that arrived one by one the suspect is not among those that come next."""


class Arrivals:
    """How many messages have arrived upstream so far, of all identities."""

    def __init__(self) -> None:
        self.count = 0


class Suspicion:
    """What one identity's connections broke on."""

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals
        self._tries: dict[str, tuple[int, int]] = {}
        """By message id: how often a connection broke on it alone, and what had arrived when one did first."""
        self._since = 0
        """Messages of this identity that have arrived since a connection broke."""
        self._unwitnessed = 0

    @property
    def alone(self) -> bool:
        """Whether messages go one at a time, to see which it is."""
        return bool(self._tries) and self._since < _ALONE

    def arrived(self, messages: Sequence[Stored]) -> None:
        """These were acknowledged."""
        self._arrivals.count += len(messages)
        self._since += len(messages)
        self._unwitnessed = 0
        if self._tries:
            for message in messages:
                self._tries.pop(message.message_id, None)

    def broke(self, message: Stored, *, alone: bool) -> bool:
        """A connection broke on this message, the first without an acknowledgement: is it condemned?

        Only if nothing else was on its way, again and again.
        """
        self._since = 0
        tries, arrived = self._tries.pop(message.message_id, (0, self._arrivals.count))
        tries += alone
        witnessed = self._arrivals.count > arrived
        if tries >= (TRIES if witnessed else TRIES * _DEARER**self._unwitnessed):
            self._unwitnessed += not witnessed
            return True
        self._tries[message.message_id] = tries, arrived
        if len(self._tries) > _REMEMBERED:
            del self._tries[next(iter(self._tries))]
        return False
