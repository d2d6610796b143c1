"""Profiles over profiles and variants over both: what stands above wins, setting by setting."""

from __future__ import annotations

import pytest

from gateway.mapping.diagnostics import Report
from gateway.mapping.load import Block, parse
from gateway.mapping.tree import built, each_over, places, without_none
from tests.gateway.mapping.plants import block
from tests.gateway.mapping.reading import codes, judged, specs

BASE = """\
profile: base
protocol: field
defaults: {type: int16, every: 10s}
points:
  a: {at: 1, unit: V, scale: 0.1, deadband: 1 V}
  b: {at: 2, unit: A}
  cell_{i}: {at: 100, unit: mV, repeat: {i: 1..3, step: 2}}
derived:
  p: {expr: a * b, unit: W}
variants:
  big: {points: {c: {at: 3}}}
  small: {without: [b, p], defaults: {every: 1min}}
"""


def above(text: str) -> str:
    return f"profile: above\nextends: base\n{text}"


def test_an_extending_profile_says_only_what_differs() -> None:
    found = specs(above("points:\n  a: {unit: mV, deadband: 5 mV}\n  d: {at: 9}\n"), others={"base": BASE})
    assert list(found) == ["a", "b", "cell_1", "cell_2", "cell_3", "d"]
    assert (found["a"].unit, found["a"].point.address.at, str(found["a"].scale)) == ("mV", 1, "1/10")
    assert found["d"].point.every_s == 10.0  # the defaults below hold for it, too


def test_divide_above_takes_the_place_of_scale_below() -> None:
    found = specs(above("points:\n  a: {divide: 4}\n"), others={"base": BASE})
    assert str(found["a"].scale) == "1/4"


def test_defaults_above_stand_over_the_defaults_below() -> None:
    found = specs(above("defaults: {every: 2s}\npoints: {a: {}}\n"), others={"base": BASE})
    assert {spec.point.every_s for spec in found.values()} == {2.0}
    assert {spec.point.address.type for spec in found.values()} == {"int16"}


def test_none_takes_a_setting_away_also_one_of_the_defaults() -> None:
    text = "defaults: {deadband: 1 %}\npoints:\n  a: {deadband: none}\n  b: {}\n"
    found = specs(above(text), others={"base": BASE})
    assert (found["a"].report.deadband, found["b"].report.deadband is None) == (None, False)


def test_none_in_the_defaults_takes_away_what_stands_below() -> None:
    found = specs(above("defaults: {every: none}\npoints: {a: {}}\n"), others={"base": BASE})
    assert found["a"].point.every_s == 5.0


def test_a_note_may_say_none() -> None:
    assert specs("profile: a\nprotocol: field\npoints: {p: {at: 1, note: none}}\n")["p"].note == "none"


def test_a_variant_stands_over_the_profile() -> None:
    assert list(specs(BASE, variant="big")) == ["a", "b", "cell_1", "cell_2", "cell_3", "c"]
    small = specs(BASE, variant="small")
    assert list(small) == ["a", "cell_1", "cell_2", "cell_3"]
    assert small["a"].point.every_s == 60.0


def test_a_variant_of_the_profile_below_stands_over_the_one_above() -> None:
    text = above("points:\n  a: {unit: kV, deadband: none}\n")
    found = specs(text, others={"base": BASE}, variant="small")
    assert (list(found), found["a"].unit) == (["a", "cell_1", "cell_2", "cell_3"], "kV")


def test_without_leaves_out_points_and_derived_points() -> None:
    found, said = judged(above("without: [b, p]\npoints: {a: {}}\n"), others={"base": BASE})
    assert said == ()
    assert found is not None
    assert ([point.spec.point.name for point in found.points][:2], found.derived) == (["a", "cell_1"], ())


def test_what_both_leave_out_is_no_mistake() -> None:
    text = above("without: [b, p]\npoints: {a: {}}\n")
    assert list(specs(text, others={"base": BASE}, variant="small")) == ["a", "cell_1", "cell_2", "cell_3"]


def test_what_was_left_out_can_come_again() -> None:
    top = "profile: top\nextends: above\npoints: {b: {at: 20}}\n"
    others = {"base": BASE, "above": above("without: [b, p]\npoints: {a: {}}\n")}
    assert specs(top, others=others)["b"].point.address.at == 20


