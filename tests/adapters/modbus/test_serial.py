"""Serial ports over pairs of pseudo-terminals: settings reach the port, and each kind of trouble is told."""

from __future__ import annotations

import asyncio
import os
import termios
import tty
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import serial

from adapters.modbus import pdu
from adapters.modbus.exchange import Exchange
from adapters.modbus.serial import bits
from adapters.modbus.settings import Connect
from adapters.modbus.wire import Wire, opened
from gateway.adapter import LinkLost
from tests.adapters.modbus.lines import unit
from tests.adapters.modbus.peers import Peer, Pty

READ = pdu.read(3, 0, 1)


@pytest.fixture
async def pty() -> AsyncIterator[Pty]:
    made = Pty(Peer("rtu", {1: unit(1111)}))
    await made.open()
    yield made
    await made.close()


async def port(pty: Pty, **settings: Any) -> Wire:
    connect = Connect.model_validate({"modbus": f"rtu://{pty.path}", **settings})
    return await opened(connect, 1.0, Counter())


@pytest.mark.parametrize(
    ("settings", "rate", "stops"),
    [({}, termios.B19200, 0), ({"baud": "9600"}, termios.B9600, 0), ({"baud": "2400", "stop": "2"}, termios.B2400, 1)],
)
async def test_its_settings_are_those_of_the_port(pty: Pty, settings: dict[str, str], rate: int, stops: int) -> None:
    wire = await port(pty, **settings)
    _, _, control, _, _, out, _ = termios.tcgetattr(pty._own)
    await wire.close()
    assert (out, bool(control & termios.CSTOPB)) == (rate, bool(stops))


async def test_a_real_port_gets_its_parity_and_is_ours_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, ...]] = []

    def none(*settings: object, **more: object) -> None:
        asked.append((*settings, more["exclusive"]))
        raise FileNotFoundError(2, "")

    monkeypatch.setattr("adapters.modbus.serial.serial.Serial", none)
    for parity in ("even", "odd", "none"):
        with pytest.raises(LinkLost):
            await opened(Connect(modbus="rtu:///dev/ttyS0", baud=9600, parity=parity), 1.0, Counter())
    assert asked == [("/dev/ttyS0", 9600, 8, letter, 1, True) for letter in "EON"]


@pytest.mark.parametrize(
    ("error", "reason", "remedy"),
    [
        (FileNotFoundError(2, ""), "there is no /dev/ttyS0", "ls /dev/serial/by-id"),
        (PermissionError(13, ""), "/dev/ttyS0 may not be opened", "dialout"),
        (BlockingIOError(11, ""), "/dev/ttyS0 is in use", "other program"),
        (termios.error(22, "Invalid argument"), "/dev/ttyS0 cannot be set so", "parity"),
        (ValueError("Invalid baud rate: 77"), "/dev/ttyS0 cannot be set so: invalid baud rate: 77", "check baud"),
        (termios.error(5, "Input/output error"), "there is no hardware behind /dev/ttyS0", "plugged in"),
        (OSError(121, "Remote I/O error"), "/dev/ttyS0 cannot be opened: [Errno 121] Remote I/O error", "its settings"),
    ],
)
async def test_each_trouble_of_a_port_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str, remedy: str
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("adapters.modbus.serial.serial.Serial", fails)
    with pytest.raises(LinkLost) as caught:
        await opened(Connect(modbus="rtu:///dev/ttyS0"), 1.0, Counter())
    assert caught.value.reason == reason
    assert remedy in caught.value.remedy


def test_a_character_has_a_start_bit_too() -> None:
    def of(**settings: Any) -> int:
        return bits(Connect(modbus="ascii:///dev/ttyS0", **settings))

    assert (of(), of(parity="none"), of(parity="none", stop=2), of(data_bits=7)) == (11, 10, 11, 10)


async def test_an_answer_is_read(pty: Pty) -> None:
    wire = await port(pty)
    assert await wire.ask(1, READ, 1.0) == (1111).to_bytes(2, "big")
    await wire.close()


async def test_what_stood_in_the_port_before_is_thrown_away(pty: Pty) -> None:
    os.write(pty._own, b"\1\3\2\x1a\x0a")
    wire = await port(pty)
    assert await wire.ask(1, READ, 1.0) == (1111).to_bytes(2, "big")
    await wire.close()


async def test_long_requests_are_sent_whole(pty: Pty) -> None:
    wire = await port(pty)
    for _ in range(40):
        await wire.ask(1, pdu.write_registers(0, bytes(246)), 1.0)
    assert len(pty.peer.requests) == 40
    await wire.close()


async def test_what_the_port_did_not_take_in_time_is_not_sent_later_nor_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.openpty()
    tty.setraw(ours)
    wire = await opened(Connect(modbus=f"rtu://{os.ttyname(theirs)}"), 1.0, Counter())
    assert isinstance(wire, Exchange)
    taken: list[bytes] = []

    def full(descriptor: int, data: bytes) -> int:
        taken.append(bytes(data))
        raise BlockingIOError

    monkeypatch.setattr(os, "write", full)
    long = pdu.write_registers(0, bytes(246))
    for _ in range(3):
        with pytest.raises((TimeoutError, pdu.WrongAnswer)):
            await wire.ask(1, long, 0.02)
    with pytest.raises((TimeoutError, pdu.WrongAnswer)):
        await wire.ask(1, READ, 0.02)
    monkeypatch.undo()
    assert {len(data) for data in taken} == {255, 8}, "never two requests in one"
    await asyncio.sleep(0.05)
    assert len(os.read(ours, 4096)) == 8, "the port takes bytes again: of the last request alone"
    await wire.close()
    for descriptor in (ours, theirs):
        os.close(descriptor)


