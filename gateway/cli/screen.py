"""What the demo shows: the live table for a terminal, plain lines for everything else. Pure: facts in, text out."""

from __future__ import annotations

from typing import Any, NamedTuple

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from gateway.status import text

STYLES = {"flowing": "green", "stopped": "bold red", "starting": "yellow"}
WORDS = {"good": "", "uncertain": "uncertain", "bad": "BAD"}


class Facts(NamedTuple):
    """One look at the running demo."""

    status: dict[str, Any]
    """What the gateway answers to ``status``."""
    values: dict[str, list[dict[str, Any]]]
    """Its newest readings by device."""
    hub: dict[str, Any]
    """What the simulated hub counted."""
    hints: list[str]


def shown(value: object) -> str:
    """A value as people read it: at most six digits after the point."""
    if value is None:
        return "-"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    return str(value)


def screen(facts: Facts) -> Group:
    """The live picture: hub and disk, what one can do, then a panel per device."""
    panels = [_device(entry, facts) for entry in facts.status["devices"]]
    # Hub and disk come first: a small terminal cuts off what stands below.
    return Group(_verdict(facts), _disk(facts), *(Text(hint, style="dim") for hint in facts.hints), *panels)


def _verdict(facts: Facts) -> Text:
    stopped = facts.status["stopped"]
    if not stopped:
        return Text(f"{facts.status['gateway']}: data flows", style="bold green")
    return Text(f"{facts.status['gateway']}: {stopped} of {facts.status['parts']} parts stopped", style="bold red")


def _device(device: dict[str, Any], facts: Facts) -> Panel:
    upstream = _upstream(facts, device["identity"])
    hub = facts.hub["devices"].get(device["identity"], {})
    table = Table(box=None, padding=(0, 2), show_header=False)
    for _ in range(2):
        table.add_column(style="cyan", no_wrap=True)
        table.add_column(justify="right", no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(style="red", no_wrap=True)
    readings = facts.values.get(device["name"], [])
    half = (len(readings) + 1) // 2
    for left, right in zip(readings[:half], [*readings[half:], None], strict=False):
        table.add_row(*_cells(left), *(_cells(right) if right else ("", "", "", "")))
    state = Text.assemble("upstream ", (upstream["state"], STYLES[upstream["state"]]))
    if upstream["reason"]:
        state.append(f": {upstream['reason']}", style="red")
    counts = f"acknowledged {hub.get('unique', 0)}   waiting on disk {upstream['waiting']}"
    title = f"[bold]{device['identity']}[/]  {device['profile']}  {device['asset'] or ''}"
    return Panel(
        Group(table, state, Text(counts)), title=title, title_align="left", border_style=STYLES[device["state"]]
    )


def _cells(reading: dict[str, Any]) -> tuple[str, str, str, str]:
    doubt = f"{WORDS[reading['quality']]} {reading['reason']}".strip()
    return reading["name"], shown(reading["value"]), reading["unit"], doubt


def _upstream(facts: Facts, identity: str) -> dict[str, Any]:
    return next(entry for entry in facts.status["upstream"] if entry["name"] == identity)


def _disk(facts: Facts) -> Panel:
    return Panel(Group(*(Text(line) for line in totals(facts))), title="hub and disk", title_align="left")


def totals(facts: Facts) -> list[str]:
    """What the hub has and what the disk holds, in two lines."""
    buffer = facts.status["buffer"]
    devices = facts.hub["devices"].values()
    unique = sum(device["unique"] for device in devices)
    repeated = sum(device["duplicates"] for device in devices)
    order = sum(device["out_of_order"] for device in devices)
    missing = sum(device["missing"] for device in devices)
    mark = "there" if facts.hub["listening"] else "AWAY"
    lost = sum(buffer["dropped"].values()) + missing
    return [
        f"hub {mark}: {unique} messages acknowledged, {lost} lost, {order} out of order, {repeated} repeated",
        f"disk: {buffer['messages']} messages wait, {text.size(buffer['bytes'])} of {text.size(buffer['quota_bytes'])}",
    ]


def plain(facts: Facts) -> list[str]:
    """The same for a log: a line per device, then hub and disk."""
    rows = []
    for device in facts.status["devices"]:
        upstream = _upstream(facts, device["identity"])
        readings = facts.values.get(device["name"], [])
        few = "  ".join(f"{reading['name']} {shown(reading['value'])} {reading['unit']}" for reading in readings[:4])
        why = f" ({upstream['reason']})" if upstream["reason"] else ""
        rows.append(f"{device['identity']}: {few}  | upstream {upstream['state']}{why}, {upstream['waiting']} wait")
    return rows + totals(facts)
