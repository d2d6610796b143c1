"""What others published: frames with what they mean (``tests/data/ble_vectors.json``), and what we say we know."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_FILE = Path(__file__).parents[2] / "data" / "ble_vectors.json"
_README = Path(__file__).parents[3] / "adapters" / "ble" / "README.md"
FRAMES: list[dict[str, Any]] = json.loads(_FILE.read_text(encoding="utf-8"))


def of(*formats: str) -> list[dict[str, Any]]:
    """Those of these formats: ``bthome2``, ``ruuvi3``, ``ruuvi6``, ``ruuviE1``."""
    return [frame for frame in FRAMES if frame["fmt"] in formats]


def listed_in_readme(decoder: str) -> dict[str, str]:
    """The objects that the adapter's README lists, each with its unit (empty for none)."""
    text = _README.read_text(encoding="utf-8")
    part = text.split(f"<!-- {decoder} -->")[1].split(f"<!-- {decoder} end -->")[0]
    entries = [entry.strip().partition(" ") for entry in part.replace("\n", " ").split("·")]
    return {name.strip("`"): unit.strip() for name, _, unit in entries}
