"""All profiles of a plant by name: its own, and of the bundled ones those that are named."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

from gateway.mapping import profiles
from gateway.mapping.diagnostics import Report
from gateway.mapping.document import NAME
from gateway.mapping.load import Block
from gateway.mapping.profiles import Adapters, Profile
from gateway.mapping.units import Units
from gateway.values import quote


class Library:
    """Reads a profile when it is asked for the first time."""

    def __init__(
        self,
        bundled: Mapping[str, Path],
        load: Callable[[Path], Block | None],
        adapters: Adapters,
        units: Units,
        report: Report,
    ) -> None:
        self._bundled = bundled
        self._load = load
        self._adapters = adapters
        self._units = units
        self._report = report
        self._blocks: dict[str, Block | None] = {}
        self._read: dict[tuple[str, str], Profile | None] = {}
        self.unnamed = False
        """One of the plant's profiles has no name that anybody could know."""

    def add(self, blocks: Sequence[Block], others: Collection[str] = (), *, complete: bool = True) -> None:
        """The plant's own profiles; each is judged, with all its variants. Reports names that are given twice (F03).

        ``others`` are names of profiles of which nothing else is known; not ``complete``: there may be more of them.
        """
        own: dict[str, Block] = {}
        again: list[Block] = []
        for block in blocks:
            name = block.get("profile")
            if not isinstance(name, str) or not NAME.fullmatch(name.strip()):
                self.unnamed = True
                again.append(block)
                continue
            place, name = block.values_at["profile"], name.strip()
            if name in own:
                other = own[name].values_at["profile"]
                text = f"profile {quote(name)} is also defined in {other.file}:{other.line}"
                self._report.error(place, "F03", text, "delete or rename one of the two")
                again.append(block)
                continue
            own[name] = block
            if name in self._bundled:
                text = f"profile {quote(name)} is also bundled with Fieldgate; the one of this plant is used"
                self._report.warning(place, "F03", text, "give it a name of its own where that is not meant")
        self._blocks.update(own)
        for name, block in own.items():
            if complete and not self.unnamed:
                profiles.check_extends(block, sorted({*self.names, *others} - _own(block)), self._report)
            profile = self.profile(name)
            for variant in profile.variants if profile is not None else ():
                self.variant(name, variant)
        for block in again:
            profiles.read(block, self._adapters, self._report, units=self._units, find=self._block)

    @property
    def names(self) -> tuple[str, ...]:
        """Of all profiles that a device may name."""
        return tuple(sorted(self._blocks.keys() | self._bundled.keys()))

    def named(self, names: Iterable[str]) -> dict[str, Profile]:
        """The profiles of these names that there are, and all of the plant's own."""
        wanted = [name for name in sorted({*names} | self._blocks.keys()) if name in self.names]
        return {name: profile for name in wanted if (profile := self.profile(name)) is not None}

    def profile(self, name: str) -> Profile | None:
        """The profile without a variant; None where it cannot be had, which is reported."""
        return self.variant(name, "")

    def variant(self, name: str, variant: str) -> Profile | None:
        """One variant of a profile."""
        key = (name, variant)
        if key not in self._read:
            block = self._block(name)
            self._read[key] = (
                profiles.read(block, self._adapters, self._report, units=self._units, find=self._block, variant=variant)
                if block is not None
                else None
            )
        return self._read[key]

    def _block(self, name: str) -> Block | None:
        if name not in self._blocks and name in self._bundled:
            block = self._blocks[name] = self._load(self._bundled[name])
            if block is not None:
                profiles.check_extends(block, self.names, self._report)
        return self._blocks.get(name)


def _own(block: Block) -> set[str]:
    """The profile's own name, unless it extends itself, which is told elsewhere."""
    name = str(block.get("profile")).strip()
    return set() if str(block.get("extends")).strip() == name else {name}
