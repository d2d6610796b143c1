"""Profiles are read when they are asked for, and each is judged with all its variants."""

from __future__ import annotations

from pathlib import Path

from gateway.mapping.diagnostics import Report
from gateway.mapping.library import Library
from gateway.mapping.load import Block
from gateway.mapping.units import BUILT_IN
from tests.gateway.mapping.plants import ADAPTERS, block

OWN = "profile: own\nprotocol: field\npoints: {a: {at: 1}}\nvariants: {big: {points: {b: {at: 2}}}}\n"
BUNDLED = {
    "base": "profile: base\nprotocol: field\npoints: {z: {at: 26}}\n",
    "top": "profile: top\nextends: base\npoints: {y: {at: 25}}\n",
    "lost": "profile: lost\nextends: nobody\npoints: {x: {at: 24}}\n",
}


class Shelf:
    """Bundled profiles that know which of them were read."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.read: list[str] = []

    def load(self, path: Path) -> Block | None:
        self.read.append(path.name)
        return block(BUNDLED[path.name], self.report)


def library(*own: str, complete: bool = True) -> tuple[Library, Shelf, Report]:
    report = Report()
    shelf = Shelf(report)
    found = Library({name: Path(name) for name in BUNDLED}, shelf.load, ADAPTERS, BUILT_IN, report)
    found.add([block(text, report) for text in own], complete=complete)
    return found, shelf, report


def codes(report: Report) -> list[str]:
    return [one.code for one in report.sorted()]


def test_bundled_profiles_are_read_when_they_are_asked_for() -> None:
    found, shelf, _ = library(OWN)
    assert shelf.read == []
    assert {*found.named(["top"])} == {"own", "top"}
    assert shelf.read == ["top", "base"]
    found.profile("top")
    assert shelf.read == ["top", "base"]


def test_a_plants_profile_can_extend_a_bundled_one() -> None:
    found, _, report = library("profile: own\nextends: top\npoints: {z: {unit: V}}\n")
    own = found.profile("own")
    assert own is not None
    assert ([point.spec.point.name for point in own.points], codes(report)) == (["z", "y"], [])


def test_a_variant_is_a_profile_of_its_own() -> None:
    found, _, report = library(OWN)
    plain, big = found.profile("own"), found.variant("own", "big")
    assert plain is not None
    assert big is not None
    assert (len(plain.points), len(big.points), plain.variants, codes(report)) == (1, 2, ("big",), [])


def test_all_variants_of_a_plants_profile_are_judged_also_where_no_device_names_them() -> None:
    assert codes(library(OWN.replace("at: 2", "at: x"))[2]) == ["M04"]


def test_a_bundled_profile_that_extends_none_is_told_too() -> None:
    found, _, report = library()
    lost = found.profile("lost")
    assert lost is not None
    assert (lost.sound, codes(report)) == (False, ["F08"])


def test_nothing_is_said_of_profiles_that_may_stand_in_a_file_that_cannot_be_read() -> None:
    assert codes(library("profile: own\nextends: nobody\npoints: {a: {at: 1}}\n", complete=False)[2]) == []


def test_the_second_profile_of_a_name_is_told_and_judged() -> None:
    _, _, report = library(OWN, OWN.replace("at: 1", "at: x"))
    assert sorted(codes(report)) == ["F03", "M04"]


def test_the_same_text_twice_is_two_profiles() -> None:
    assert codes(library(OWN, OWN)[2]) == ["F03"]


def test_a_profile_without_a_name_is_judged_and_makes_the_names_incomplete() -> None:
    found, _, report = library("protocol: field\npoints: {a: {at: x}}\n")
    assert found.unnamed
    assert sorted(codes(report)) == ["M02", "M04"]


def test_what_is_not_there_is_none() -> None:
    found, _, _ = library()
    assert found.named(["nobody"]) == {}
    assert found.names == ("base", "lost", "top")
