"""What is so where nothing is said, and which names are taken."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from gateway.mapping.document import (
    AssetSettings,
    BufferSettings,
    DeviceSettings,
    GatewayFile,
    UpstreamSettings,
)
from gateway.mapping.spec import From


def test_the_buffer_holds_ten_gigabytes_thins_scans_and_never_drops_an_alarm_by_default() -> None:
    settings = BufferSettings()
    assert (settings.quota, settings.min_free, settings.order) == (10_000_000_000, None, "oldest-first")
    assert settings.on_full.model_dump() == {"alarm": "refuse", "telemetry": "thin", "bulk": "drop-oldest"}
    assert set(settings.keep.model_dump().values()) == {None}


def test_one_lifetime_is_that_of_every_class() -> None:
    keep = BufferSettings.model_validate({"keep": "60d"}).keep
    assert keep.model_dump() == dict.fromkeys(("alarm", "telemetry", "bulk"), 60 * 86_400.0)


def test_what_is_not_said_of_a_class_keeps_it_without_end() -> None:
    keep = BufferSettings.model_validate({"keep": {"alarm": "1y", "bulk": "none"}}).keep
    assert (keep.alarm, keep.telemetry, keep.bulk) == (365 * 86_400.0, None, None)


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


def test_what_stands_in_every_message_is_short() -> None:
    for model in (AssetSettings, DeviceSettings):
        with pytest.raises(ValidationError, match="at most 1024"):
            model.model_validate({"name": "x" * 1025, "profile": "p", "connect": {}, "context": {"a": "x" * 1025}})
    assert AssetSettings.model_validate({"name": "x" * 1024}).name == "x" * 1024


def test_a_text_may_come_from_a_point() -> None:
    assert DeviceSettings.model_validate(
        {"profile": "p", "connect": {}, "context": {"serial": {"from": "serial"}, "hall": "A"}}
    ).context == {"serial": From("serial"), "hall": "A"}


@pytest.mark.parametrize("value", [{"from": ""}, {"from": ["a"]}, {"from": "a", "b": "c"}, {}, ["a"]])
def test_what_is_neither_text_nor_point(value: object) -> None:
    with pytest.raises(ValidationError, match="must be text"):
        AssetSettings.model_validate({"name": value})


@pytest.mark.parametrize("path", ["x" * 256, "a/" * 600, "a/" + "é" * 128])
def test_paths_that_no_disk_can_have(path: str) -> None:
    with pytest.raises(ValidationError, match="too long"):
        GatewayFile.model_validate({"name": "g", "state": path, "upstream": {}})
    with pytest.raises(ValidationError, match="too long"):
        UpstreamSettings.model_validate({"kind": "iothub", "host": "h", "trust": ["a.pem", path]})


@pytest.mark.parametrize("host", ["hub.example", "10.0.0.1", "localhost", "contoso.azure-devices.net"])
def test_hosts_that_are_taken(host: str) -> None:
    assert UpstreamSettings.model_validate({"kind": "iothub", "host": host, "trust": "a"}).host == host


@pytest.mark.parametrize("host", ["", "https://hub", "hub:8883", "a b", "-hub", "hub/"])
def test_hosts_that_are_not_taken(host: str) -> None:
    with pytest.raises(ValidationError, match="is not the name of a host"):
        UpstreamSettings.model_validate({"kind": "iothub", "host": host, "trust": "a"})