async def test_two_requests_have_a_silence_between_them(pty: Pty) -> None:
    wire = await port(pty, baud="1200", parity="none")
    loop = asyncio.get_running_loop()
    await wire.ask(1, READ, 1.0)
    heard = loop.time()
    await wire.ask(1, READ, 1.0)
    assert loop.time() - heard >= 3.5 * 10 / 1200
    await wire.close()


async def test_a_slow_line_has_time_for_its_bytes(pty: Pty) -> None:
    """At 1200 baud 125 registers take 2.1 s: the timeout is for the device, not for the wire."""
    wire = await port(pty, baud="1200", parity="none")
    pty.peer.units[1].registers[3] = dict.fromkeys(range(125), 7)
    pty.peer.rogue = lambda peer, unit, true: [0.2, peer.seal(unit, true)]
    assert len(await wire.ask(1, pdu.read(3, 0, 125), 0.05)) == 250
    await wire.close()


async def test_an_adapter_that_is_pulled_out_is_told_at_once() -> None:
    pty = Pty(Peer("rtu", {}))
    await pty.open()
    wire = await port(pty)
    waiting = asyncio.create_task(wire.rest(asyncio.get_running_loop().time() + 9.0))
    await asyncio.sleep(0)
    await pty.close()
    with pytest.raises(LinkLost, match="the connection broke"):
        await waiting
    with pytest.raises(LinkLost):
        await wire.ask(1, READ, 1.0)
    await wire.close()


async def test_a_port_that_is_not_there_says_where_to_look() -> None:
    with pytest.raises(LinkLost, match=r"^there is no /dev/serial/by-id/none$") as caught:
        await opened(Connect(modbus="rtu:///dev/serial/by-id/none"), 1.0, Counter())
    assert "ls /dev/serial/by-id" in caught.value.remedy


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def no_ports(folder: Path) -> dict[str, str]:
    """Things that are no serial ports, and what is said of each."""
    (folder / "file").touch()
    (folder / "a").symlink_to(folder / "b")
    (folder / "b").symlink_to(folder / "a")
    return {
        str(folder / "file"): "is no serial port",
        str(folder): "is no serial port",
        str(folder / "a"): "is no serial port",
        "/dev/null": "is no serial port",
        str(folder / "file" / "x"): "there is no",
    }


async def test_what_is_no_serial_port_is_told_so_and_nothing_stays_open(tmp_path: Path) -> None:
    before = open_files()
    for path, said in no_ports(tmp_path).items():
        with pytest.raises(LinkLost, match=said) as caught:
            await opened(Connect(modbus=f"rtu://{path}"), 1.0, Counter())
        assert "/dev/serial/by-id" in caught.value.remedy
    assert open_files() == before


async def test_a_port_that_goes_away_while_it_is_opened_is_a_lost_link_and_closed(
    pty: Pty, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(port: object) -> None:
        raise termios.error(5, "Input/output error")

    before = open_files()
    monkeypatch.setattr("adapters.modbus.serial.serial.Serial.reset_input_buffer", gone)
    with pytest.raises(LinkLost, match="no hardware behind"):
        await port(pty)
    assert open_files() == before


async def test_a_port_is_closed_without_waiting_for_what_it_has_not_sent(
    pty: Pty, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A driver keeps what closes a port waiting until all is sent, up to 30 s: nothing else would run meanwhile."""
    done: list[str] = []

    def noted(name: str) -> None:
        true = getattr(serial.Serial, name)

        def call(port: serial.Serial) -> None:
            done.append(name)
            true(port)

        monkeypatch.setattr(serial.Serial, name, call)

    wire = await port(pty)
    noted("reset_output_buffer")
    noted("close")
    await wire.close()
    assert done[:2] == ["reset_output_buffer", "close"]


async def test_a_pseudo_terminal_can_be_opened_again_with_7_data_bits() -> None:
    made = Pty(Peer("ascii", {1: unit(1111)}))
    await made.open()
    connect = Connect(modbus=f"ascii://{made.path}", data_bits=7, parity="even", stop=1)
    for _ in range(3):
        wire = await opened(connect, 1.0, Counter())
        assert await wire.ask(1, READ, 1.0) == (1111).to_bytes(2, "big")
        await wire.close()
    await made.close()


async def test_a_port_has_one_user(pty: Pty) -> None:
    wire = await port(pty)
    with pytest.raises(LinkLost, match=r"is in use$"):
        await port(pty)
    await wire.close()
    await (await port(pty)).close()


async def test_a_port_that_cannot_switch_a_driver_says_so(pty: Pty) -> None:
    with pytest.raises(LinkLost, match="RS-485") as caught:
        await port(pty, rs485="rts")
    assert "rs485: none" in caught.value.remedy
    await (await port(pty)).close()
