"""What a profile says once all that it builds upon stands below it: one profile over another, a variant over both.

Everything happens on the texts with their places, before a model judges them, so that a mistake is told where it
stands: in the extended profile, in the variant, or in the device that changes a point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gateway.mapping.diagnostics import Place, Report, closest
from gateway.mapping.load import Block, Items, Node
from gateway.mapping.repeat import are_known, names_of
from gateway.values import quote

_MOST = 16
"""Profiles below one another."""
NONE = "none"
"""Takes away a setting that stands below: ``deadband: none``."""


@dataclass(frozen=True, slots=True)
class Tree:
    """The parts of a profile that stand over one another."""

    head: Block
    """All that stands at the top of the file, without the parts below."""
    defaults: Block
    points: Block
    """As they are written, with ``repeat:``."""
    derived: Block
    variants: Block
    heads: Mapping[str, Block]
    """The top of each file: an address is meant as the file says in which it stands."""
    later: Block
    """Settings of single points that come of a ``repeat:`` below: ``cell_3``."""
    left_out: frozenset[str] = field(default_factory=frozenset)
    """What ``without:`` has named, and nobody has written anew: also copies of a ``repeat:`` below."""
    complete: bool = True
    """False where something below is not known, which is reported: then nothing is said of names that are missing."""

    @classmethod
    def of(cls, block: Block) -> Tree:
        """The parts of one file (or variant) as they stand there."""
        return cls(
            head=block,
            defaults=_part(block, "defaults"),
            points=_part(block, "points"),
            derived=_part(block, "derived"),
            variants=_part(block, "variants"),
            heads={block.place.file: block},
            later=Block(block.place),
        )

    def over(self, below: Tree, report: Report) -> Tree:
        """This tree over another: settings of the same point stand over one another one by one.

        What ``without:`` names is taken away below: a point of that name above begins anew.
        """
        below = below.without(self.head, report)
        head = self.head.over(below.head.only(name for name in below.head if name not in _OWN))
        copies = names_of(below.points) - below.points.keys()
        single = [name for name in self.points if name in copies]
        several = [name for name in self.points if name not in copies]
        new = names_of(self.points.only(name for name in several if name not in below.points))
        return Tree(
            head=head,
            defaults=_merged(self.defaults, below.defaults),
            points=each_over(self.points.only(several), below.points),
            derived=each_over(self.derived, below.derived),
            variants=self.variants.over(below.variants),
            heads={**below.heads, **self.heads, self.head.place.file: head},
            later=each_over(self.points.only(single), below.later),
            left_out=below.left_out.difference(several, new),
            complete=below.complete,
        )

    def without(self, block: Block, report: Report) -> Tree:
        """This tree without what ``without:`` of a block above it names, which must stand in it (D08)."""
        listed = block.get("without")
        if not isinstance(listed, Items):
            return self
        known = {*self.points, *self.derived, *names_of(self.points), *self.left_out}
        named = {name: place for name, place in zip(listed, listed.values_at, strict=True) if isinstance(name, str)}
        for name, place in named.items():
            if name not in known and self.complete and are_known(self.points):
                hint = report.did_you_mean(name, known, otherwise="leave it out")
                report.error(place, "D08", f"there is no point {quote(name)} that could be left out", hint)
        points, derived, later = (
            part.only(name for name in part if name not in named) for part in (self.points, self.derived, self.later)
        )
        return replace(self, points=points, derived=derived, later=later, left_out=self.left_out.union(named))


_OWN = frozenset(("schema", "profile", "extends", "note", "defaults", "points", "derived", "without", "variants"))
"""What a profile does not take over from the one that it extends, or what is merged part by part."""


def each_over(upper: Block, lower: Block) -> Block:
    """Blocks of settings by name, each of ``upper`` over the one of the same name in ``lower``."""
    both = _copy(lower)
    for name, node in upper.items():
        under = lower.get(name)
        if isinstance(node, Block) and isinstance(under, Block):
            both.put(name, _merged(node, under), upper.keys_at[name], upper.values_at[name])
        elif name not in lower or not isinstance(node, Block):
            both.put(name, node, upper.keys_at[name], upper.values_at[name])
        # Else what stands below is no block, and what is said of that is enough.
    return both


def without_none(settings: Block) -> Block:
    """The settings without those that are taken away: ``deadband: none``."""
    if NONE not in settings.values():
        return settings
    return settings.only(name for name, node in settings.items() if node != NONE or name == "note")


def _merged(upper: Block, lower: Block) -> Block:
    """Settings over settings; ``scale`` and ``divide`` replace each other."""
    kept = lower
    if "scale" in upper or "divide" in upper:
        kept = lower.only(name for name in lower if name not in ("scale", "divide"))
    return upper.over(kept)


def _part(block: Block, name: str) -> Block:
    part = block.get(name)
    return part if isinstance(part, Block) else Block(block.keys_at.get(name, block.place))


def _copy(block: Block) -> Block:
    copy = block.only(block)
    copy.keys_at, copy.values_at, copy.quoted = dict(block.keys_at), dict(block.values_at), set(block.quoted)
    return copy


def built(block: Block, find: Callable[[str], Block | None], report: Report) -> Tree:
    """The tree of a profile with all that it extends below it.

    ``find`` gives the block of a profile by name; None where there is none, or nothing is known of it.
    A chain that leads back to itself is reported (F07) and cut.
    """
    chain = [block]
    lowest = _chain(chain, find, report)
    tree = replace(Tree.of(chain[-1]), complete=lowest)
    if lowest:
        Tree.of(Block(block.place)).without(chain[-1], report)
    for upper in reversed(chain[:-1]):
        tree = Tree.of(upper).over(tree, report)
    return tree


def _chain(chain: list[Block], find: Callable[[str], Block | None], report: Report) -> bool:
    """Add to the chain all that its first profile builds upon; whether all of it is there."""
    while "extends" in chain[-1]:
        name = _text(chain[-1]["extends"])
        names = [_text(block.get("profile")) for block in chain]
        if name in names:
            _circle(chain[names.index(name) :], report)
            return False
        if len(chain) > _MOST:
            text = f"profile {quote(names[0])} builds upon more than {_MOST} others"
            report.error(chain[-1].values_at["extends"], "F07", text, "put some of them together")
            return False
        below = find(name) if name else None
        if below is None:
            return False
        chain.append(below)
    return not any(closest(name, ("extends",)) for name in chain[-1])  # a misspelled one is told elsewhere


def _circle(circle: Sequence[Block], report: Report) -> None:
    """One message, whichever of them is read: told at the one whose name comes first."""
    by_name = {_text(block.get("profile")): block for block in circle}
    names = list(by_name)
    first = names.index(min(names))
    way = " > ".join((*names[first:], *names[:first], names[first]))
    place: Place = by_name[names[first]].values_at["extends"]
    text = f"profile {quote(names[first])} extends itself ({way})"
    report.error(place, "F07", text, "take one of these extends: away")


def _text(node: Node) -> str:
    return node.strip() if isinstance(node, str) else ""


def places(settings: Block) -> Iterable[Place]:
    """Where values stand in a block: its own, and those inside of blocks and lists."""
    for name, node in settings.items():
        yield settings.values_at[name]
        if isinstance(node, Items):
            yield from node.values_at
        elif isinstance(node, Block):
            yield from places(node)
