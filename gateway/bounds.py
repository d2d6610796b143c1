"""Other settings for a buffer that is open: which of them count at once, and which would cost what waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import NamedTuple, Protocol, runtime_checkable

from gateway.buffer import BufferSettings, Stats, policy
from gateway.model import Priority
from gateway.status.text import duration, size

WORDS = {"quota_bytes": "quota", "min_free_bytes": "min_free"}
"""What ``gateway.yaml`` calls a setting, where that is another word."""
AT_NEXT_START = "the buffer that runs takes no other"


@runtime_checkable
class Settling(Protocol):
    """A buffer that can go on with other settings; not each one can."""

    async def settle(self, settings: BufferSettings) -> None:
        """Work with these from now on; nothing that lies there goes in this call."""
        ...


class Change(NamedTuple):
    """What becomes of other settings."""

    settings: BufferSettings
    """Those that count from now on."""
    now: tuple[str, ...]
    """What of them is new, in the words of ``gateway.yaml``."""
    later: Mapping[str, str]
    """What counts at the next start only, with the reason."""


def change(before: BufferSettings, wanted: BufferSettings, stats: Stats, now_ns: int) -> Change:
    """Take over what costs nothing that waits. A wrong figure in a file shall not drop an outage's messages."""
    named = {one.name: WORDS.get(one.name, one.name) for one in fields(wanted)}
    other = [one for one in named if getattr(wanted, one) != getattr(before, one)]
    costs = {"quota_bytes": _quota(before, wanted, stats), "keep": _keep(before, wanted, stats, now_ns)}
    later = {one: why for one in other if (why := costs.get(one))}
    kept = replace(wanted, **{one: getattr(before, one) for one in later})
    now = tuple(named[one] for one in other if one not in later)
    return Change(kept, now, {named[one]: why for one, why in later.items()})


def at_next_start(before: BufferSettings, wanted: BufferSettings) -> Change:
    """For a buffer that cannot settle: nothing changes."""
    other = [one.name for one in fields(wanted) if getattr(wanted, one.name) != getattr(before, one.name)]
    return Change(before, (), {WORDS.get(one, one): AT_NEXT_START for one in other})


def _quota(before: BufferSettings, wanted: BufferSettings, stats: Stats) -> str:
    used = stats.bytes_on_disk
    less = wanted.quota_bytes < before.quota_bytes
    goes = any(held.messages and wanted.on_full.get(one, "refuse") != "refuse" for one, held in stats.classes.items())
    room = policy.fits(policy.sizes(wanted.quota_bytes), used, 0, Priority.TELEMETRY, refusing=True)
    return f"{size(used)} wait: with {size(wanted.quota_bytes)} old ones would go" if less and goes and not room else ""


def _keep(before: BufferSettings, wanted: BufferSettings, stats: Stats, now_ns: int) -> str:
    for one, held in sorted(stats.classes.items()):
        keep_s, kept_s = wanted.keep.get(one), before.keep.get(one)
        if keep_s is None or held.oldest_ns is None or (kept_s is not None and kept_s <= keep_s):
            continue
        age_s = (now_ns - held.oldest_ns) / 1e9
        if age_s > keep_s:
            return (
                f"the oldest {one.name.lower()} message is {duration(age_s)} old: with {duration(keep_s)} it would go"
            )
    return ""
