"""One client's connection to the hub: packets in, answers out, and what IoT Hub closes a connection for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Protocol

from simulators.iothub import packets, topics
from simulators.iothub.admission import judge
from simulators.iothub.ledger import Message
from simulators.iothub.packets import Connect, Malformed, Packet, Publish

LARGEST_PACKET = topics.LARGEST_MESSAGE + 65_537 + 2
"""A message of the largest size, the longest topic with its length, and a packet id."""
CONNECT_WITHIN_S = 30.0
LONGEST_SILENCE_S = 1767.0
"""The hub waits for no client longer than this, whatever its keepalive says."""


class Violation(Exception):
    """The client did what IoT Hub closes a connection for."""


class Owner(Protocol):
    """What a connection needs of its hub."""

    devices: dict[str, bool]
    names: set[str]

    def opened(self, connection: Connection) -> None: ...
    def admitted(self, connection: Connection, connect: Connect) -> tuple[set[str], bool]: ...
    def closed(self, connection: Connection) -> None: ...
    def count_refused(self, reason: str) -> None: ...
    def count_closed(self, reason: str) -> None: ...
    def record(self, messages: Sequence[Message]) -> bool: ...
    def acknowledge(self, connection: Connection, packet_ids: Sequence[int]) -> None: ...


class Connection(asyncio.Protocol):
    """From the TLS handshake to the end; known to the hub by its device from CONNECT on."""

    def __init__(self, hub: Owner) -> None:
        self._hub = hub
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._received: list[Message] = []
        self._to_acknowledge: list[int] = []
        self._silence_s = CONNECT_WITHIN_S
        self._connect: Connect | None = None
        self._hung = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """TLS is through: the client's certificate is of a trusted root."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 (what create_server gives)
        self._transport = transport
        self._heard = self._loop.time()
        self._watch = self._loop.call_later(self._silence_s, self._check_silence)
        self._hub.opened(self)

    def connection_lost(self, error: Exception | None) -> None:
        """The end, whoever made it; a will that was not withdrawn by DISCONNECT is published now."""
        self._watch.cancel()
        if self._connect is not None and self._connect.will is not None:
            will = self._connect.will
            self._keep(Publish(will.topic, will.payload, 0, 0, will.retain), {"iothub-MessageType": "Will"})
            self._record()
        self._hub.closed(self)

    @property
    def device(self) -> str | None:
        """The device that it is let in as."""
        return self._connect.client_id if self._connect else None

    def data_received(self, data: bytes) -> None:
        """Take what is complete; acknowledge it when all of it is recorded."""
        self._heard = self._loop.time()
        if self._transport.is_closing():
            return
        self._buffer += data
        try:
            for packet in packets.split(self._buffer, LARGEST_PACKET):
                self._take(packet)
                if self._transport.is_closing():
                    break
        except (Malformed, Violation) as error:
            self._record()
            self._hub.count_closed(str(error))
            self._transport.close()
        else:
            self._record()

    def pause_writing(self) -> None:
        """A client that does not read its acknowledgements is not read either."""
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """It reads again."""
        if not self._hung:
            self._transport.resume_reading()

    def hang(self) -> None:
        """Neither read nor answer any more, but stay open."""
        self._hung = True
        self._watch.cancel()
        self._transport.pause_reading()

    def acknowledge(self, packet_ids: Sequence[int]) -> None:
        """Send PUBACKs."""
        if not self._transport.is_closing() and not self._hung:
            self._transport.write(b"".join(map(packets.puback, packet_ids)))

    def abort(self) -> None:
        """End it at once."""
        self._transport.abort()

    def _take(self, packet: Packet) -> None:
        packets.check_flags(packet)
        if packet.type == packets.PUBLISH and self._connect is not None:
            self._publish(packets.publish(packet))
        elif packet.type == packets.CONNECT:
            self._admit(packet)
        elif self._connect is None:
            raise Malformed("a first packet other than CONNECT")
        elif packet.type == packets.PINGREQ:
            self._transport.write(packets.PINGRESP)
        elif packet.type == packets.SUBSCRIBE:
            self._subscribe(packets.subscribe(packet))
        elif packet.type == packets.UNSUBSCRIBE:
            self._unsubscribe(packets.unsubscribe(packet))
        else:
            self._disconnect(self._connect)

    def _admit(self, packet: Packet) -> None:
        if self._connect is not None:
            raise Malformed("a second CONNECT")
        try:
            connect = packets.connect(packet)
        except packets.UnknownLevel as error:
            self._refuse(packets.UNACCEPTABLE_LEVEL, str(error))
            return
        common_name = _common_name(self._transport.get_extra_info("peercert"))
        verdict = judge(connect, common_name, self._hub.devices, self._hub.names)
        if verdict.code != packets.ACCEPTED:
            self._refuse(verdict.code, verdict.reason)
            return
        self._events = topics.events(connect.client_id)
        if connect.will is not None and topics.bag_text(connect.will.topic, self._events) is None:
            raise Violation("a will for a foreign topic")
        self._connect = connect
        self._silence_s = min(1.5 * connect.keepalive_s or LONGEST_SILENCE_S, LONGEST_SILENCE_S)
        self._watch.cancel()
        self._watch = self._loop.call_later(self._silence_s, self._check_silence)
        self._subscriptions, present = self._hub.admitted(self, connect)
        self._transport.write(packets.connack(packets.ACCEPTED, present))

    def _refuse(self, code: int, reason: str) -> None:
        self._hub.count_refused(reason)
        self._transport.write(packets.connack(code, session_present=False))
        self._transport.close()

    def _publish(self, publish: Publish) -> None:
        if publish.qos == 2:
            raise Violation("a PUBLISH of QoS 2")
        self._keep(publish, {})
        if publish.qos:
            self._to_acknowledge.append(publish.packet_id)

    def _keep(self, publish: Publish, stamps: dict[str, str]) -> None:
        text = topics.bag_text(publish.topic, self._events)
        if text is None:
            raise Violation("a PUBLISH to a foreign topic")
        assert self._connect is not None  # noqa: S101 (before it there is no topic of its own)
        system, properties = topics.bag(text)
        if topics.size(publish.payload, topics.Bag(system, properties)) > topics.LARGEST_MESSAGE:
            raise Violation("a message of more than 256 KB")
        device = self._connect.client_id
        system["iothub-connection-device-id"] = device
        properties.update(stamps)
        if publish.retain:
            properties["mqtt-retain"] = "true"
        self._received.append(Message(time.time_ns(), device, publish.topic, properties, system, publish.payload))

    def _record(self) -> None:
        """Give the hub what has come; without a record there is no acknowledgement."""
        if self._received:
            received, self._received = self._received, []
            to_acknowledge, self._to_acknowledge = self._to_acknowledge, []
            if self._hub.record(received):
                self._hub.acknowledge(self, to_acknowledge)
            else:
                self._transport.abort()

    def _subscribe(self, request: packets.Subscribe) -> None:
        codes = []
        for topic_filter, qos in request.filters:
            wanted = self._subscriptions | {topic_filter}
            if topics.documented(topic_filter, str(self.device)) and len(wanted) <= topics.MOST_SUBSCRIPTIONS:
                self._subscriptions.add(topic_filter)
                codes.append(min(qos, 1))
            else:
                codes.append(packets.SUBSCRIPTION_REFUSED)
        self._transport.write(packets.suback(request.packet_id, codes))

    def _unsubscribe(self, request: packets.Unsubscribe) -> None:
        self._subscriptions.difference_update(request.filters)
        self._transport.write(packets.unsuback(request.packet_id))

    def _disconnect(self, connect: Connect) -> None:
        self._connect = connect._replace(will=None)
        self._transport.close()

    def _check_silence(self) -> None:
        rest = self._heard + self._silence_s - self._loop.time()
        if rest > 0:
            self._watch = self._loop.call_later(rest, self._check_silence)
            return
        self._hub.count_closed("keepalive" if self._connect else "no CONNECT")
        self._transport.abort()


def _common_name(certificate: dict[str, Any]) -> str:
    """The subject's common name, of a certificate as ``SSLSocket.getpeercert`` gives it; "" without one."""
    for part in certificate.get("subject", ()):
        for name, value in part:
            if name == "commonName":
                return str(value)
    return ""
