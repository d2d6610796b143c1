"""The hub's faults and counts; each fault must be what its name says."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from simulators import iothub
from simulators.iothub import State
from simulators.listening import CannotListen
from tests.simulators.iothub import packet
from tests.simulators.iothub.rig import Rig, running

EVENTS = "devices/m-1/messages/events/"
PUBACK_1 = b"\x40\x02\x00\x01"


async def test_away_nobody_listens_and_connections_are_closed(rig: Rig) -> None:
    client = await rig.connect("m-1")
    rig.hub.away()
    assert await client.ended() == b""
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(rig.settings.host, rig.hub.port)
    assert rig.hub.stats()["listening"] is False
    await rig.hub.back()
    assert await (await rig.connect("m-1")).ask(packet.publish(EVENTS, b"1", 1), 4) == PUBACK_1


async def test_away_for_a_time_it_comes_back_by_itself(rig: Rig) -> None:
    rig.hub.away(0.05)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(rig.settings.host, rig.hub.port)
    async with asyncio.timeout(2):
        while rig.hub.state is not State.THERE:
            await asyncio.sleep(0.01)
    await rig.connect("m-1")


async def test_back_ends_a_timed_outage_early_and_for_good(rig: Rig) -> None:
    rig.hub.away(0.1)
    await rig.hub.back()
    client = await rig.connect("m-1")
    await asyncio.sleep(0.15)
    assert await client.ask(packet.PINGREQ, 2) == b"\xd0\x00"


async def test_a_black_hole_accepts_and_never_answers(rig: Rig) -> None:
    client = await rig.connect("m-1")
    await rig.hub.black_hole()
    client.send(packet.PINGREQ + packet.publish(EVENTS, b"1", 1))
    assert await client.hears_nothing()
    _, writer = await asyncio.open_connection(rig.settings.host, rig.hub.port)
    writer.close()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await asyncio.open_connection(rig.settings.host, rig.hub.port, ssl=rig.tls("m-2"))
    assert rig.hub.received("m-1") == []
    await rig.hub.back()
    assert await client.ended() == b""
    await rig.connect("m-1")


async def test_a_black_hole_for_a_time_ends_by_itself(rig: Rig) -> None:
    client = await rig.connect("m-1")
    await rig.hub.black_hole(0.05)
    assert await client.ended() == b""
    async with asyncio.timeout(2):
        while rig.hub.state is not State.THERE:
            await asyncio.sleep(0.01)
    await rig.connect("m-1")


async def test_an_outage_after_a_black_hole_is_an_outage(rig: Rig) -> None:
    client = await rig.connect("m-1")
    await rig.hub.black_hole()
    rig.hub.away()
    assert await client.ended() == b""
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(rig.settings.host, rig.hub.port)


async def test_a_handshake_under_way_when_it_goes_away_leads_nowhere(rig: Rig) -> None:
    opening = asyncio.create_task(rig.open(rig.tls("m-1")))
    await asyncio.sleep(0)
    rig.hub.away()
    try:
        client = await opening
    except OSError:  # TLS trouble is an OSError too.
        pass
    else:
        client.send(packet.connect("m-1", rig.username("m-1")))
        assert await client.ended() == b""
    assert rig.hub.connected() == set()


async def test_a_delayed_puback_comes_later_and_in_order(rig: Rig) -> None:
    client = await rig.connect("m-1")
    rig.hub.faults.puback_delay_s = 0.3
    clock = asyncio.get_running_loop().time
    began = clock()
    assert await client.ask(packet.publish(EVENTS, b"1", 1) + packet.publish(EVENTS, b"2", 2), 8) == (
        PUBACK_1 + b"\x40\x02\x00\x02"
    )
    assert clock() - began >= 0.3
    assert len(rig.hub.received("m-1")) == 2


async def test_a_dropped_puback_is_of_a_message_that_arrived(rig: Rig) -> None:
    client = await rig.connect("m-1")
    rig.hub.faults.pubacks_to_drop = 2
    stream = b"".join(packet.publish(EVENTS, b"1", number) for number in (1, 2, 3))
    assert await client.ask(stream, 4) == b"\x40\x02\x00\x03"
    assert len(rig.hub.received("m-1")) == 3


async def test_a_disabled_device_loses_its_connection_and_others_keep_theirs(rig: Rig) -> None:
    first, second = await rig.connect("m-1"), await rig.connect("m-2")
    rig.hub.disable("m-1")
    assert await first.ended() == b""
    assert await second.ask(packet.PINGREQ, 2) == b"\xd0\x00"
    await rig.connect("m-1", b"\x20\x02\x00\x05")
    rig.hub.enable("m-1")
    await rig.connect("m-1")
    with pytest.raises(KeyError):
        rig.hub.disable("m-9")


async def test_counts_by_device(rig: Rig) -> None:
    client = await rig.connect("m-1")
    ids = (1, 2, 2, 5, 4)
    stream = b"".join(packet.publish(f"{EVENTS}$.mid=m-1-0000000a-{number}", b"12345", 1) for number in ids)
    await client.ask(stream, 20)
    stats = rig.hub.stats()["devices"]
    assert stats["m-1"] == {
        "enabled": True,
        "connected": True,
        "messages": 5,
        "bytes": 25,
        "unique": 4,
        "duplicates": 1,
        "out_of_order": 1,
        "missing": 1,
        "last_message_id": "m-1-0000000a-4",
    }
    assert stats["m-2"]["messages"] == 0
    assert not stats["m-2"]["connected"]
    assert not stats["m-off"]["enabled"]


async def test_the_ring_is_bounded_and_no_ledger_is_needed(tmp_path: Path, hub_folder: Path) -> None:
    async with running(tmp_path, hub_folder, ring=3, ledger=None) as rig:
        client = await rig.connect("m-1")
        await client.ask(b"".join(packet.publish(EVENTS, str(n).encode(), 1) for n in range(10)), 40)
        assert [message.body for message in rig.hub.received("m-1")] == [b"7", b"8", b"9"]
        assert rig.hub.arrivals("m-1").messages == 10
        assert not (tmp_path / "ledger.jsonl").exists()


async def test_a_hub_on_another_loopback_address_is_known_by_it(tmp_path: Path, hub_folder: Path) -> None:
    async with running(tmp_path, hub_folder, host="127.0.0.61") as rig:
        await rig.connect("m-1")  # the client checks the name, the hub the username


async def test_a_foreign_root_is_not_trusted_by_clients(rig: Rig) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        await rig.open(ssl.create_default_context())


async def test_a_taken_port_is_named(rig: Rig) -> None:
    from dataclasses import replace

    with pytest.raises(CannotListen, match=f"127.0.0.1:{rig.hub.port} is taken by another program: .*--port"):
        async with iothub.serve(replace(rig.settings, port=rig.hub.port)):
            pass
    await rig.connect("m-1")


async def test_stops_within_a_second_with_clients_connected(tmp_path: Path, hub_folder: Path) -> None:
    clock = asyncio.get_running_loop().time
    async with running(tmp_path, hub_folder) as rig:
        client = await rig.connect("m-1")
        began = clock()
    assert clock() - began < 1
    assert await client.ended() == b""


async def test_stops_within_a_second_with_a_client_that_hears_nothing(tmp_path: Path, hub_folder: Path) -> None:
    class Deaf(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            transport.pause_reading()
            transport.write(packet.connect("m-1", "no username"))

    loop = asyncio.get_running_loop()
    async with running(tmp_path, hub_folder) as rig:
        transport, _ = await loop.create_connection(Deaf, rig.settings.host, rig.hub.port, ssl=rig.tls("m-1"))
        await rig.until(lambda: bool(rig.hub.counters.refused))
        began = loop.time()
    assert loop.time() - began < 1
    transport.abort()


@pytest.mark.slow
async def test_a_hundred_devices_are_served_at_once(tmp_path: Path, hub_folder: Path) -> None:
    devices = {f"d-{number}": True for number in range(100)}
    async with running(tmp_path, hub_folder, devices=devices) as rig:

        async def send(device: str) -> None:
            client = await rig.connect(device)
            for number in range(1, 21):
                topic = f"devices/{device}/messages/events/$.mid={device}-00000001-{number}"
                assert await client.ask(packet.publish(topic, b'{"v":1}', number), 4)

        async with asyncio.TaskGroup() as group:
            for device in devices:
                group.create_task(send(device))
        stats = rig.hub.stats()["devices"].values()
        assert [(entry["unique"], entry["missing"], entry["out_of_order"]) for entry in stats] == [(20, 0, 0)] * 100
