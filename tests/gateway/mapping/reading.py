"""Profiles from a text, for tests that look at what became of their points."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.mapping.diagnostics import Diagnostic, Report
from gateway.mapping.load import Block, parse
from gateway.mapping.profiles import Profile, read
from gateway.mapping.spec import DerivedSpec, PointSpec
from gateway.mapping.units import BUILT_IN, Units
from tests.gateway.mapping.plants import ADAPTERS, block

HEAD = "profile: acme\nprotocol: field\n"


def judged(
    text: str, *, others: Mapping[str, str] | None = None, variant: str = "", units: Units = BUILT_IN
) -> tuple[Profile | None, tuple[Diagnostic, ...]]:
    """The profile in a text, where ``others`` can be extended by name, and what is said of it."""
    report = Report()
    known = {name: _file(other, f"{name}.yaml", report) for name, other in (others or {}).items()}

    def find(name: str) -> Block | None:
        return known.get(name)

    found = read(block(text, report), ADAPTERS, report, units=units, find=find, variant=variant)
    return found, report.sorted()


def _file(text: str, name: str, report: Report) -> Block:
    root = parse(text, name, report)
    assert isinstance(root, Block), report.sorted()
    return root


def profile(text: str, *, others: Mapping[str, str] | None = None, variant: str = "") -> Profile:
    """A profile without a mistake."""
    found, said = judged(text, others=others, variant=variant)
    assert [str(one) for one in said if one.severity == "error"] == []
    assert found is not None
    assert found.sound
    return found


def codes(text: str, *, others: Mapping[str, str] | None = None, variant: str = "") -> list[str]:
    """The codes of all that is said."""
    return [one.code for one in judged(text, others=others, variant=variant)[1]]


def specs(text: str, *, others: Mapping[str, str] | None = None, variant: str = "") -> dict[str, PointSpec]:
    """The points of a profile without a mistake, by name."""
    found = profile(text, others=others, variant=variant)
    return {point.spec.point.name: point.spec for point in found.points}


def spec(settings: str, defaults: str = "{}") -> PointSpec:
    """The only point of a profile."""
    (found,) = specs(f"{HEAD}defaults: {defaults}\npoints:\n  p: {settings}\n").values()
    return found


def derived(text: str) -> list[DerivedSpec]:
    """The derived points of a profile without a mistake, in the order in which they are computed."""
    return [point.spec for point in profile(text).derived]
