"""Whom the hub lets in."""

from __future__ import annotations

import pytest

from simulators.iothub.admission import judge
from simulators.iothub.packets import Connect

DEVICES = {"m-1": True, "m-2": True, "m-off": False}
HUBS = {"localhost", "127.0.0.1"}


def verdict(client_id: str, username: str | None, common_name: str) -> tuple[int, str]:
    return judge(Connect(client_id, True, 60, username, None, None), common_name, DEVICES, HUBS)


@pytest.mark.parametrize("hub", ["localhost", "LOCALHOST", "127.0.0.1"])
def test_lets_a_device_in(hub: str) -> None:
    assert verdict("m-1", f"{hub}/m-1/?api-version=2021-04-12", "m-1") == (0, "")


@pytest.mark.parametrize(
    ("client_id", "username", "common_name", "code", "reason"),
    [
        ("", "localhost//?api-version=1", "m-1", 2, "no client id"),
        ("m-1", None, "m-1", 4, "username is not"),
        ("m-1", "localhost/m-1", "m-1", 4, "username is not"),
        ("m-1", "other.hub/m-1/?api-version=1", "m-1", 5, "another hub"),
        ("m-1", "localhost/m-2/?api-version=1", "m-1", 5, "another device"),
        ("m-9", "localhost/m-9/?api-version=1", "m-9", 5, "not registered"),
        ("m-1/x", "localhost/m-1/x/?api-version=1", "m-1", 5, "not registered"),
        ("m-1", "localhost/m-1/?api-version=1", "m-2", 5, "certificate is of another"),
        ("m-1", "localhost/m-1/?api-version=1", "", 5, "certificate is of another"),
        ("m-off", "localhost/m-off/?api-version=1", "m-off", 5, "disabled"),
    ],
)
def test_refuses(client_id: str, username: str | None, common_name: str, code: int, reason: str) -> None:
    found, why = verdict(client_id, username, common_name)
    assert found == code
    assert reason in why
