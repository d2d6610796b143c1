"""The asset registry judged: ISA-95 paths with what the plant knows about each."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.mapping.diagnostics import Place, Report
from gateway.mapping.document import NAME, NAME_HINT, AssetSettings, AssetsFile
from gateway.mapping.judge import Owner, child, judge, not_indented
from gateway.mapping.load import Block, Items
from gateway.mapping.spec import Asset
from gateway.values import quote


def read(blocks: Sequence[Block], report: Report) -> tuple[dict[str, Asset], bool]:
    """All assets of the plant by path, also those with mistakes; and whether all paths are known. One block a file.

    A path with a mistake is not: nothing is said of devices that name it as it should be.
    """
    levels = _levels(blocks, report)
    complete = True
    found: dict[str, Asset] = {}
    places: dict[str, Place] = {}
    for block in blocks:
        judge(AssetsFile, block, Owner("this file", block.place), report)
        assets = block.get("assets")
        if not isinstance(assets, Block):
            complete = False
            continue
        stray = not_indented(assets, ("tags",))
        for path in dict.fromkeys(stray.values()):
            child(assets, path, report)
        for path in assets:
            if path in stray:
                continue
            place = assets.keys_at[path]
            if path in found:
                other = f"{places[path].file}:{places[path].line}"
                text = f"asset {quote(path)} is defined twice; the other one is {other}"
                report.error(place, "A02", text, "delete one of the two")
                continue
            places[path] = place
            complete &= _check_path(path, place, levels, report)
            found[path] = _asset(path, assets, levels, report)
    return found, complete


def _levels(blocks: Sequence[Block], report: Report) -> tuple[str, ...]:
    """The names of a path's parts; empty where no file tells."""
    first: Block | None = None
    for block in blocks:
        if not isinstance(block.get("levels"), Items):
            continue
        if first is not None and block["levels"] != first["levels"]:
            text = f"levels: differs from that of {first.keys_at['levels'].file}:{first.keys_at['levels'].line}"
            report.error(block.keys_at["levels"], "A03", text, "a plant has one list of levels; delete one of the two")
            return ()
        first = first or block
    levels = first["levels"] if first is not None else None
    return tuple(str(level) for level in levels) if isinstance(levels, Items) else ()


def _check_path(path: str, place: Place, levels: Sequence[str], report: Report) -> bool:
    """Whether it can be a path."""
    parts = path.split("/")
    for part in parts:
        if not NAME.fullmatch(part):
            text = f"{quote(part)} in asset path {quote(path)} is not a valid name"
            report.error(place, "M18", text, NAME_HINT)
            return False
    if levels and len(parts) != len(levels):
        text = f"asset path {quote(path)} has {len(parts)} parts, but levels: has {len(levels)} ({'/'.join(levels)})"
        report.error(place, "A01", text, "write one part for each level")
        return False
    return True


def _asset(path: str, assets: Block, levels: Sequence[str], report: Report) -> Asset:
    block = child(assets, path, report) if assets[path] is not None else Block(assets.keys_at[path])
    settings = (
        judge(AssetSettings, block, Owner(quote(path), assets.keys_at[path]), report) if block is not None else None
    )
    if settings is None:
        return Asset(path)
    fields = (settings.name, settings.maker, settings.model, settings.serial, settings.tags)
    return Asset(path, *fields, levels=tuple(levels))
