"""Which counter in the field a point is, as a short text: with another address it is another one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Set
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from gateway.model import Point
from gateway.values import seconds


def source(point: Point[Any, Any]) -> str:
    """Stays over restarts and new versions, and changes with the address or with what the device is reached by.

    How it is talked to counts for nothing: times, choices, passwords and users.
    """
    parts = [_settings(point.address), _settings(point.connect, but=_manner(point.connect))]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _settings(model: Any, but: Set[str] = frozenset()) -> dict[str, Any]:
    """What differs from the defaults: a setting that a later version adds changes nothing."""
    return (
        model.model_dump(mode="json", exclude=set(but), exclude_defaults=True) if isinstance(model, BaseModel) else {}
    )


def _manner(model: Any) -> Set[str]:
    fields = type(model).model_fields if isinstance(model, BaseModel) else {}
    return {name for name, field in fields.items() if _is_manner(field)}


def _is_manner(field: FieldInfo) -> bool:
    kinds = (field.annotation, *get_args(field.annotation))
    return (
        field.annotation is bool
        or get_origin(field.annotation) is Literal
        or any(isinstance(kind, type) and issubclass(kind, BaseModel) for kind in kinds)
        or any(isinstance(part, BeforeValidator) and part.func is seconds for part in field.metadata)
    )
