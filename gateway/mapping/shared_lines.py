"""What devices of one line must say alike (D12), and ports that are reached in two ways (D13)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from gateway.adapter import Adapter
from gateway.mapping.diagnostics import Place, Report
from gateway.mapping.load import Block
from gateway.mapping.spec import Device


class Member(NamedTuple):
    """A device without mistakes of its own, and where it stands."""

    device: Device
    place: Place
    block: Block
    """Its ``connect:``."""
    block_place: Place
    adapter: Adapter[Any, Any]


def check(members: Sequence[Member], report: Report) -> None:
    """Report what the devices of a plant, in the order of the files, say differently of what they share."""
    lines: dict[tuple[str, str], Member] = {}
    ports: dict[tuple[str, str], Member] = {}
    for member in members:
        protocol, line = member.device.protocol, member.device.line
        first = lines.setdefault((protocol, line), member)
        if first is not member:
            _check_alike(first, member, report)
            continue
        port = member.adapter.port(member.device.connect)
        other = ports.setdefault((protocol, port), member) if port else member
        if other is not member:
            text = (
                f"{_both(member, other)} reach {port} in two ways, {line} and {other.device.line}: "
                "these are two connections"
            )
            hint = "write the same at both: a port speaks one language, and many devices allow one connection"
            report.warning(_at(member, protocol), "D13", text, hint)


def _check_alike(first: Member, member: Member, report: Report) -> None:
    for key in member.adapter.alike(member.device.connect):
        here, there = getattr(member.device.connect, key), getattr(first.device.connect, key)
        written = type(member.device.connect).model_fields[key].alias or key
        if here != there:
            said = " and ".join(map(_said, (here, there)))
            text = f"{_both(member, first)} are on one line, but differ in {written}: {said}"
            report.error(_at(member, written), "D12", text, f"write the same {written}: at both, the line has it once")


def _said(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)


def _both(member: Member, other: Member) -> str:
    where = (
        f"line {other.place.line}"
        if other.place.file == member.place.file
        else f"{other.place.file}:{other.place.line}"
    )
    return f"{member.device.name} and {other.device.name} ({where})"


def _at(member: Member, key: str) -> Place:
    """Where a setting is written; where it is left out, where it would be."""
    return member.block.values_at.get(key, member.block_place)
