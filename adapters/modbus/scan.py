"""Which units there are on a line: what an answer, or none, says of a unit, and of the whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.modbus.pdu import UNREACHABLE
from adapters.modbus.visit import Heard, Miss

SHOWN = ("vendor_name", "product_code", "revision", "product_name", "model_name")
_ALL_ALIKE = 10
"""From so many units on, all of which are there, the device hardly looks at the unit id."""


def there(heard: Heard) -> bool:
    """Whether the unit is there: any answer says so, exceptions too, but for those of a gateway in front of it.

    A wrong answer counts: something is there, and what it suffers from is of interest.
    """
    if not isinstance(heard, Miss):
        return True
    return heard.kind == "wrong" or (heard.kind == "refused" and heard.status.code not in UNREACHABLE)


def row(unit: int, heard: Heard, took_s: float, identity: Mapping[str, str]) -> dict[str, Any]:
    """A unit that is there, as a row of the result."""
    said = heard.status.reason if isinstance(heard, Miss) else "data"
    shown = {name: identity.get(name) for name in SHOWN}
    others = {name: text for name, text in identity.items() if name not in SHOWN}
    return {"unit_id": unit, "answer": said, "ms": round(1000 * took_s, 1), **shown, "others": others or None}


def notes(asked: int, found: int, closed: int, wrong: int) -> list[str]:
    """What should be known of the whole: how many units were asked and found, how often the line was cut off, and how
    many answers were none to what was asked.
    """
    told = []
    if found == asked >= _ALL_ALIKE:
        told.append("every unit id answers: this is one device, which hardly looks at them; use the id of its manual")
    if closed:
        times = "once" if closed == 1 else f"{closed} times"
        told.append(f"the device closed the connection {times} instead of answering")
    if wrong:
        what = "1 answer was" if wrong == 1 else f"{wrong} answers were"
        told.append(f"{what} wrong, perhaps late ones of other units: a longer --timeout may help")
    return told
