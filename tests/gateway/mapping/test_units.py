"""A unit is known by its spellings, and by nothing that could be another unit."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest
from pydantic_core import PydanticCustomError

from gateway.mapping.units import BUILT_IN, UNCLEAR, UNITS, Finding, SiteUnit, Units, fold, symbol

WILD = json.loads((Path(__file__).parent.parent.parent / "data" / "units_in_the_wild.json").read_text(encoding="utf-8"))
LIST = "the list of units: fieldgate units; own units go into units.yaml; leave unit: out where there is none"


def refused(text: str, units: Units = BUILT_IN) -> str:
    """The hint."""
    with pytest.raises(PydanticCustomError) as caught:
        units.symbol(text)
    context = caught.value.context or {}
    assert (context["code"], context["text"]) == ("M12", f'unknown unit "{text}"')
    return str(context["hint"])


def exact(source: str, target: str, units: Units = BUILT_IN) -> tuple[object, ...]:
    """Factor and shift."""
    conversion = units.conversion(source, target)
    assert conversion is not None
    return conversion


# ---- spellings ----


@pytest.mark.parametrize(
    ("spelling", "unit"),
    [
        *[("V", "V"), ("Volts", "V"), ("V AC", "V"), ("kwh", "kWh"), ("kW·h", "kWh"), ("VAr", "var")],
        *[("kVArh", "kvarh"), ("°C", "degC"), ("deg C", "degC"), ("\u2103", "degC"), ("\u00ba", "deg"), ("Secs", "s")],
        *[("RPM", "rpm"), ("m^3/h", "m3/h"), ("m³/h", "m3/h"), ("min⁻¹", "1/min"), ("s^-1", "1/s"), ("°/s", "deg/s")],
        *[("µA", "uA"), ("\u03bcA", "uA"), ("Ω", "ohm"), ("k\u2126", "kohm"), ("mm H₂O", "mmH2O"), ("°C/min", "K/min")],
        *[("cos()", "1"), ("1", "1"), (" V ", "V"), ("V\u00a0AC", "V"), ("N·m", "Nm"), ("‰", "permille"), ("", "")],
    ],
)
def test_spellings_that_mean_a_unit(spelling: str, unit: str) -> None:
    assert BUILT_IN.symbol(spelling) == symbol(spelling) == unit


@pytest.mark.parametrize(
    ("small", "large"),
    [
        *[("mW", "MW"), ("s", "S"), ("mV", "V"), ("mbar", "bar"), ("mPa.s", "MPa"), ("ms", "mS/cm"), ("mV", "MV")],
        *[("mHz", "MHz"), ("mohm", "Mohm"), ("mN", "MN"), ("kbit/s", "kB/s")],
    ],
)
def test_case_matters_where_it_means_something(small: str, large: str) -> None:
    assert (symbol(small), symbol(large)) == (small, large)
    refused("mw")
    refused("SEC")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("kwhr", 'did you mean "kWh"?'),
        ("degc", 'did you mean "degC"?'),
        ("m3/hr", 'did you mean "m3/h"?'),
        ("Kilowatthours", 'did you mean "kWh"?'),
        ("mw", 'did you mean "mW" or "MW"?'),
        ("C", "write degC for degrees Celsius"),
        ("F", "write degF for degrees Fahrenheit"),
        ("PF", 'write "1" for a power factor'),
        ("Degrees", "write deg for an angle, degC for a temperature"),
        (" Degrees ", "write deg for an angle, degC for a temperature"),
        ("mS", "write ms for milliseconds, mS/cm for a conductivity"),
        ("nm", "write Nm for a torque, um for a length"),
        ("kn", "write kN for a force, knot for a speed"),
        ("gpm", "write gal(US)/min or gal(UK)/min"),
        ("barg", "write bar; what it is counted from belongs into the name"),
        ("% VRef", 'write "%"; what it is a percentage of belongs into the name of the point'),
        ("WMaxPct", 'write "%"; what it is a percentage of belongs into the name of the point'),
        ("% WMax/min", 'write "%/min"; what it is a percentage of belongs into the name of the point'),
        ("%Max/Sec", 'write "%/s"; what it is a percentage of belongs into the name of the point'),
        ("% PM/Hz", LIST),
        ("furlongs/fortnight", LIST),
        (" ", LIST),
    ],
)
def test_other_spellings_are_refused_with_advice(text: str, hint: str) -> None:
    assert refused(text) == hint


@pytest.mark.parametrize("advice", sorted(set(UNCLEAR.values())))
def test_advice_names_units_that_there_are(advice: str) -> None:
    named = re.findall(r'(?:write |, | or )"?([^\s",;]+)', advice)
    assert named
    assert [unit for unit in named if unit not in BUILT_IN] == []


def test_ten_thousand_points_look_up_their_units_in_no_time() -> None:
    started = time.process_time()
    for _ in range(5_000):
        symbol("kWh")
        symbol("m³/h")
    assert time.process_time() - started < 0.2


# ---- what people write ----

MEANT = """
degC: deg C | °C | Degrees celsius | Degrees Celsius | Degrees centigrade
V: V | V DC | V AC | Volts
W: W | Watts | W DC | W AC
A: A | A AC | A DC | Amps
var: var | Var | VAR | VAr
varh: varh | Varh
kvarh: kvarh | kVARh | kVArh
kvar: kvar | kVar
Ah: Ah | AH
kAh: kAH
Wh: Wh | WH
kWh: kWh
kW: kW
VA: VA
kVA: kVA
VAh: VAh
mA: mA
ohm: Ω | ohms
kohm: kΩ
mohm: mΩ
S: S
Hz: Hz
Hz/s: Hz/s
V/s: V/s
A/s: A/s
W/s: W/s
rpm: rpm | RPM
deg: deg | ° | Decimal degrees
%: % | Pct | %, RH
1: cos() | count
ppm: ppm
ppb: ppb
cycle: cycle
s: s | Secs | seconds | Sec | Seconds | sec
ms: mSecs | Millisecs
min: min
h: h | hour
d: d | day
W/m2: W/m2 | W/m^2
bar: bar
Pa: Па
hPa: hPa | HPa
kPa: kPa
m: m | meters
mm: mm
m/s: m/s | mps
m3: m3 | m^3
m3/h: m^3/h
g/m3: g/m^3
ug/m3: ug/m^3
kg: kg
lx: lux
bit/s: bps
Mbit/s: Mbps
"""
"""Every spelling of the wild list that is taken, under what its users mean by it."""

ASKED = """
degC: C | Degrees
"1": PF | SF
"%": % VRef | % WMax | % WRef | VNomPct | %WHRtg | % VArMax | % VArAval | % WGra | WMaxPct | VarPct | % WChaMax \
| % AhrRtg | % WDisChaMax
"%/min": % WMax/min | % ref_value/min | % PF/min
"%/s": % WMax/sec | % WChaMax/sec | %Max/Sec
s: Tms
h: Tmh
d: Tmd
"kohm": kO
"V/m": Vm
mV/K: mV/*C
cycle: Charges
"tex": text
: DeptRef | YYYYMMDD | hhmmss | hhmmss.sssZ | %ARtg/%dV | % PM/Hz | config_idx | timestamp
"""
"""Every other spelling of it, under a unit that the advice must name; the last are no units."""


def table(text: str) -> dict[str, str]:
    """What stands before the colon by what stands after it."""
    return {
        spelling: meaning
        for line in text.strip().splitlines()
        for meaning, spellings in [re.split(r": ", line, maxsplit=1)]
        for spelling in spellings.split(" | ")
    }


def used() -> Counter[str]:
    """How often each spelling is used."""
    uses: Counter[str] = Counter()
    for spellings in WILD.values():
        for spelling, count in spellings.items():
            uses[spelling.strip()] += count
    return uses


def test_every_spelling_of_the_wild_is_reviewed() -> None:
    assert len({spelling for spellings in WILD.values() for spelling in spellings}) == 136
    assert sum(used().values()) == 8401
    assert used().keys() == table(MEANT).keys() | table(ASKED).keys()


@pytest.mark.parametrize(("spelling", "meaning"), table(MEANT).items())
def test_a_spelling_of_the_wild_means_what_its_users_mean(spelling: str, meaning: str) -> None:
    assert symbol(spelling) == meaning


@pytest.mark.parametrize(("spelling", "meaning"), table(ASKED).items())
def test_a_doubtful_spelling_of_the_wild_is_asked_back(spelling: str, meaning: str) -> None:
    hint = refused(spelling)
    assert re.search(rf"(write|did you mean|,|or) {re.escape(meaning)}(\W|$)", hint) if meaning else hint == LIST


def test_of_a_hundred_units_in_the_wild_one_at_most_is_left_without_advice() -> None:
    uses = used()
    helped = sum(uses[spelling] for spelling, meaning in (table(MEANT) | table(ASKED)).items() if meaning)
    assert helped / sum(uses.values()) > 0.99
    assert sum(uses[spelling] for spelling in table(MEANT)) / sum(uses.values()) > 0.95


# ---- the list ----


def test_a_unit_is_found_by_its_symbol() -> None:
    unit = BUILT_IN["kWh"]
    assert (unit.quantity, unit.unece, unit.ucum, unit.dtdl, unit.dtdl_type) == (
        *("energy", "KWH", "kW.h"),
        *("kilowattHour", "Energy"),
    )
    assert unit.factor == 3_600_000
    assert "kWh" in BUILT_IN
    assert "kwh" not in BUILT_IN
    assert len(BUILT_IN) == len(list(BUILT_IN)) == len(UNITS)


def test_what_a_unit_can_be_converted_to_is_listed() -> None:
    assert BUILT_IN.alike("degC") == ["degF", "K"]
    assert BUILT_IN.alike("rpm") == ["rps", "1/s", "1/min", "1/h"]
    assert BUILT_IN.alike("pH") == []
    assert {"W", "hp", "BTU/h"} <= set(BUILT_IN.alike("kW"))


def test_a_conversion_is_exact() -> None:
    assert exact("kWh", "J") == (3_600_000, 0)
    assert exact("degF", "degC") == (Fraction(5, 9), Fraction(-160, 9))
    assert BUILT_IN.conversion("kWh", "kvarh") is None


@pytest.mark.parametrize(("spelling", "plain"), [("µΩ·m³", "uohm.m3"), ("x^2 ", "x2"), ("ºF", "degF"), ("Па", "Па")])
def test_signs_that_ascii_has_too_are_written_in_it(spelling: str, plain: str) -> None:
    assert fold(spelling) == plain


# ---- a site's own units ----


def test_a_site_adds_units_in_terms_of_others() -> None:
    crate = SiteUnit("crate", ("crates", "Krat"), "pcs", Fraction(24), ucum="{crate}", description="crate of bottles")
    pallet = SiteUnit("pallet", base="Krat", factor=Fraction(40))
    # In any order.
    units, found = BUILT_IN.with_site([pallet, crate])
    assert found == []
    assert units.symbol("crates") == "crate"
    assert exact("pallet", "pcs", units) == (960, 0)
    assert exact("pcs", "crate", units) == (Fraction(1, 24), 0)
    assert units.alike("pallet") == ["pcs", "crate"]
    assert (units["crate"].quantity, units["crate"].description) == ("number of pieces", "crate of bottles")
    assert [unit.symbol for unit in units][-2:] == ["crate", "pallet"]
    assert "crate" not in BUILT_IN
    assert refused("crate") == LIST
    assert refused("cratte", units) == 'did you mean "crate"?'


def test_a_site_adds_a_scale_with_another_zero() -> None:
    newton = SiteUnit("degN", base="°C", factor=Fraction(100, 33))
    shifted = SiteUnit("degX", base="degF", factor=Fraction(2), shift=Fraction(32), dtdl="degreeX")
    units, found = BUILT_IN.with_site([newton, shifted])
    assert found == []
    assert exact("degN", "degC", units) == (Fraction(100, 33), 0)
    assert exact("degN", "K", units) == (Fraction(100, 33), Fraction("273.15"))
    assert exact("degX", "degF", units) == (2, 32)
    assert (units["degX"].dtdl_type, units["degN"].dtdl_type) == ("Temperature", "")


def test_a_site_adds_a_unit_that_is_like_no_other() -> None:
    units, found = BUILT_IN.with_site([SiteUnit("degdH", ("°dH",)), SiteUnit("energy")])
    assert found == []
    assert units.symbol("°dH") == "degdH"
    assert units.alike("degdH") == units.alike("energy") == []


def test_a_site_may_decide_what_is_asked_back_elsewhere() -> None:
    units, found = BUILT_IN.with_site([SiteUnit("gal", ("C",), "gal(US)")])
    assert found == []
    assert units.symbol("gal") == units.symbol("C") == "gal"


def test_a_spelling_that_is_taken_is_named() -> None:
    taken = [SiteUnit("°C", base="K"), SiteUnit("crate", ("crate", "bar", "box")), SiteUnit("box", base="pcs")]
    units, found = BUILT_IN.with_site(taken)
    assert found == [
        Finding(
            *("°C", "symbol", "N01", '"°C" already means the unit "degC"'),
            'choose another symbol, or use "degC" as it is',
        ),
        Finding(
            *("crate", "aliases", "N01", 'crate: "bar" already means the unit "bar"', "leave this spelling out"),
        ),
        Finding(
            *("box", "symbol", "N01", '"box" already means the unit "crate"'),
            'choose another symbol, or use "crate" as it is',
        ),
    ]
    assert (units.symbol("°C"), units.symbol("bar"), units.symbol("box")) == ("degC", "bar", "crate")
    assert units["crate"].aliases == ("crate", "box")
    assert units["degC"] == BUILT_IN["degC"]


def test_an_unknown_base_is_named_once_and_the_unit_stays_known() -> None:
    units, found = BUILT_IN.with_site([SiteUnit("crate", base="pcz"), SiteUnit("pallet", base="crate")])
    assert found == [Finding("crate", "base", "N02", 'crate: unknown unit "pcz"', 'did you mean "pcs"?')]
    assert units.symbol("crate") == "crate"
    _, found = BUILT_IN.with_site([SiteUnit("crate"), SiteUnit("pallet", base="crat")])
    assert [(one.code, one.hint) for one in found] == [("N02", 'did you mean "crate"?')]


def test_a_factor_of_zero_is_of_no_use() -> None:
    units, found = BUILT_IN.with_site([SiteUnit("crate", base="pcs", factor=Fraction(0))])
    text = "crate: factor is 0, every value would be the same"
    assert found == [Finding("crate", "factor", "N03", text, "write how many pcs one of it is")]
    assert units.alike("crate") == []


def test_units_that_are_given_in_each_other_are_named() -> None:
    units, found = BUILT_IN.with_site(
        [SiteUnit("crate", base="box"), SiteUnit("box", base="crate"), SiteUnit("x", base="x")]
    )
    assert [(one.symbol, one.key, one.code) for one in found] == [
        *[("crate", "base", "N04"), ("box", "base", "N04")],
        ("x", "base", "N04"),
    ]
    assert found[0].text == 'crate: "box" leads back to itself, never to a unit of the list'
    assert units.symbol("box") == "box"
