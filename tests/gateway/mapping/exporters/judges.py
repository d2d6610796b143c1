"""Foreign judges of what is exported: Microsoft's DTDL parser and the W3C's schema of Thing Descriptions, in Node."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

_NODE = Path(__file__).parents[3] / "node"
LIMIT_S = 60.0

needs_node = pytest.mark.skipif(
    not (_NODE / "node_modules").is_dir(), reason="tests/node is not installed: npm ci does it"
)


def dtdl(folder: Path, models: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """What Microsoft's parser says against each of these models, by name."""
    return _judged("dtdl.mjs", folder, models)


def td(folder: Path, things: Mapping[str, Any]) -> dict[str, list[str]]:
    """What the official JSON schema says against each of these Thing Descriptions, by name."""
    return _judged("td.mjs", folder, things)


def _judged(script: str, folder: Path, documents: Mapping[str, Any]) -> dict[str, Any]:
    files = {name: folder / f"{name}.json" for name in documents}
    for name, file in files.items():
        file.write_text(json.dumps(documents[name], ensure_ascii=False), encoding="utf-8")
    command = ["node", str(_NODE / script), *map(str, files.values())]
    told = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=True).stdout
    by_file = json.loads(told)
    return {name: by_file[str(file)] for name, file in files.items()}
