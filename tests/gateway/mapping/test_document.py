"""What is so where nothing is said, and which names are taken."""

from __future__ import annotations

from decimal import Decimal

import pytest
from pydantic import ValidationError

from gateway.mapping.document import (
    AssetSettings,
    BufferSettings,
    DeviceSettings,
    GatewayFile,
    PointSettings,
    UpstreamSettings,
)


def test_a_point_is_read_every_five_seconds_and_not_scaled_by_default() -> None:
    point = PointSettings()
    assert (point.every, point.unit, point.scale, point.divide, point.offset, point.nan) == (
        *(5.0, "", Decimal(1), Decimal(1)),
        Decimal(0),
        [],
    )


def test_the_buffer_holds_ten_gigabytes_and_drops_the_oldest_by_default() -> None:
    assert BufferSettings().quota == 10_000_000_000
    assert BufferSettings().on_full.telemetry == "drop-oldest"


def test_a_hub_listens_at_8883_by_default_and_one_trust_file_is_a_list_of_one() -> None:
    hub = UpstreamSettings.model_validate({"kind": "iothub", "host": "h", "trust": "a.pem"})
    assert (hub.port, hub.trust) == (8883, ["a.pem"])


@pytest.mark.parametrize("name", ["meter-1", "a", "0", "a.b_c-d", "x" * 64])
def test_names_that_are_taken(name: str) -> None:
    assert GatewayFile.model_validate({"name": name, "state": "s", "upstream": {}}).name == name
    assert DeviceSettings.model_validate({"profile": "p", "connect": {}, "identity": name}).identity == name


@pytest.mark.parametrize("name", ["", "A", "a b", "ä", "a/b", "x" * 65])
def test_names_that_are_not_taken(name: str) -> None:
    with pytest.raises(ValidationError):
        GatewayFile.model_validate({"name": name, "state": "s", "upstream": {}})
    with pytest.raises(ValidationError):
        AssetSettings.model_validate({"tags": {name: "x"}})


@pytest.mark.parametrize("host", ["hub.example", "10.0.0.1", "localhost", "contoso.azure-devices.net"])
def test_hosts_that_are_taken(host: str) -> None:
    assert UpstreamSettings.model_validate({"kind": "iothub", "host": host, "trust": "a"}).host == host


@pytest.mark.parametrize("host", ["", "https://hub", "hub:8883", "a b", "-hub", "hub/"])
def test_hosts_that_are_not_taken(host: str) -> None:
    with pytest.raises(ValidationError, match="is not the name of a host"):
        UpstreamSettings.model_validate({"kind": "iothub", "host": host, "trust": "a"})
