"""pymodbus' server with what it lacks: answers that are late, slow or wrong, and clients that are turned away."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from typing import cast

from pymodbus.framer import FramerType
from pymodbus.pdu import ModbusPDU
from pymodbus.server import ModbusBaseServer
from pymodbus.server.requesthandler import ServerRequestHandler
from pymodbus.simulator import DataType, SimData, SimDevice
from pymodbus.transport import CommParams, CommType

from simulators.modbus import requests
from simulators.modbus.endpoint import Endpoint, Kind
from simulators.modbus.faults import Faults
from simulators.modbus.units import Units
from simulators.modbus.wrong import Answer, Piece

FRAME_GAP_S = 0.05
"""After so much silence a serial device begins anew. The standard says 3.5 characters, but a client may be halted."""
BROADCAST = 0
"""Of serial lines: carried out by all, answered by none."""

_FRAMERS: dict[Kind, FramerType] = {
    "tcp": FramerType.SOCKET,
    "udp": FramerType.SOCKET,
    "tls": FramerType.SOCKET,
    "listen": FramerType.SOCKET,
    "rtu": FramerType.RTU,
    "rtu+tcp": FramerType.RTU,
    "ascii": FramerType.ASCII,
    "ascii+tcp": FramerType.ASCII,
}


class Server(ModbusBaseServer):
    """Of one line. It does not listen on a serial port, nor where devices call: there clients are made by hand."""

    def __init__(self, endpoint: Endpoint, units: Units, faults: Faults, secure: ssl.SSLContext | None = None) -> None:
        params = CommParams(
            comm_name="line",
            comm_type=CommType.UDP if endpoint.datagrams else CommType.TCP,
            reconnect_delay=0.0,
            source_address=(endpoint.host, endpoint.port),
            sslctx=secure,
        )
        nothing = SimDevice(id=1, simdata=SimData(0, datatype=DataType.REGISTERS))
        framer = _FRAMERS[endpoint.kind]
        super().__init__(params, nothing, True, not endpoint.packets, None, framer, None, None, None, None)
        requests.known_to(self.decoder)
        self.context = units
        self.units = units
        self.faults = faults
        self.packets = endpoint.packets

    def callback_new_connection(self) -> Client:
        return Client(self)

    def attach(self, transport: asyncio.Transport) -> Client:
        """The client that is at the other end of a serial port."""
        client = self.called()
        client.connection_made(transport)
        return client

    def called(self) -> Client:
        """One that a device calls: the protocol of the connection that is to be made."""
        # What is closed with the server; it stands nowhere else where no port is listened on.
        self.is_listener = True
        client = self.handle_new_connection()
        assert isinstance(client, Client)  # noqa: S101 (what callback_new_connection makes)
        return client


class Client(ServerRequestHandler):
    """One client of a line."""

    def __init__(self, server: Server) -> None:
        super().__init__(server, None, None, None)  # type: ignore[no-untyped-call]  # pymodbus
        self.gone = asyncio.Event()
        """Set when the connection has ended, whoever ended it."""
        self._line = server
        self._heard = b""
        self._heard_at = 0.0
        self._saying: set[asyncio.Task[None]] = set()
        self._idle: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        limit = self._line.faults.connections
        if limit is not None and len(self._line.active_connections) > limit:
            self.close()
            return
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.gone.set()

    def callback_disconnected(self, exc: Exception | None) -> None:
        super().callback_disconnected(exc)
        if self._idle is not None:
            self._idle.cancel()
        for task in self._saying:
            task.cancel()

    def datagram_received(self, data: bytes, addr: tuple[str, int] | None) -> None:
        now = self.loop.time()
        if not self._line.packets and now - self._heard_at > FRAME_GAP_S:
            self.recv_buffer = self._heard = b""
        self._heard_at = now
        self._heard = data if self._line.packets else self._heard + data
        self._watch()
        super().datagram_received(data, addr)

    def server_send(self, pdu: ModbusPDU, addr: tuple[str, int] | None) -> None:
        """Answer, as far as the faults of the line let it through."""
        unit = pdu.dev_id
        if not self._line.units.heard(unit) or (unit == BROADCAST and not self._line.packets):
            return
        said = bytes((pdu.function_code,)) + pdu.encode()
        answer = Answer(pdu.transaction_id, unit, said, self.framer.encode, self._heard)
        self._heard = b""
        pieces = self._line.faults.pieces(answer)
        if len(pieces) == 1 and isinstance(pieces[0], bytes):
            self._put(pieces[0], addr)
            return
        task = self.loop.create_task(self._say(pieces, addr))
        self._saying.add(task)
        task.add_done_callback(self._saying.discard)

    async def _say(self, pieces: Sequence[Piece], addr: tuple[str, int] | None) -> None:
        due = self.loop.time()
        for piece in pieces:
            if isinstance(piece, bytes):
                self._put(piece, addr)
            else:
                due += piece
                await asyncio.sleep(due - self.loop.time())

    def _put(self, data: bytes, addr: tuple[str, int] | None) -> None:
        if self.transport is None:
            return
        if addr is not None:
            cast(asyncio.DatagramTransport, self.transport).sendto(data, addr)
        else:
            cast(asyncio.WriteTransport, self.transport).write(data)

    def _watch(self) -> None:
        """Close after a while without requests, where the line does so."""
        if self._idle is not None:
            self._idle.cancel()
        idle_s = self._line.faults.idle_s
        self._idle = None if idle_s is None else self.loop.call_later(idle_s, self.close)
