"""The plants that were in force, as their files said them, so that what was recorded can be read as it was then."""

from __future__ import annotations

import hashlib
import io
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from gateway.adapter import Adapter
from gateway.mapping.folder import GATEWAY
from gateway.plant import Plant, PlantInvalid, bundled_profiles, read

FOLDER = "plants"
_OWN, _BUNDLED = "plant/", "bundled/"
# What the appliance is means nothing to the devices, and a later version may want other settings there.
_APPLIANCE = """\
schema: fieldgate/gateway/v1
name: recorded
state: state
upstream: {hub: {kind: iothub, host: localhost, trust: hub.pem}}
"""


class Unreadable(Exception):
    """A plant that was kept cannot be read (any more); the text says why."""


class Packed(NamedTuple):
    """A plant's files, ready to be kept."""

    id: str
    """The same for the same files."""
    data: bytes


def pack(plant: Plant) -> Packed:
    """All files that the plant was read from, but ``gateway.yaml``; of bundled profiles those that it uses."""
    bundled = {path: name for name, path in bundled_profiles().items()}
    texts = {}
    for path, text in plant.texts.items():
        if path in bundled:
            texts[f"{_BUNDLED}{bundled[path]}"] = text
        elif path != plant.folder / GATEWAY:
            texts[_OWN + path.relative_to(plant.folder).as_posix()] = text
    digest, stream = hashlib.sha256(), io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in sorted(texts.items()):
            archive.writestr(name, text)
            digest.update(f"{name}\0{len(text)}\0{text}".encode())
    return Packed(digest.hexdigest()[:16], stream.getvalue())


def keep(folder: Path, packed: Packed) -> None:
    """Write it into the folder of the record, unless it is there. Raises OSError."""
    path = _path(folder, packed.id)
    if path.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_bytes(packed.data)
    fresh.rename(path)


def forget(folder: Path, but: frozenset[str]) -> None:
    """Remove all others. Raises OSError."""
    for path in (folder / FOLDER).glob("*.zip"):
        if path.stem not in but:
            path.unlink(missing_ok=True)


def load(folder: Path, id_: str, adapters: Mapping[str, Adapter[Any, Any]]) -> Plant:
    """The plant as it was in force, whose folder is not there any more when this returns. Raises Unreadable."""
    try:
        with zipfile.ZipFile(_path(folder, id_)) as archive, tempfile.TemporaryDirectory() as place:
            archive.extractall(place)
            own, bundled = Path(place, _OWN), Path(place, _BUNDLED)
            (own / GATEWAY).write_text(_APPLIANCE, encoding="utf-8")
            return read(own, adapters, {path.name: path for path in bundled.glob("*")})
    except FileNotFoundError as error:
        raise Unreadable("the mapping that was in force is not there any more") from error
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise Unreadable(f"the mapping that was in force cannot be read: {error}") from error
    except PlantInvalid as invalid:
        first = next(found for found in invalid.diagnostics if found.severity == "error")
        raise Unreadable(f"this version cannot read the mapping that was in force: {first.text}") from invalid


def _path(folder: Path, id_: str) -> Path:
    return folder / FOLDER / f"{id_}.zip"
