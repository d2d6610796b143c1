"""What a plant will cost, before it runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway import plugins
from gateway.forecast import HEADER_BYTES, forecast
from gateway.plant import read
from tests.gateway.field import PROFILE, plant

ADAPTERS = plugins.find().adapters


def test_counts_requests_and_bytes_of_a_line(tmp_path: Path) -> None:
    [line] = forecast(read(plant(tmp_path, "tcp://127.0.0.1:1"), ADAPTERS), ADAPTERS).lines
    assert (line.name, line.points, len(line.planned)) == ("tcp://127.0.0.1:1", 4, 2)
    assert line.requests_per_s == pytest.approx(1 + 1 / 60)
    # A request is 12 bytes; answers are 9 bytes and two for each register (Messaging on TCP/IP, section 3.1.3).
    assert line.bytes_per_s == pytest.approx((12 + 9 + 2 * 4) + (12 + 9 + 2 * 2) / 60)


def test_counts_messages_of_each_rate_a_day(tmp_path: Path) -> None:
    [device] = forecast(read(plant(tmp_path, "tcp://127.0.0.1:1"), ADAPTERS), ADAPTERS).devices
    assert device.messages_per_day == 86_400 + 1_440
    assert device.billed_per_day == device.messages_per_day
    smallest = len(json.dumps({"ts": "2026-11-22T18:29:49.123Z", "values": {"energy": 2302}}))
    assert device.bytes_per_day > device.messages_per_day * (HEADER_BYTES + smallest)
    assert not device.fewer


def test_points_that_are_read_once_cost_nothing_a_day(tmp_path: Path) -> None:
    once = PROFILE.replace("every: 1s", "every: start").replace("every: 60s", "every: start")
    found = forecast(read(plant(tmp_path, "tcp://127.0.0.1:1", once), ADAPTERS), ADAPTERS)
    assert found.lines[0].requests_per_s == found.devices[0].messages_per_day == 0
    assert len(found.lines[0].planned) == 1  # of one rate, and near each other


def test_says_that_deadbands_make_it_fewer(tmp_path: Path) -> None:
    quiet = PROFILE.replace("every: 1s}", "every: 1s, deadband: 0}").replace("unit: kW}", "unit: kW, deadband: 0}")
    [device] = forecast(read(plant(tmp_path, "tcp://127.0.0.1:1", quiet), ADAPTERS), ADAPTERS).devices
    assert device.fewer


def test_a_long_message_is_counted_as_the_hub_counts_it(tmp_path: Path) -> None:
    """Each begun 4 KB is one message of the quota; the free tier counts 512 bytes."""
    many = "".join(f"  register_number_{index}: {{at: {index + 10}, every: 10s}}\n" for index in range(200))
    folder = plant(tmp_path, "tcp://127.0.0.1:1", PROFILE.replace("derived:\n", f"{many}derived:\n"))
    [device] = forecast(read(folder, ADAPTERS), ADAPTERS).devices
    extra = device.billed_per_day - device.messages_per_day
    assert extra == 8_640  # the scan of 200 registers takes two blocks
    path = folder / "gateway.yaml"
    path.write_text(path.read_text().replace("tier: S1", "tier: F1"))
    free = forecast(read(folder, ADAPTERS), ADAPTERS)
    assert free.quota_per_day == 8_000
    assert free.devices[0].billed_per_day > 10 * 8_640


def test_an_adapter_that_only_listens_asks_for_nothing(tmp_path: Path) -> None:
    folder = plant(tmp_path, "tcp://127.0.0.1:1")
    devices = (
        'schema: fieldgate/devices/v1\ndevices:\n  tag-1: {profile: ruuvi-df5, connect: {ble: "CB:B8:33:4C:88:4F"}}\n'
    )
    (folder / "ble.devices.yaml").write_text(devices)
    found = forecast(read(folder, ADAPTERS), ADAPTERS)
    assert [line.known for line in found.lines] == [False, True]
