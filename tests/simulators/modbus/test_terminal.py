"""A serial port that is no device of this machine."""

from __future__ import annotations

import asyncio
import termios
from pathlib import Path

import pytest

from simulators.listening import CannotListen
from simulators.modbus.terminal import Terminal
from tests.simulators.modbus.ports import LIMIT_S, opened


async def test_bytes_go_both_ways_as_they_are(tmp_path: Path) -> None:
    heard = asyncio.get_running_loop().create_future()
    terminal = Terminal(str(tmp_path / "bus"), heard.set_result)
    every = bytes(range(256))
    with opened(tmp_path / "bus") as port:
        port.say(every)
        async with asyncio.timeout(LIMIT_S):
            assert await heard == every
        terminal.write(every)
        assert await port.hear(256) == every
    terminal.close()


async def test_it_knows_the_rate_that_the_client_set(tmp_path: Path) -> None:
    terminal = Terminal(str(tmp_path / "bus"), lambda data: None)
    with opened(tmp_path / "bus", termios.B9600):
        assert terminal.baud == 9600
    with opened(tmp_path / "bus", termios.B50):
        assert terminal.baud is None
    terminal.close()


async def test_the_next_client_finds_the_port_after_the_last_one_left(tmp_path: Path) -> None:
    terminal = Terminal(str(tmp_path / "bus"), lambda data: None)
    for _ in range(2):
        with opened(tmp_path / "bus") as port:
            terminal.write(b"abc")
            assert await port.hear(3) == b"abc"
    terminal.close()


async def test_pulled_out_its_link_is_gone_and_its_client_gets_an_error(tmp_path: Path) -> None:
    terminal = Terminal(str(tmp_path / "bus"), lambda data: None)
    with opened(tmp_path / "bus") as port:
        terminal.close()
        assert terminal.is_closing()
        assert not (tmp_path / "bus").is_symlink()
        with pytest.raises(OSError, match="Input/output error"):
            port.say(b"a")
    terminal.write(b"a")
    terminal.close()


async def test_the_link_of_a_killed_simulator_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "bus").symlink_to("/dev/pts/none")
    terminal = Terminal(str(tmp_path / "bus"), lambda data: None)
    assert (tmp_path / "bus").exists()
    terminal.close()
    (tmp_path / "file").touch()
    with pytest.raises(CannotListen, match="file is there already, and is no link"):
        Terminal(str(tmp_path / "file"), lambda data: None)
    with pytest.raises(CannotListen, match=r"bus cannot be made .No such file"):
        Terminal(str(tmp_path / "nowhere" / "bus"), lambda data: None)


async def test_what_nobody_reads_does_not_pile_up(tmp_path: Path) -> None:
    terminal = Terminal(str(tmp_path / "bus"), lambda data: None)
    for _ in range(1000):
        terminal.write(bytes(256))
    with opened(tmp_path / "bus") as port:
        await port.hear(10**6, 0.1)
        terminal.write(b"abc")
        assert await port.hear(3) == b"abc"
    terminal.close()
