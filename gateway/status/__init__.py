"""Whether data flows, and if not: why, since when, and what to do. What ``fieldgate status`` tells comes from here.

Each line, each device, each identity upstream and the buffer has one Health. Whoever owns the thing reports each change
to it; the log gets one line when it breaks and one when it heals, with the name that the operator knows.
"""

from __future__ import annotations

from gateway.status.board import Board, Health, State

__all__ = ["Board", "Health", "State"]
