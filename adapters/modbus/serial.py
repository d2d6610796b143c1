"""Serial ports, with pyserial: bytes out and in, without a thread."""

from __future__ import annotations

import asyncio
import errno
import os
import termios
from collections import Counter
from contextlib import suppress
from typing import Final

import serial
from serial import rs485

from adapters.modbus.exchange import Exchange, Talk
from adapters.modbus.settings import Connect
from gateway.adapter import LinkLost

_PARITY: Final = {"even": "E", "odd": "O", "none": "N"}
_CHUNK = 4096


def opened(device: str, connect: Connect, talk: Talk, counters: Counter[str]) -> Exchange:
    """Open a port for us alone. Raises LinkLost, which says what to do."""
    try:
        port = serial.Serial(
            device,
            connect.baud,
            *_character(device, connect),
            connect.stop,
            timeout=0,
            exclusive=True,
        )
    except (OSError, ValueError, termios.error) as error:
        raise _unopened(device, error) from error
    try:
        if connect.rs485 == "rts":
            _switch_driver(port)
        port.reset_input_buffer()
        exchange = Exchange(talk, counters)
        Port(port, exchange)
    except (OSError, termios.error) as error:
        port.close()
        raise _unopened(device, error) from error
    except LinkLost:
        port.close()
        raise
    return exchange


def _switch_driver(port: serial.Serial) -> None:
    try:
        port.rs485_mode = rs485.RS485Settings()
    except (OSError, ValueError) as error:
        remedy = "write rs485: none where the adapter switches by itself, as most USB adapters do"
        raise LinkLost("this port cannot switch an RS-485 driver", remedy) from error


def bits(connect: Connect) -> int:
    """Bits of a character on the line, start, parity and stop among them."""
    return 1 + connect.data_bits + (connect.parity != "none") + connect.stop


def _character(device: str, connect: Connect) -> tuple[int, str]:
    """Data bits and parity to set."""
    if os.path.realpath(device).startswith("/dev/pts/"):
        # A pseudo-terminal always has 8 and none, and refuses others the second time it is asked for them.
        return 8, "N"
    return connect.data_bits, _PARITY[connect.parity]


def _unopened(device: str, error: Exception) -> LinkLost:
    if isinstance(error, ValueError):
        return LinkLost(f"{device} cannot be set so: {str(error).lower()}", _SETTINGS)
    for numbers, reason, remedy in _TROUBLE:
        if _number(error) in numbers:
            return LinkLost(reason.format(device=device), remedy)
    return LinkLost(f"{device} cannot be opened: {error}", "check its name and its settings")


_SETTINGS = "check baud, parity, stop and data_bits: not every adapter has all"
_TROUBLE = (
    (
        (errno.ENOENT, errno.ENOTDIR),
        "there is no {device}",
        "is the adapter plugged in? See ls /dev/serial/by-id",
    ),
    ((errno.EACCES, errno.EPERM), "{device} may not be opened", "add the gateway's user to the group dialout"),
    ((errno.EAGAIN, errno.EBUSY), "{device} is in use", "end the other program that has it open"),
    ((errno.EINVAL,), "{device} cannot be set so", _SETTINGS),
    (
        (errno.ENOTTY, errno.EISDIR, errno.ELOOP),
        "{device} is no serial port",
        "name one of those that ls /dev/serial/by-id shows",
    ),
    (
        (errno.EIO, errno.ENXIO, errno.ENODEV),
        "there is no hardware behind {device}",
        "is the adapter plugged in? Another port may be meant: ls /dev/serial/by-id",
    ),
)


def _number(error: BaseException) -> int:
    """The system's number of it; where pyserial only quotes it, that of what it quotes."""
    if error.args and isinstance(error.args[0], int):
        return error.args[0]
    return _number(error.__context__) if error.__context__ is not None else 0


class Port:
    """An open port as ``exchange.Sender``: it calls its exchange as asyncio's transports do."""

    def __init__(self, port: serial.Serial, exchange: Exchange) -> None:
        self._loop = asyncio.get_running_loop()
        self._port = port
        self._descriptor: int = port.fileno()
        self._exchange = exchange
        self._unsent = bytearray()
        self._open = True
        os.set_blocking(self._descriptor, False)
        exchange.connection_made(self)
        self._loop.add_reader(self._descriptor, self._read)

    def write(self, data: bytes) -> None:
        """Sent as the port takes it."""
        if not self._open:
            return
        if self._unsent:
            # The port did not take the request before this one, which nobody waits for any more: it must not come late.
            with suppress(OSError, termios.error):
                termios.tcflush(self._descriptor, termios.TCOFLUSH)
        self._unsent = bytearray(data)
        self._write()

    def abort(self) -> None:
        """Closed when this returns; what is not sent yet is not sent."""
        self._close(None)

    def _read(self) -> None:
        try:
            data = os.read(self._descriptor, _CHUNK)
        except BlockingIOError:
            return
        except OSError as error:
            self._close(error)
            return
        if data:
            self._exchange.data_received(data)
        else:
            self._close(OSError("the adapter was unplugged"))

    def _write(self) -> None:
        try:
            sent = os.write(self._descriptor, self._unsent)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._close(error)
            return
        del self._unsent[:sent]
        if self._unsent:
            self._loop.add_writer(self._descriptor, self._write)
        else:
            self._loop.remove_writer(self._descriptor)

    def _close(self, error: OSError | None) -> None:
        if not self._open:
            return
        self._open = False
        self._loop.remove_reader(self._descriptor)
        self._loop.remove_writer(self._descriptor)
        # A port is closed when all is sent that it holds, and this would wait for it: what is not sent is dropped.
        with suppress(OSError, termios.error):
            self._port.reset_output_buffer()
        self._port.close()
        self._loop.call_soon(self._exchange.connection_lost, error)
