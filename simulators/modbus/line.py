"""One line with the units behind it: pymodbus' framing and protocol, our registers, and the faults of both."""

from __future__ import annotations

import ssl
from collections.abc import Mapping

from simulators import listening
from simulators.modbus.caller import Caller
from simulators.modbus.endpoint import Endpoint
from simulators.modbus.faults import Faults
from simulators.modbus.memory import Memory
from simulators.modbus.server import Client, Server
from simulators.modbus.terminal import Terminal
from simulators.modbus.units import Absent, Units


class Line:
    """A line that can be unplugged, and units that can fall silent."""

    def __init__(
        self,
        endpoint: Endpoint,
        units: Mapping[int, Memory],
        absent: Absent = Absent.SILENCE,
        *,
        timed: bool = False,
        secure: ssl.SSLContext | None = None,
    ) -> None:
        """``timed``: a serial line takes the time of its baud rate, and understands no other rate.

        ``secure``: what a line with TLS needs.
        """
        if endpoint.secure and secure is None:
            raise ValueError(f"{endpoint.address} is a line with TLS, and there is no certificate for it")
        self.endpoint = endpoint
        self._secure = secure if endpoint.secure else None
        self.units = frozenset(units)
        self._baud = endpoint.baud if timed and endpoint.serial else None
        self.faults = Faults(character_s=endpoint.character_s() if self._baud else None, whole=endpoint.datagrams)
        self._memory = Units(units, absent, self.faults)
        self._server: Server | None = None
        self._terminal: Terminal | None = None
        self._caller: Caller | None = None
        self._client: Client | None = None

    @property
    def address(self) -> str:
        """Its name: ``host:port``, or as the point list spells it."""
        return self.endpoint.address

    @property
    def port(self) -> int:
        """Of this machine; 0 for a serial port."""
        return self.endpoint.port

    @property
    def plugged(self) -> bool:
        """Whether it can be reached."""
        return self._server is not None

    @property
    def silent(self) -> set[int]:
        """The units that do not answer at present."""
        return self.faults.silent

    @property
    def connections(self) -> int:
        """How many clients there are; a serial port has always one."""
        return 0 if self._server is None else len(self._server.active_connections)

    async def plug(self) -> None:
        """Open the port (0: a free one), make the serial port, or begin to call. Raises CannotListen."""
        if self._server is not None:
            return
        if self.endpoint.serial:
            self._terminal = Terminal(self.endpoint.path, self._heard)
            self._server = Server(self.endpoint, self._memory, self.faults)
            self._client = self._server.attach(self._terminal)
            return
        if self.endpoint.calls:
            self._server = Server(self.endpoint, self._memory, self.faults)
            self._caller = Caller(self.endpoint.host, self.endpoint.port, self._server.called)
            return
        # pymodbus only logs why a port cannot be had.
        remedy = "change the port in the point list (or --w1-first-port)"
        with listening.on(self.endpoint.host, self.endpoint.port, remedy, datagrams=self.endpoint.datagrams) as probe:
            self.endpoint = self.endpoint._replace(port=probe.getsockname()[1])
        server = Server(self.endpoint, self._memory, self.faults, self._secure)
        await server.serve_forever(background=True)
        self._server = server

    def unplug(self) -> None:
        """Close the port and all connections, or pull the serial adapter out."""
        if self._caller is not None:
            self._caller.close()
            self._caller = None
        if self._server is not None:
            self._server.close()
            self._server = None
        self._terminal = None

    def _heard(self, data: bytes) -> None:
        if self._terminal is not None and self._client is not None and self._baud in (None, self._terminal.baud):
            self._client.data_received(data)
