"""The messages of one publish on their way: which are to be written next, and which are acknowledged."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.mqtt.packets import Publish, encode

_LAST_ID = 0xFFFF


class UnknownAcknowledgement(Exception):
    """A PUBACK for a packet identifier that is not in use; what the other side means cannot be known."""

    def __init__(self, packet_id: int) -> None:
        super().__init__(f"a PUBACK for packet {packet_id}, which is not on its way")
        self.packet_id = packet_id


class Window:
    """At most ``size`` messages written and not acknowledged, in the order in which they were given.

    A server acknowledges in order (MQTT-4.6.0-2). One that does not is believed too, but ``acknowledged`` counts only
    the messages before the first gap, so that what is counted may be deleted.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._last_id = 0
        self._indexes: dict[int, int] = {}
        self._load: Sequence[tuple[str, bytes]] = ()
        self._next = 0
        self._ahead: set[int] = set()
        self.acknowledged = 0
        """Messages of the load that are acknowledged, counted from the first without a gap."""

    def load(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """The next messages (topic, payload) to be sent; those of the load before are all acknowledged."""
        self._load = messages
        self._next = 0
        self.acknowledged = 0

    @property
    def finished(self) -> bool:
        """All are acknowledged."""
        return self.acknowledged == len(self._load)

    def due(self) -> bytes:
        """The bytes that may be written now: what the window has room for. Raises MalformedPacket."""
        room = self._size - len(self._indexes)
        packets = []
        for topic, payload in self._load[self._next : self._next + room]:
            packet_id = self._free_id()
            packets.append(encode(Publish(topic, payload, 1, packet_id)))
            self._indexes[packet_id] = self._next
            self._next += 1
        # One write is one pass through TLS; a write for each packet would be a record for each.
        return b"".join(packets)

    def acknowledge(self, packet_id: int) -> None:
        """A PUBACK came. Raises UnknownAcknowledgement."""
        index = self._indexes.pop(packet_id, None)
        if index is None:
            raise UnknownAcknowledgement(packet_id)
        if index != self.acknowledged:
            self._ahead.add(index)
            return
        self.acknowledged += 1
        while self.acknowledged in self._ahead:
            self._ahead.remove(self.acknowledged)
            self.acknowledged += 1

    def _free_id(self) -> int:
        """The next identifier that is not in use (2.3.1)."""
        while True:
            self._last_id = self._last_id % _LAST_ID + 1
            if self._last_id not in self._indexes:
                return self._last_id