def test_what_is_left_out_and_written_in_the_same_file_begins_anew() -> None:
    text = above("without: [a, p]\npoints: {a: {at: 9}}\nderived: {p: {expr: a + b}}\n")
    found, said = judged(text, others={"base": BASE})
    assert said == ()
    assert found is not None
    (a,) = [point.spec for point in found.points if point.spec.point.name == "a"]
    assert (a.unit, str(a.scale), a.report.deadband, a.point.address.at) == ("", "1", None, 9)
    assert [(one.spec.formula.text, one.spec.unit) for one in found.derived] == [("a + b", "")]


def test_a_variant_can_replace_a_point() -> None:
    text = BASE.replace("small: {without: [b, p]", "small: {without: [b], points: {b: {at: 20}}")
    assert [(found.unit, found.point.address.at) for found in (specs(text, variant="small")["b"],)] == [("", 20)]


def test_a_copy_of_a_repeat_can_be_replaced() -> None:
    found = specs(above("without: [cell_2]\npoints: {cell_2: {at: 900}}\n"), others={"base": BASE})
    assert [(found[f"cell_{i}"].unit, found[f"cell_{i}"].point.address.at) for i in (1, 2, 3)] == [
        *[("mV", 100), ("", 900), ("mV", 104)]
    ]


def test_a_repeat_can_be_replaced_by_another() -> None:
    for left_out in ("['cell_{i}']", "[cell_2, 'cell_{i}']"):
        text = above(f"without: {left_out}\npoints:\n  cell_{{i}}: {{at: 500, repeat: {{i: 2..4, step: 1}}}}\n")
        found = specs(text, others={"base": BASE})
        assert [name for name in found if name.startswith("cell")] == ["cell_2", "cell_3", "cell_4"]
        assert (found["cell_2"].unit, found["cell_2"].point.address.at) == ("", 500)


def test_what_is_left_out_below_is_told_where_it_never_stood() -> None:
    assert codes("profile: a\nprotocol: field\nwithout: [p]\npoints: {p: {at: 1}}\n") == ["D08"]
    assert codes(above("without: [q]\npoints: {q: {at: 1}}\n"), others={"base": BASE}) == ["D08"]


def test_a_formula_that_needs_a_point_that_is_left_out_is_told() -> None:
    assert codes(above("without: [b]\npoints: {a: {}}\n"), others={"base": BASE}) == ["X03"]


def test_one_copy_of_a_repeat_can_differ_above() -> None:
    found = specs(above("points:\n  cell_2: {unit: V}\n"), others={"base": BASE})
    assert [found[f"cell_{i}"].unit for i in (1, 2, 3)] == ["mV", "V", "mV"]
    assert [found[f"cell_{i}"].point.address.at for i in (1, 2, 3)] == [100, 102, 104]


def test_one_copy_of_a_repeat_can_be_left_out() -> None:
    found = specs(above("without: [cell_2]\npoints: {a: {}}\n"), others={"base": BASE})
    assert "cell_2" not in found
    assert "cell_3" in found


def test_a_repeat_can_be_longer_above() -> None:
    found = specs(above("points:\n  cell_{i}: {repeat: {i: 1..5, step: 2}}\n"), others={"base": BASE})
    assert [found[f"cell_{i}"].point.address.at for i in range(1, 6)] == [100, 102, 104, 106, 108]


def test_an_address_is_meant_as_the_file_says_in_which_it_stands() -> None:
    # The profile below counts as the manual does, from 1; the one above as the wire does, from 0.
    numbers = "profile: base\nprotocol: field\nnumbering: number\npoints: {a: {at: 100}, b: {at: 200}}\n"
    found = specs(above("numbering: offset\npoints: {b: {unit: V}, c: {at: 300}}\n"), others={"base": numbers})
    assert [(name, spec.point.address.at) for name, spec in found.items()] == [("a", 99), ("b", 199), ("c", 300)]


def test_an_extending_profile_takes_over_the_numbering_below() -> None:
    numbers = "profile: base\nprotocol: field\nnumbering: number\npoints: {a: {at: 100}}\n"
    found = specs(above("points: {b: {at: 5}}\n"), others={"base": numbers})
    assert [spec.point.address.at for spec in found.values()] == [99, 4]


