"""Every kind of line against pymodbus' servers: all functions that they know, written and read back."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
import tty
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pymodbus import FramerType, ModbusDeviceIdentification
from pymodbus.server import ModbusSerialServer, ModbusTcpServer, ModbusTlsServer, ModbusUdpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from adapters.modbus import pdu
from adapters.modbus.settings import Connect
from adapters.modbus.wire import Wire, opened
from tests.adapters.modbus.authority import Authority
from tests.adapters.modbus.test_every_line import free_port

UNIT = 17
WHO = ModbusDeviceIdentification(info_name={"VendorName": "Pymodbus", "ProductCode": "PM"})  # type: ignore[no-untyped-call]  # pymodbus


def memory() -> list[SimDevice]:
    bits = SimData(0, values=[place in (3, 9, 17) for place in range(64)], datatype=DataType.BITS)
    words = SimData(0, values=list(range(1000, 1200)), datatype=DataType.REGISTERS)
    return [SimDevice(UNIT, ([bits], [bits], [words], [words]))]


def passed_on(own: int, other: int) -> None:
    os.write(other, os.read(own, 4096))


class Bridge:
    """Two pseudo-terminals, joined as by a null modem."""

    def __init__(self) -> None:
        self._pairs = [os.openpty() for _ in range(2)]
        self.paths = [os.ttyname(theirs) for _, theirs in self._pairs]
        loop = asyncio.get_running_loop()
        for (own, theirs), (other, _) in zip(self._pairs, reversed(self._pairs), strict=True):
            tty.setraw(theirs)
            loop.add_reader(own, passed_on, own, other)

    def close(self) -> None:
        for own, theirs in self._pairs:
            asyncio.get_running_loop().remove_reader(own)
            os.close(own)
            os.close(theirs)


@asynccontextmanager
async def served(kind: str, folder: Path) -> AsyncIterator[Wire]:
    logging.getLogger("pymodbus_internal").setLevel(logging.CRITICAL)
    settings: dict[str, Any] = {"modbus": f"{kind}://127.0.0.1:{free_port()}"}
    address = ("127.0.0.1", int(settings["modbus"].rsplit(":")[-1]))
    bridge = None
    server: Any
    if kind in ("rtu", "ascii"):
        bridge = Bridge()
        server = ModbusSerialServer(memory(), framer=FramerType(kind), port=bridge.paths[0], identity=WHO)
        settings["modbus"] = f"{kind}://{bridge.paths[1]}"
    elif kind == "udp":
        server = ModbusUdpServer(memory(), address=address, identity=WHO)
    elif kind == "tls":
        plant = Authority(folder, "plant")
        issued = plant.issue("device")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(issued.certificate, issued.key)
        server = ModbusTlsServer(memory(), framer=FramerType.SOCKET, address=address, sslctx=context, identity=WHO)
        settings["trust"] = plant.root
    else:
        framer = {"tcp": FramerType.SOCKET, "rtu+tcp": FramerType.RTU, "ascii+tcp": FramerType.ASCII}[kind]
        server = ModbusTcpServer(memory(), framer=framer, address=address, identity=WHO)
    await server.serve_forever(background=True)
    wire = await opened(Connect(**settings), 2.0, Counter())
    try:
        yield wire
    finally:
        await wire.close()
        await server.shutdown()
        if bridge is not None:
            bridge.close()


def words(*values: int) -> bytes:
    return b"".join(value.to_bytes(2, "big") for value in values)


@pytest.mark.parametrize("kind", ["tcp", "udp", "tls", "rtu+tcp", "ascii+tcp", "rtu", "ascii"])
async def test_pymodbus_is_read_and_written_on_this_line(kind: str, tmp_path: Path) -> None:
    async with asyncio.timeout(20), served(kind, tmp_path) as wire:

        async def ask(asked: pdu.Ask) -> bytes:
            return await wire.ask(UNIT, asked, 2.0)

        for function in (1, 2):
            assert await ask(pdu.read(function, 0, 19)) == bytes([0x08, 0x02, 0x02])
        for function in (3, 4):
            assert await ask(pdu.read(function, 5, 125)) == words(*range(1005, 1130))
        assert await ask(pdu.write_register(7, 0xABCD)) == b""
        assert await ask(pdu.mask_register(7, 0xFF00, 0x0012)) == b""
        assert await ask(pdu.write_registers(8, words(1, 2, 3))) == b""
        assert await ask(pdu.read(3, 7, 4)) == words(0xAB12, 1, 2, 3)
        assert await ask(pdu.read_write_registers(7, 3, 9, words(77))) == words(0xAB12, 1, 77)
        assert await ask(pdu.write_coil(0, True)) == b""
        assert await ask(pdu.write_coils(1, [True, False, True])) == b""
        assert await ask(pdu.read(1, 0, 8)) == bytes([0b00001011])
        assert b"Pymodbus" in await ask(pdu.identification(1, 0))
        with pytest.raises(pdu.Refusal, match="illegal data address"):
            await ask(pdu.read(3, 60000, 1))
        assert await ask(pdu.read(3, 0, 1)) == words(1000)
        assert wire.broken is None
