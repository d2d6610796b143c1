"""The files of a plant folder as trees, by kind; the only I/O of the mapping."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.mapping import load
from gateway.mapping.diagnostics import Place, Report, closest, did_you_mean
from gateway.mapping.load import Block, Items
from gateway.values import quote

GATEWAY = "gateway.yaml"
UNITS = "units.yaml"
SCHEMAS = {
    "gateway": "fieldgate/gateway/v1",
    "assets": "fieldgate/assets/v1",
    "devices": "fieldgate/devices/v1",
    "profile": "fieldgate/profile/v1",
    "units": "fieldgate/units/v1",
}
"""The kinds of files, with the first line that says so."""

_PROFILE = re.compile("^profile: *[\"']?([a-z0-9][a-z0-9_.-]{0,63})[\"']? *(?:#.*)?$", re.MULTILINE)
_ENDINGS = tuple(f".{kind}.yaml" for kind in SCHEMAS if kind not in ("gateway", "units"))
# What Windows and its editor make of a plant file's name.
_DISGUISED = re.compile(r"(.*\.(profile|devices|assets)|gateway|units)\.ya?ml(\.txt)?", re.IGNORECASE)
_ENTRIES_LIMIT = 20_000
_DEPTH_LIMIT = 12


def whole(path: Path) -> Place:
    """The place of a message about a whole file or folder."""
    return Place(str(path), 0, 0)


def check(folder: Path, report: Report) -> None:
    """Report what makes it no plant folder at all (P01 to P05)."""
    init = f"fieldgate init {folder} writes a commented starter plant"
    try:
        names = [entry.name for entry in folder.iterdir()]
    except FileNotFoundError:
        report.error(whole(folder), "P01", "there is no such folder", init)
    except NotADirectoryError:
        report.error(whole(folder), "P02", "this is no folder", f"name the folder that holds {GATEWAY}")
    except (OSError, ValueError) as error:
        _unreadable(folder, error, report)
    else:
        if not names:
            report.error(whole(folder), "P04", "this folder is empty", init)
        elif GATEWAY not in names:
            hint = f"name the folder that holds {GATEWAY}; fieldgate init DIR writes a commented starter plant"
            report.error(whole(folder), "P05", f"this folder has no {GATEWAY}", hint)


class Files:
    """What the files of one plant hold."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self.blocks: dict[str, list[Block]] = {kind: [] for kind in SCHEMAS}
        self.broken: set[str] = set()
        """Kinds of which a file could not be read, so that not all its names are known."""
        self.profile_names: set[str] = set()
        """Of profiles whose file is no valid YAML: nothing else is known of them."""
        self.unread: list[Path] = []
        """Files that were probably meant to be read; their names do not say what they are."""
        self.texts: dict[Path, str] = {}
        """What stands in each file that was read, profiles that are bundled among them."""

    def gather(self, folder: Path, state: Path | None) -> None:
        """Read all files below the folder but ``gateway.yaml``; in the state directory lie none."""
        for path in _walk(folder, state, self._report):
            stem, _, kind = path.name.removesuffix(".yaml").rpartition(".")
            if path.suffix == ".yaml" and kind in SCHEMAS and (stem or path.name == UNITS):
                block = self.block(path, kind)
                if block is not None:
                    self.blocks[kind].append(block)
            elif path != folder / GATEWAY:
                self.unread.append(path)
                _not_read(path, self._report)

    def block(self, path: Path, kind: str) -> Block | None:
        """The settings of one file; None where there are none, which is reported."""
        text = load.read(path, str(path), self._report)
        if text is not None:
            self.texts[path] = text
        root = load.parse(text, str(path), self._report) if text is not None else load.SPOILED
        if isinstance(root, Block):
            _check_schema(root, kind, self._report)
            return root
        self._remember(kind, text)
        if root is not load.SPOILED:
            what = "a list" if isinstance(root, Items) else "a text without a setting" if root else "empty"
            wrong = f"the first line must say what the file is, but the file is {what}"
            self._report.error(Place(str(path), 1, 1), "F01", wrong, f"write  schema: {SCHEMAS[kind]}")
        return None

    def _remember(self, kind: str, text: str | None) -> None:
        name = _PROFILE.search(text or "")
        if kind == "profile" and name:
            self.profile_names.add(name[1])
        else:
            self.broken.add(kind)


