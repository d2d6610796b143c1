"""Finding the adapters that are installed, and saying which ones cannot be used and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from gateway.adapter import Adapter

GROUP = "fieldgate.adapters"
"""The entry point group of adapters; the name of an entry point is the profile's ``protocol:``."""


class PluginRefused(Exception):
    """What is installed under an adapter's name cannot be one; the text says what to do."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f'adapter "{name}": {reason}')
        self.name = name
        self.reason = reason


@dataclass(frozen=True)
class Found:
    """The adapters of this installation."""

    adapters: Mapping[str, Adapter[Any, Any]]
    """By protocol."""
    missing: Mapping[str, str]
    """Protocols whose adapter is there but cannot be imported, with the reason in words for people."""


def find(entries: Iterable[EntryPoint] | None = None) -> Found:
    """The adapters that are installed. Raises PluginRefused for what is no adapter, or a name that is given twice."""
    adapters: dict[str, Adapter[Any, Any]] = {}
    missing: dict[str, str] = {}
    for entry in _single(entry_points(group=GROUP) if entries is None else entries):
        try:
            adapters[entry.name] = _loaded(entry)
        except ImportError as error:
            missing[entry.name] = _why(error)
    return Found(adapters, missing)


def _single(entries: Iterable[EntryPoint]) -> list[EntryPoint]:
    chosen: dict[str, EntryPoint] = {}
    for entry in entries:
        other = chosen.setdefault(entry.name, entry)
        if other.value != entry.value:
            raise PluginRefused(
                entry.name,
                f"is offered twice, by {other.value} and by {entry.value}: uninstall one of the two packages",
            )
    return sorted(chosen.values(), key=lambda entry: entry.name)


def _loaded(entry: EntryPoint) -> Adapter[Any, Any]:
    try:
        plugin = entry.load()
    except AttributeError as error:
        raise PluginRefused(entry.name, f"there is no {entry.value} ({error}): correct its entry point") from error
    if not isinstance(plugin, Adapter):
        kind = type(plugin).__name__
        raise PluginRefused(entry.name, f"{entry.value} is a {kind}, but must be a gateway.adapter.Adapter")
    return plugin


def _why(error: ImportError) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name:
        package = error.name.partition(".")[0]
        return f'needs the Python package "{package}", which is not installed'
    return f"cannot be imported: {error}"
