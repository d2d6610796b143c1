"""A serial port made of a pseudo-terminal, linked at a path: one end is the client's, this one is the line's."""

from __future__ import annotations

import asyncio
import os
import termios
import tty
from collections.abc import Callable
from pathlib import Path

from simulators.listening import CannotListen

_BAUDS = {
    getattr(termios, f"B{baud}"): baud
    for baud in (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400)
}
_OUT_SPEED = 5
"""Where ``tcgetattr`` has it."""


class Terminal(asyncio.Transport):
    """An open port. What a client writes goes to ``heard``. Raises CannotListen where the path cannot be had."""

    def __init__(self, path: str, heard: Callable[[bytes], None]) -> None:
        super().__init__()
        self._path = Path(path)
        self._heard = heard
        # The client's end stays open here too: a port does not hang up when its client goes.
        self._own, self._theirs = os.openpty()
        tty.setraw(self._theirs)
        os.set_blocking(self._own, False)
        self._open = True
        try:
            _link(self._path, os.ttyname(self._theirs))
        except CannotListen:
            self._close_ends()
            raise
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._own, self._read)

    @property
    def baud(self) -> int | None:
        """The rate that the client set; None for one that is unusual."""
        return _BAUDS.get(termios.tcgetattr(self._theirs)[_OUT_SPEED])

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Say something. What finds no room is lost, as on a wire on which nobody listens."""
        if not self._open:
            return
        try:
            os.write(self._own, data)
        except BlockingIOError:
            termios.tcflush(self._theirs, termios.TCIFLUSH)

    def close(self) -> None:
        """As if the adapter were pulled out: clients get an error, and the link is gone."""
        if not self._open:
            return
        self._loop.remove_reader(self._own)
        if self._path.is_symlink() and self._path.readlink() == Path(os.ttyname(self._theirs)):
            self._path.unlink()
        self._close_ends()

    def is_closing(self) -> bool:
        """Whether it was closed."""
        return not self._open

    def _close_ends(self) -> None:
        self._open = False
        os.close(self._own)
        os.close(self._theirs)

    def _read(self) -> None:
        self._heard(os.read(self._own, 4096))


def _link(path: Path, target: str) -> None:
    """A link of an earlier simulator is replaced, anything else is left alone."""
    if path.exists() and not path.is_symlink():
        raise CannotListen(f"{path} is there already, and is no link: choose another path in the point list")
    try:
        path.unlink(missing_ok=True)
        path.symlink_to(target)
    except OSError as error:
        raise CannotListen(
            f"{path} cannot be made ({error.strerror}): choose another path in the point list"
        ) from error