def _walk(folder: Path, state: Path | None, report: Report) -> list[Path]:
    """All YAML files below a folder, sorted; hidden ones and the state directory are left out."""
    found: list[Path] = []
    seen: set[tuple[int, int]] = set()
    waiting = [folder]
    entries = 0
    while waiting:
        here = waiting.pop()
        try:
            status = here.stat()
            children = list(here.iterdir())
        except OSError as error:
            _unreadable(here, error, report)
            continue
        # A link may lead back to where we came from.
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        entries += len(children)
        if entries > _ENTRIES_LIMIT or len(here.parts) - len(folder.parts) > _DEPTH_LIMIT:
            report.error(whole(folder), "P08", "this folder holds too much for a plant", "name the plant's own folder")
            break
        for path in children:
            if path.name.startswith(".") or path == state:
                continue
            if path.suffix in (".yaml", ".yml") or (_DISGUISED.fullmatch(path.name) and path.is_file()):
                found.append(path)
            elif path.is_dir():
                waiting.append(path)
    return sorted(found)


def _unreadable(folder: Path, error: Exception, report: Report) -> None:
    reason = getattr(error, "strerror", None) or str(error)
    report.error(whole(folder), "P03", f"this folder cannot be read: {reason}", "check its owner and permissions")


def _not_read(path: Path, report: Report) -> None:
    if path.name == GATEWAY:
        text, hint = "this file is not read", f"{GATEWAY} stands at the top of the plant folder, once"
    else:
        ending, name = f".{path.name.partition('.')[2]}", renamed(path)
        otherwise = did_you_mean(ending, _ENDINGS, otherwise=f"such files end in {', '.join(_ENDINGS)}")
        hint = f"rename it to {name}" if name else otherwise
        text = "this file is not read: its name does not say what it is"
    report.warning(whole(path), "F05", text, hint)


def renamed(path: Path) -> str:
    """What a file must be called that Windows has given another ending; empty for other files."""
    match = _DISGUISED.fullmatch(path.name)
    if match is None:
        return ""
    stem, dot, kind = match[1].rpartition(".")
    return f"{stem}{dot}{kind.lower()}.yaml"


def _misspelled(block: Block, report: Report) -> bool:
    """Report and take away a key that was meant to be ``schema:``."""
    for name, value in block.items():
        if value in SCHEMAS.values() or closest(name, ("schema",)):
            report.error(block.keys_at[name], "M01", f"unknown setting {quote(name)}", 'did you mean "schema"?')
            del block[name]
            return True
    return False


def _check_schema(block: Block, kind: str, report: Report) -> None:
    """Report and take away a ``schema:`` that is missing (F01), unknown (F02) or of another kind of file (F04)."""
    if "schema" not in block and _misspelled(block, report):
        return
    if "schema" not in block:
        text = "the first line must say what the file is"
        report.error(Place(block.place.file, 1, 1), "F01", text, f"write  schema: {SCHEMAS[kind]}")
        return
    schema, place = block.pop("schema"), block.values_at["schema"]
    if schema == SCHEMAS[kind] or schema is load.SPOILED:
        return
    if schema in SCHEMAS.values():
        ending = GATEWAY if kind == "gateway" else f"a file *.{kind}.yaml"
        hint = f"write  schema: {SCHEMAS[kind]}, or rename the file"
        report.error(place, "F04", f"{quote(str(schema))} does not belong into {ending}", hint)
    else:
        shown = quote(schema) if isinstance(schema, str) else "this"
        report.error(place, "F02", f"{shown} is not a known file type", f'did you mean "{SCHEMAS[kind]}"?')
