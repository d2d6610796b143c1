"""Whether a CONNECT is let in: username, hub, device and certificate must say the same."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from simulators.iothub import topics
from simulators.iothub.packets import ACCEPTED, BAD_USERNAME, IDENTIFIER_REJECTED, NOT_AUTHORIZED, Connect


class Verdict(NamedTuple):
    """The return code of the CONNACK, and for people why."""

    code: int
    reason: str = ""


def judge(connect: Connect, common_name: str, devices: Mapping[str, bool], hubs: Collection[str]) -> Verdict:
    """Let a device in or not.

    ``common_name``: of the certificate that TLS has accepted; ``devices``: enabled or not, by id; ``hubs``: the names
    of this hub, in lower case.
    """
    if not connect.client_id:
        return Verdict(IDENTIFIER_REJECTED, "no client id")
    try:
        user = topics.user(connect.username or "")
    except topics.BadUsername:
        return Verdict(BAD_USERNAME, "username is not hub/device/?api-version=...")
    if user.hub.lower() not in hubs:
        return Verdict(NOT_AUTHORIZED, "username names another hub")
    if user.client_id != connect.client_id:
        return Verdict(NOT_AUTHORIZED, "username names another device than the client id")
    enabled = devices.get(connect.client_id)
    if enabled is None:
        return Verdict(NOT_AUTHORIZED, "device is not registered")
    if common_name != connect.client_id:
        return Verdict(NOT_AUTHORIZED, "certificate is of another device")
    if not enabled:
        return Verdict(NOT_AUTHORIZED, "device is disabled")
    return Verdict(ACCEPTED)
