"""The answer to "why is there no data?" as lines of text, from the report that a running gateway gives as JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

MARKS = {"flowing": "ok  ", "stopped": "STOP", "starting": "... "}
LOST = {
    "quota": "dropped (quota)",
    "thinned": "left out to save room (thinned)",
    "expired": "older than they may become (expired)",
    "damaged": "that could not be read (damaged)",
    "refused": "refused by the hub (refused)",
}
"""What has become of messages, by the reason of their loss."""
REMEDIES = {
    "quota": "bring the upstream back, or raise buffer: quota: in gateway.yaml and reload",
    "thinned": "bring the upstream back, or raise buffer: quota: in gateway.yaml and reload",
    "expired": "bring the upstream back, or raise buffer: keep: in gateway.yaml and reload",
    "damaged": "check the disk: what was damaged lies in the buffer's directory, see  fieldgate buffer",
}
ROOM = {
    "quota": REMEDIES["quota"],
    "disk": "free space on the disk of the state directory; it goes on by itself",
}
SINGULAR = {"lines": "line", "devices": "device", "upstream": "upstream"}


def duration(seconds: float) -> str:
    """``4 s``, ``12 min``, ``3 h 5 min``, ``2 d 4 h``."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if hours < 1:
        return f"{minutes} min"
    if days < 1:
        return f"{hours} h {minutes % 60} min"
    return f"{days} d {hours % 24} h"


def size(count: float) -> str:
    """``812 B``, ``1.2 MB``: decimal units, as disks are sold and quotas are written."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def lines(report: dict[str, Any], now: datetime | None = None) -> list[str]:
    """The report as a page: the verdict first, then each part that data flows through."""
    now = now or datetime.now(UTC)
    stopped = report["stopped"]
    verdict = "data flows" if not stopped else f"{stopped} of {report['parts']} parts stopped"
    text = [f"{report['gateway']}: {verdict}; running for {_age(report['since'], now)} (pid {report['pid']})", ""]
    for part in ("lines", "devices", "upstream"):
        text.append(f"{SINGULAR[part]}s" if part != "upstream" else f"upstream {report['upstream_name']}")
        width = max((len(entry["name"]) for entry in report[part]), default=0)
        for entry in report[part]:
            text += _entry(entry, width, now)
        text.append("")
    text += _buffer(report["buffer"], report["plant"], now)
    for entry in report.get("record", ()):
        text += ["", "record", *_entry(entry, 0, now)]
    return text


def _age(since: str, now: datetime) -> str:
    return duration((now - datetime.fromisoformat(since)).total_seconds())


def _entry(entry: dict[str, Any], width: int, now: datetime) -> list[str]:
    head = f"  {MARKS[entry['state']]} {entry['name']:<{width}}  {entry['state']} for {_age(entry['since'], now)}"
    notes = []
    if entry.get("waiting"):
        notes.append(f"{counted(entry['waiting'], 'message')} {'waits' if entry['waiting'] == 1 else 'wait'} on disk")
    if entry.get("bad"):
        notes.append(f"{counted(len(entry['bad']), 'point')} without value: {_lost(entry)}")
    notes += [f"{count} {name.replace('_', ' ')}" for name, count in entry["counters"].items() if count]
    text = [f"{head}; {', '.join(notes)}" if notes else head]
    if entry["reason"]:
        text.append(f"       why:  {entry['reason']}")
    if entry["remedy"]:
        text.append(f"       do:   {entry['remedy']}")
    return text


def counted(count: int, what: str) -> str:
    """``1 point``, ``2 points``."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _lost(entry: dict[str, Any]) -> str:
    """The first points without value; each with its reason, where that of the device does not say it."""
    why = {} if entry["reason"] else entry.get("bad_reasons", {})
    return ", ".join(f"{name} ({why[name]})" if why.get(name) else name for name in entry["bad"][:3])


def _buffer(buffer: dict[str, Any], plant: str, now: datetime) -> list[str]:
    depth = f"{buffer['messages']} messages wait"
    if others := [f"{count} {name}" for name, count in buffer["classes"].items() if count and name != "telemetry"]:
        depth += f" ({', '.join(others)})"
    depth += f", {size(buffer['bytes'])} of {size(buffer['quota_bytes'])}"
    if buffer["oldest"]:
        depth += f", the oldest is {_age(buffer['oldest'], now)} old"
    text = ["buffer", f"  {MARKS[buffer['state']]} {depth}"]
    if buffer["reason"]:
        text += [f"       why:  {buffer['reason']}", f"       do:   {buffer['remedy']}"]
    for name, why in buffer["full"].items():
        if not buffer["reason"] or why != buffer["full"].get("telemetry"):
            text += [f"       full: no {name} is taken, the {why} is at its end", f"       do:   {ROOM[why]}"]
    if parked := len(buffer["parked"]):
        text.append(f"       aside: {parked} {'identity is' if parked == 1 else 'identities are'} parked, see upstream")
    for reason, count in buffer["dropped"].items():
        text.append(f"       lost: {count} messages {LOST.get(reason, reason)}")
        if reason in REMEDIES:
            text.append(f"       do:   {REMEDIES[reason]}")
    if count := buffer["quarantined"]:
        text.append(f"       kept: {count} messages that the hub will never take, in the quarantine")
        text.append(f"       do:   fieldgate buffer quarantine list {plant}")
    return text
