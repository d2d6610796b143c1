"""A number that stands where a time is wanted: which unit was probably meant, as far as the setting allows it."""

from __future__ import annotations

import math
import re
from decimal import Decimal

from annotated_types import Ge, Le
from pydantic.fields import FieldInfo

_NUMBER = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,12})?")


def meant(text: str, field: FieldInfo) -> str:
    """A hint for a time without a unit; empty where the setting has no upper bound, or neither unit is allowed.

    Without an upper bound it may be hours: then seconds are as likely as anywhere.
    """
    if not _NUMBER.fullmatch(text) or not any(isinstance(bound, Le) for bound in field.metadata):
        return ""
    number = Decimal(text)
    allowed = [unit for unit, size_s in (("ms", number / 1000), ("s", number)) if _within(float(size_s), field)]
    if len(allowed) == 2 and isinstance(field.default, float) and field.default < 1:
        allowed = ["ms"]
    if len(allowed) == 1:
        return f"did you mean {text}{allowed[0]}?"
    return f"write {text}ms or {text}s" if allowed else ""


def _within(size_s: float, field: FieldInfo) -> bool:
    lowest = max((float(bound.ge) for bound in field.metadata if isinstance(bound, Ge)), default=-math.inf)  # type: ignore[arg-type]  # a number here
    highest = min((float(bound.le) for bound in field.metadata if isinstance(bound, Le)), default=math.inf)  # type: ignore[arg-type]  # a number here
    return lowest <= size_s <= highest