def test_a_circle_is_told_once_whoever_is_read() -> None:
    texts = {
        name: f"profile: {name}\nextends: {other}\npoints: {{}}\n" for name, other in zip("abc", "bca", strict=True)
    }
    said = set()
    for text in texts.values():
        found, diagnostics = judged(text, others=texts)
        assert found is not None
        assert not found.sound
        said |= {one.text for one in diagnostics if one.code == "F07"}
    assert said == {'profile "a" extends itself (a > b > c > a)'}


def test_a_profile_above_a_circle_tells_of_the_circle_alone() -> None:
    texts = {"a": "profile: a\nextends: b\npoints: {}\n", "b": "profile: b\nextends: a\npoints: {}\n"}
    assert codes("profile: d\nextends: b\npoints: {p: {at: 1}}\n", others=texts) == ["F07"]


def test_nothing_follows_from_a_profile_below_of_which_nothing_is_known() -> None:
    text = above("without: [x]\npoints:\n  a: {unit: V, when: y > 1, scale_from: z}\nderived:\n  q: {expr: a + b}\n")
    found, said = judged(text)
    assert found is not None
    assert not found.sound
    # All that can be said is what the point itself lacks.
    assert [one.code for one in said] in ([], ["M02"])


def test_profiles_build_upon_each_other_so_far_and_no_further() -> None:
    texts = {f"c{n}": f"profile: c{n}\nextends: c{n - 1}\npoints: {{p{n}: {{at: {n}}}}}\n" for n in range(1, 30)}
    texts["c0"] = "profile: c0\nprotocol: field\npoints: {p0: {at: 0}}\n"
    assert len(specs(texts["c16"], others=texts)) == 17
    assert codes(texts["c17"], others=texts) == ["F07"]


def test_nothing_follows_from_a_misspelled_extends() -> None:
    text = above("without: [x]\npoints:\n  a: {at: 1, when: y > 1}\n").replace("extends", "extend")
    assert codes(text.replace("profile: above\n", "profile: above\nprotocol: field\n")) == ["M01"]


def test_a_mistake_below_is_told_at_its_place_below() -> None:
    wrong = BASE.replace("unit: A", "unit: kwhr")
    report = Report()
    lower = parse(wrong, "base.yaml", report)
    assert isinstance(lower, Block)
    tree = built(block(above("points: {b: {every: 1s}}\n"), report), {"base": lower}.get, report)
    assert tree.points.keys() == {"a", "b", "cell_{i}"}
    b = tree.points["b"]
    assert isinstance(b, Block)
    assert (b.values_at["unit"].file, b.values_at["every"].file) == ("base.yaml", "f.yaml")


@pytest.mark.parametrize(
    ("upper", "lower", "both"),
    [
        ("p: {a: 1}", "p: {b: 2}", {"p": {"a": "1", "b": "2"}}),
        ("p: {a: 1}", "p: {a: 2}", {"p": {"a": "1"}}),
        ("p: {scale: 1}", "p: {divide: 2, b: 3}", {"p": {"scale": "1", "b": "3"}}),
        ("p: {w: {x: 1}}", "p: {w: {y: 2}}", {"p": {"w": {"x": "1"}}}),
        ("q: {a: 1}", "p: {b: 2}", {"p": {"b": "2"}, "q": {"a": "1"}}),
        ("p: 5", "p: {b: 2}", {"p": "5"}),  # the mistake above is told
        ("p: {a: 1}", "p: 5", {"p": "5"}),  # the mistake below is told
    ],
)
def test_settings_stand_over_settings(upper: str, lower: str, both: dict[str, object]) -> None:
    report = Report()
    assert each_over(block(f"{upper}\n", report), block(f"{lower}\n", report)) == both


def test_a_block_below_is_left_as_it_was() -> None:
    report = Report()
    lower = block("p: {b: 2}\n", report)
    each_over(block("p: {a: 1}\nq: {c: 1}\n", report), lower)
    assert lower == {"p": {"b": "2"}}
    assert lower.keys_at.keys() == {"p"}


def test_places_are_those_of_all_values_inside() -> None:
    root = block("a: 1\nb: [2, 3]\nc: {d: 4}\n", Report())
    assert [(place.line, place.column) for place in places(root)] == [
        *[(1, 4), (2, 4), (2, 5), (2, 8)],
        *[(3, 4), (3, 8)],
    ]


def test_without_none_leaves_what_is_said() -> None:
    assert without_none(block("a: none\nb: 1\nnote: none\n", Report())) == {"b": "1", "note": "none"}
