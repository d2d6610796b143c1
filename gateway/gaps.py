"""Telling the upstream what was lost: each gap in what an identity sends becomes an event among its alarms."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress

from gateway.buffer import Buffer, BufferTrouble, Loss, Stats
from gateway.message import timestamp
from gateway.model import Message, Priority

EVERY_S = 10.0
"""Between two events of one identity, class and reason; what is lost meanwhile is added up."""
PROPERTIES = "kind=event&event=data-gap"
_AT_ONCE = 500


async def tell(
    buffer: Buffer,
    *,
    every_s: float = EVERY_S,
    now_ns: Callable[[], int] = time.time_ns,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Put an event into the buffer for each gap that can be heard of, until cancelled."""
    while True:
        await sleep(every_s)
        heard = audible(buffer.gaps(), buffer.stats())
        for begin in range(0, len(heard), _AT_ONCE):
            gaps = heard[begin : begin + _AT_ONCE]
            # Where there is no room the gaps stay as they are, grow, and are told when there is.
            with suppress(BufferTrouble):
                await buffer.append([event(gap, now_ns()) for gap in gaps])
                await buffer.told(gaps)


def audible(gaps: Iterable[Loss], stats: Stats) -> Sequence[Loss]:
    """Those that somebody would hear of now: their identity drains, or has nothing before them.

    While it does not, one event says as much as thousands, and they would only push out what is worth more. That an
    alarm was lost is said after one has arrived: else the loss of an event would make the next event, without end.
    """
    return [
        gap
        for gap in gaps
        if gap.identity
        and (
            gap.identity in stats.draining
            or (gap.priority is not Priority.ALARM and not stats.waiting.get(gap.identity))
        )
    ]


def event(gap: Loss, now_ns: int) -> Message:
    """The message that tells of a gap; times that are not known are null."""
    body = {
        "ts": timestamp(now_ns),
        "event": "data-gap",
        "reason": gap.reason,
        "class": gap.priority.name.lower(),
        "messages": gap.messages,
        "first": gap.first,
        "last": gap.last,
        "from": timestamp(gap.first_ns) if gap.first_ns else None,
        "to": timestamp(gap.last_ns) if gap.last_ns else None,
    }
    text = json.dumps(body, separators=(",", ":")).encode()
    return Message(gap.identity, now_ns, PROPERTIES, text, Priority.ALARM)
