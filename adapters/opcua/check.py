"""What is risky about a device's connection: old security, none at all, a password in the clear."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.opcua.settings import DEPRECATED, Address, Connect
from gateway.adapter import Finding, Point


def check(points: Sequence[Point[Connect, Address]]) -> list[Finding]:
    """Warnings about the connection of one device, told at its first point."""
    if not points:
        return []
    found = (rule(points[0].device, points[0].connect) for rule in (_encrypted, _up_to_date, _password_hidden))
    return [finding for finding in found if finding is not None]


def _encrypted(device: str, connect: Connect) -> Finding | None:
    if connect.mode == "SignAndEncrypt":
        return None
    text = f"{device}: the connection is not encrypted"
    hint = "leave out mode: then it is signed and encrypted"
    if connect.mode == "None":
        text += ", and nothing in it is signed"
        hint = "leave out security and mode: then it is signed and encrypted"
    return Finding("D07", 0, "connect.mode", text, hint, warning=True)


def _up_to_date(device: str, connect: Connect) -> Finding | None:
    if connect.security not in DEPRECATED:
        return None
    text = f"{device}: security {connect.security} is out of date; what it signs can be forged"
    hint = "write Basic256Sha256, or keep it where the server knows nothing else"
    return Finding("U05", 0, "connect.security", text, hint, warning=True)


def _password_hidden(device: str, connect: Connect) -> Finding | None:
    if connect.mode != "None" or connect.user.password is None:
        return None
    text = f"{device}: the password may go over the network for everybody to read"
    hint = "leave out security and mode: then it is encrypted"
    return Finding("U07", 0, "connect.user", text, hint, warning=True)
