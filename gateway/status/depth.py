"""What waits in the buffer as lines of text, and how long the room will last; pure: facts in, text out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from gateway.status.text import LOST, duration, size

TOP = 10
"""Identities that are shown."""
RESERVE = 0.9
"""All but a tenth of the quota is for others than alarms."""
THEN = {
    "refuse": "polling waits until there is room, nothing that was accepted is lost",
    "thin": "of the oldest telemetry every fourth scan stays, then one a minute, then the oldest goes",
    "drop-oldest": "the oldest telemetry goes",
}
"""What happens when the room is used up, by the policy for telemetry."""


class Room(NamedTuple):
    """How long the room lasts."""

    bytes_left: int
    full_s: float | None
    """Until it is used up as it goes now; None where it does not fill, or nobody knows."""
    outage_s: float | None
    """The same if nothing drained any more."""
    empty_s: float | None
    """Until nothing waits; None where it does not drain."""
    of_disk: bool = False
    """Whether the disk comes to its end before the quota: then nothing gives way, whatever the policy."""


def room(facts: Mapping[str, Any]) -> Room:
    """What the facts say of it: ``growth_bytes_per_s`` is what is written, whatever drains."""
    of_quota = left = int(facts["quota_bytes"] * RESERVE) - facts["bytes"]
    if facts["free_bytes"] is not None:
        left = min(left, facts["free_bytes"] - facts["min_free_bytes"])
    of_disk = left < of_quota
    left = max(0, left)
    growth, came, went = facts["growth_bytes_per_s"], facts.get("in_per_s"), facts.get("out_per_s")
    if growth and came == 0:
        growth = None  # nothing comes any more: what was written lately says nothing of now
    outage = left / growth if growth else None
    full = None
    if outage is not None and came and went < came:
        full = outage * came / (came - went)
    elif outage is not None and came is None:
        full = outage
    empty = facts["messages"] / (went - came) if came is not None and went > came and facts["messages"] else None
    return Room(left, full, outage, empty, of_disk)


def lines(facts: dict[str, Any], now: datetime | None = None) -> list[str]:
    """A page: how much waits, by class; how fast; how long the room lasts; what was lost; what is put aside."""
    now = now or datetime.now(UTC)
    text = [_verdict(facts, now)]
    if not facts["running"]:
        text.append("the gateway is not running: this is what lies in its directory")
    text += ["", *_classes(facts, now), "", *_pace(facts)]
    text += _section("lost", [_loss(loss) for loss in facts["lost"]])
    parked = [f"{one}: {facts['waiting'].get(one, 0):,} wait; {reason}" for one, reason in facts["parked"].items()]
    text += _section("parked", parked)
    most = [f"{count:,}  {identity}" for identity, count in list(facts["waiting"].items())[:TOP]]
    text += _section(f"most waiting, of {len(facts['waiting']):,} identities", most)
    text += _section("damaged, set aside", [f"{one['file']}  {size(one['bytes'])}" for one in facts["aside"]])
    if facts["quarantined"]:
        text += ["", f"quarantine: {_counted(facts['quarantined'], 'message')} that the hub will never take"]
        text.append(f"  look at them:  fieldgate buffer quarantine list {facts['plant']}")
    return text


def _verdict(facts: Mapping[str, Any], now: datetime) -> str:
    wait = f"{_counted(facts['messages'], 'message')} {'waits' if facts['messages'] == 1 else 'wait'}"
    head = f"{facts['gateway']}: {wait}, {size(facts['bytes'])}"
    if facts["quota_bytes"]:
        head += f" of {size(facts['quota_bytes'])}"
    return head + (f", the oldest is {_age(facts['oldest'], now)} old" if facts["oldest"] else "")


def _age(since: str, now: datetime) -> str:
    return duration((now - datetime.fromisoformat(since)).total_seconds())


def _classes(facts: Mapping[str, Any], now: datetime) -> list[str]:
    rows = [("class", "waiting", "on disk", "oldest", "when full", "kept")]
    rows += [
        (
            one["class"],
            f"{one['messages']:,}",
            size(one["bytes"]),
            _age(one["oldest"], now) if one["oldest"] else "-",
            one["on_full"] + (f" (now: {one['full']})" if one["full"] else ""),
            duration(one["keep_s"]) if one["keep_s"] else "while there is room",
        )
        for one in facts["classes"]
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  " + "  ".join([row[0].ljust(widths[0]), *(_aligned(row[at], widths[at], at) for at in range(1, 6))]).rstrip()
        for row in rows
    ]


def _aligned(word: str, width: int, column: int) -> str:
    return word.rjust(width) if column <= 2 else word.ljust(width)


def _pace(facts: Mapping[str, Any]) -> list[str]:
    text = []
    if "in_per_s" in facts:
        text.append(f"  in the last minute {facts['in_per_s']:.1f} came and {facts['out_per_s']:.1f} went a second")
    found = room(facts)
    policy = next((one["on_full"] for one in facts["classes"] if one["class"] == "telemetry"), "refuse")
    then = THEN["refuse" if found.of_disk else policy]
    if found.empty_s is not None and found.empty_s >= 1:
        text.append(f"  empty in about {duration(found.empty_s)} at this rate")
    if not found.bytes_left:
        text.append(f"  no room is left: {then}")
    elif found.full_s is not None:
        text.append(f"  full in about {duration(found.full_s)} at this rate; then {then}")
    elif found.outage_s is not None:
        text.append(f"  room for about {duration(found.outage_s)} without upstream; then {then}")
    else:
        text.append(f"  room for {size(found.bytes_left)}; how long that lasts is not known yet; then {then}")
    if facts["free_bytes"] is not None:
        text.append(f"  disk: {size(facts['free_bytes'])} free{_stays(facts)}")
    if "fsync_ms" in facts:
        took = facts["fsync_ms"]
        text.append(f"  a commit takes {took['p50']:.1f} ms, 99 of 100 at most {took['p99']:.1f} ms")
    return text


def _stays(facts: Mapping[str, Any]) -> str:
    free, stays = facts["free_bytes"], facts["min_free_bytes"]
    if not stays:
        return ""
    if free >= stays:
        return f", {size(stays)} of it stay free"
    missing = size(stays - free)
    return f", but {size(stays)} shall stay free (buffer: min_free): free {missing} more, or lower it and reload"


def _section(title: str, rows: Iterable[str]) -> list[str]:
    found = [f"  {row}" for row in rows]
    return ["", title, *found] if found else []


def _loss(loss: Mapping[str, Any]) -> str:
    span = f", measured {loss['from']} to {loss['to']}" if loss["from"] else ""
    whose = f" of {_counted(loss['identities'], 'identity', 'identities')}" if loss["identities"] else ""
    what = _counted(loss["messages"], f"{loss['class']} message")
    return f"{what}{whose} {LOST.get(loss['reason'], loss['reason'])}{span}"


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"
