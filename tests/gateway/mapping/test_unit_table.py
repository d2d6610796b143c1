"""What the table says of a unit is what UNECE, UCUM, DTDL and the published factors say of it."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import pytest

from gateway.mapping.unit_table import TABLES
from gateway.mapping.units import BUILT_IN, Unit, symbol

DATA = Path(__file__).parent.parent.parent / "data"


def test_every_line_of_the_table_is_a_heading_or_a_unit() -> None:
    lines = [line for table in TABLES for line in table.splitlines() if line and not line.startswith("## ")]
    assert [line.split()[0] for line in lines] == [unit.symbol for unit in BUILT_IN]
    assert len(lines) > 300


def test_no_spelling_stands_for_two_units() -> None:
    spellings = Counter(spelling for unit in BUILT_IN for spelling in (unit.symbol, *unit.aliases))
    assert [spelling for spelling, count in spellings.items() if count > 1] == []
    assert [(unit.symbol, alias) for unit in BUILT_IN for alias in unit.aliases if symbol(alias) != unit.symbol] == []


def test_symbols_and_terms_are_ascii() -> None:
    assert all(unit.symbol.isascii() and unit.ucum.isascii() and " " not in unit.symbol for unit in BUILT_IN)


# ---- UNECE ----

OTHER_NAMES = {
    "%": "percent",
    "BTU": "British thermal unit (international table)",
    "BTU/h": "British thermal unit (international table) per hour",
    "Gcal": "gigacalorie",
    "Mvar": "megavar",  # the published table shows it as kvar
    "Nm3": "Normalised cubic metre",
    "Nm3/h": "Normalized cubic metre per hour",
    "Sm3": "Standard cubic metre",
    "Sm3/d": "Standard cubic metre per day",
    "Sm3/h": "Standard cubic metre per hour",
    "gal(US)/h": "gallon (US) per hour",
    "hp": "brake horse power",
    "kcal": "kilocalorie (international table)",
    "kg/l": "kilogram per litre",
    "knot": "knot",
    "tex": "tex",
    "year": "year",
}
"""Units that UNECE shows in another way, with its description."""


def test_a_unece_code_means_the_same_unit_there() -> None:
    with (DATA / "unece_units.csv").open(encoding="utf-8", newline="") as stream:
        published = {row["UNECECode"]: row for row in csv.DictReader(stream)}
    coded = [unit for unit in BUILT_IN if unit.unece]
    assert len({unit.unece for unit in coded}) == len(coded) == len(published) > 250
    for unit in coded:
        row = published[unit.unece]
        if unit.symbol in OTHER_NAMES:
            assert row["Description"] == OTHER_NAMES[unit.symbol]
        else:
            assert symbol(row["DisplayName"]) == unit.symbol


# ---- DTDL ----


def test_the_names_of_dtdl_are_those_of_its_extension() -> None:
    terms = json.loads((DATA / "dtdl_terms.json").read_text(encoding="utf-8"))
    known = {name for names in terms["units"].values() for name in names}
    named = [unit for unit in BUILT_IN if unit.dtdl]
    assert len({unit.dtdl for unit in named}) == len(named) > 150
    assert [unit.dtdl for unit in named if unit.dtdl not in known] == []
    typed = [unit for unit in BUILT_IN if unit.dtdl_type]
    assert [
        (unit.symbol, unit.dtdl_type)
        for unit in typed
        if unit.dtdl not in terms["units"].get(terms["types"].get(unit.dtdl_type), ())
    ] == []
    assert [unit.symbol for unit in named if not unit.dtdl_type] == ["1", "%"]


# ---- UCUM ----

LETTERS = {"m": "m", "s": "s", "g": "g", "K": "K", "A": "A", "cd": "c", "mol": "n", "rad": "r", "bit": "b"}


class Size(NamedTuple):
    """A UCUM term: how many of the base units, with their powers."""

    factor: Fraction
    powers: dict[str, int]

    def times(self, other: Size, power: int = 1) -> Size:
        powers = Counter(self.powers)
        for letter, count in other.powers.items():
            powers[letter] += count * power
        return Size(self.factor * other.factor**power, {letter: n for letter, n in powers.items() if n})


DEFINITIONS = """
1=1 %=1/100 [ppth]=1/1000 [ppm]=1/1000000 [ppb]=1/1000000000 dB=1 [pH]=1 Hz=1/s N=1000.g.m/s2 Pa=N/m2 J=N.m W=J/s
V=W/A Ohm=V/A S=A/V F=A.s/V H=V.s/A T=V.s/m2 Cel=K [degF]=5/9.K lm=cd lx=lm/m2 Bq=1/s Sv=J/1000/g L=m3/1000
t=1000000.g bar=100000.Pa atm=101325.Pa min=60.s h=60.min d=24.h wk=7.d a=1461/4.d ar=100.m2 By=8.bit tex=g/1000/m
deg=31415926535897932/1800000000000000000.rad gon=9/10.deg circ=360.deg P=Pa.s/10 St=m2/s/10000
kgf=980665/100.g.m/s2 gf=980665/100000.g.m/s2 [g]=980665/100000.m/s2 cal_IT=41868/10000.J
[Btu_IT]=105505585262/100000000.J [in_i]=254/10000.m [ft_i]=12.[in_i] [yd_i]=3.[ft_i] [mi_i]=5280.[ft_i]
[nmi_i]=1852.m [kn_i]=[nmi_i]/h [sin_i]=[in_i]2 [cin_i]=[in_i]3 [sft_i]=[ft_i]2 [cft_i]=[ft_i]3 [gal_us]=231.[cin_i]
[bbl_us]=42.[gal_us] [gal_br]=454609/100000.L [lb_av]=45359237/100000.g [oz_av]=[lb_av]/16 [ston_av]=2000.[lb_av]
[lton_av]=2240.[lb_av] [lbf_av]=[lb_av].[g] [psi]=[lbf_av]/[sin_i] [HP]=550.[ft_i].[lbf_av]/s m[H2O]=980665/100.Pa
m[Hg]=133322.Pa [in_i'H2O]=254/10000.m[H2O] [in_i'Hg]=254/10000.m[Hg]
"""
"""As UCUM defines them; m[Hg] with the six digits that it has."""

ATOMS = dict(re.findall(r"(\S+?)=(\S+)", DEFINITIONS))

PREFIXES = {"n": -9, "u": -6, "m": -3, "c": -2, "d": -1, "h": 2, "k": 3, "M": 6, "G": 9, "T": 12, "p": -12}


def ucum(term: str) -> Size:
    """The value of a term of UCUM, from left to right; annotations count nothing."""
    result = Size(Fraction(1), {})
    sign = 1
    for part in parts(re.sub(r"\{\w+\}", "", term)):
        if part in "./":
            sign = -1 if part == "/" else 1
        else:
            result = result.times(ucum(part[1:-1]) if part[0] == "(" else component(part), sign)
    return result


def parts(term: str) -> Iterator[str]:
    """Components and the signs between them."""
    for found in re.finditer(r"\([^)]*\)|[./]|(?:[^./\[(]|\[[^\]]*\])+", term):
        yield found[0]


def component(text: str) -> Size:
    """A unit with its prefix and its exponent, or a number."""
    if text.isdigit():
        return Size(Fraction(text), {})
    found = re.fullmatch(r"(.*?[^\d])([2-4]?)", text)
    assert found, text
    name, power = found[1], int(found[2] or 1)
    return Size(Fraction(1), {}).times(atom(name), power)


def atom(name: str) -> Size:
    if name in LETTERS:
        return Size(Fraction(1), {LETTERS[name]: 1})
    if name in ATOMS:
        return ucum(ATOMS[name])
    if name[:2] in {"Ki", "Mi", "Gi"}:
        return Size(Fraction(1024) ** (" KMG".index(name[0])), {}).times(atom(name[2:]))
    return Size(Fraction(10) ** PREFIXES[name[0]], {}).times(atom(name[1:]))


def test_the_terms_are_read_as_ucum_means_them() -> None:
    assert ucum("kW.h") == Size(Fraction(3_600_000_000), {"m": 2, "g": 1, "s": -2})
    assert ucum("g/(kW.h)") == Size(Fraction(1, 3_600_000_000), {"m": -2, "s": 2})
    assert ucum("{rev}/min") == ucum("/min") == Size(Fraction(1, 60), {"s": -1})
    assert ucum("cm[H2O]").factor == Fraction("98066.5")  # in g, not kg
    with pytest.raises(KeyError):
        ucum("furlong")


def measures() -> dict[str, list[Unit]]:
    """The units of each dimension that have a UCUM term."""
    found: dict[str, list[Unit]] = {}
    for unit in BUILT_IN:
        if unit.ucum and not unit.dimension.endswith(" alone"):
            found.setdefault(unit.dimension, []).append(unit)
    return found


@pytest.mark.parametrize("units", [pytest.param(units, id=name) for name, units in measures().items()])
def test_what_converts_into_each_other_is_as_large_as_ucum_says(units: list[Unit]) -> None:
    base, *others = units
    first = ucum(base.ucum)
    for unit in others:
        size = ucum(unit.ucum)
        assert size.powers == first.powers, unit.symbol
        ratio = (size.factor / first.factor) / (unit.factor / base.factor)
        tolerance = Fraction(1, 10**5) if "Hg]" in unit.ucum else Fraction(1, 10**12)
        assert abs(ratio - 1) < tolerance, unit.symbol
        if "Hg]" not in unit.ucum and "deg" not in unit.ucum and unit.dimension != "angle":
            assert ratio == 1, unit.symbol


def test_a_unit_without_ucum_term_is_one_that_ucum_does_not_have() -> None:
    assert {unit.symbol for unit in BUILT_IN if not unit.ucum} == {
        *("TR", "PS", "dBm", "dB(A)", "Torr", "ftH2O", "degBx", "degP", "mg/Nm3"),
        *("Nm3", "Nl", "Sm3", "Nm3/h", "Nm3/min", "Nl/h", "Nl/min", "Sm3/h", "Sm3/d"),
    }


# ---- the published factors ----

# NIST Special Publication 811, appendix B.8: seven digits, exact ones in full.
PUBLISHED = """
psi Pa 6894.757            atm Pa 101325              mmHg Pa 133.3224           inHg Pa 3386.389
Torr Pa 133.3224           inH2O Pa 249.0889          ftH2O Pa 2989.067          mmH2O Pa 9.80665
cmH2O Pa 98.0665           kgf/cm2 Pa 98066.5         bar Pa 100000              N/mm2 MPa 1
BTU J 1055.05585262        kcal J 4186.8              kWh J 3600000              BTU/h W 0.2930711
hp W 745.6999              PS W 735.49875             TR W 3516.853              kcal/h W 1.163
lb kg 0.45359237           oz kg 0.02834952           ton(US) kg 907.1847        ton(UK) kg 1016.047
in m 0.0254                ft m 0.3048                yd m 0.9144                mi m 1609.344
nmi m 1852                 in2 m2 0.00064516          ft2 m2 0.09290304          ha m2 10000
in3 m3 0.00001638706       ft3 m3 0.02831685          gal(US) l 3.785412         gal(UK) l 4.54609
bbl(US) l 158.9873         gal(US)/min l/s 0.06309020 ft3/min l/s 0.4719474      lbf N 4.448222
kgf N 9.80665              lbf.ft Nm 1.355818         lbf.in Nm 0.1129848        lb/ft3 kg/m3 16.01846
mi/h m/s 0.44704           knot m/s 0.5144444         ft/min m/s 0.00508         km/h m/s 0.2777778
gn m/s2 9.80665            deg rad 0.01745329         gon rad 0.01570796         rev rad 6.283185
rpm 1/s 0.01666667         cP Pa.s 0.001              cSt m2/s 0.000001          lb/h kg/s 0.0001259979
year d 365.25              kWh/m2 MJ/m2 3.6           byte bit 8                 KiB byte 1024
"""


@pytest.mark.parametrize(("unit", "base", "factor"), re.findall(r"(\S+) (\S+) (\S+)", PUBLISHED))
def test_a_factor_is_the_published_one(unit: str, base: str, factor: str) -> None:
    conversion = BUILT_IN.conversion(unit, base)
    assert conversion is not None
    assert conversion[1] == 0
    digits = max(6, len(factor.replace(".", "").lstrip("0")) - 1)
    assert f"{float(conversion[0]):.{digits}e}" == f"{float(factor):.{digits}e}"


@pytest.mark.parametrize(
    ("unit", "base", "value", "result"),
    [
        *[("degC", "K", "0", "273.15"), ("K", "degC", "0", "-273.15"), ("degF", "degC", "212", "100")],
        *[("degF", "degC", "-40", "-40"), ("degC", "degF", "37", "98.6"), ("degF", "K", "-459.67", "0")],
        *[("kWh", "MJ", "1", "3.6"), ("l/min", "m3/h", "1", "0.06"), ("m/s", "km/h", "10", "36")],
        *[("1/min", "rpm", "1500", "1500"), ("rps", "rpm", "25", "1500"), ("1", "%", "0.95", "95")],
        *[("ppm", "%", "400", "0.04"), ("permille", "1", "5", "0.005"), ("mg/l", "g/m3", "7", "7")],
        *[("ug/m3", "mg/m3", "12", "0.012"), ("uS/cm", "mS/cm", "1413", "1.413"), ("t/h", "kg/s", "3.6", "1")],
        *[("g/kWh", "kg/MWh", "3", "3"), ("kWh/t", "kJ/kg", "1", "3.6"), ("mmol/l", "mol/m3", "2", "2")],
        *[("Nl", "Nm3", "1", "0.001"), ("Nl/min", "Nm3/h", "1", "0.06"), ("Nl/h", "Nm3/h", "1", "0.001")],
        *[("Nm3/min", "Nm3/h", "1", "60"), ("Sm3/d", "Sm3/h", "24", "1"), ("hl/h", "m3/h", "10", "1")],
        *[("psi", "bar", "0", "0"), ("MB/s", "Mbit/s", "1", "8"), ("lx", "klx", "500", "0.5")],
    ],
)
def test_a_value_becomes_what_one_expects(unit: str, base: str, value: str, result: str) -> None:
    conversion = BUILT_IN.conversion(unit, base)
    assert conversion is not None
    factor, shift = conversion
    assert Fraction(value) * factor + shift == Fraction(result)


@pytest.mark.parametrize(
    ("unit", "other"),
    [
        *[("W", "VA"), ("VA", "var"), ("kWh", "kVAh"), ("kVAh", "kvarh"), ("Nm", "J"), ("lbf.ft", "Nm3")],
        *[("Hz", "rpm"), ("Hz", "1/s"), ("rpm", "rad/s"), ("1/min", "pcs/min"), ("pcs", "1"), ("cycle", "1")],
        *[("kg/h", "m3/h"), ("Nm3/h", "m3/h"), ("Nm3", "Sm3"), ("W", "W/m2"), ("kWh", "kW"), ("Ah", "A")],
        *[("K/min", "K"), ("degC", "K/s"), ("pH", "1"), ("NTU", "FNU"), ("dB", "dBm"), ("dB", "dB(A)")],
        *[("ppm", "mg/l"), ("g/kg", "g/l"), ("mol/l", "g/l"), ("Pa.s", "mm2/s"), ("lx", "lm"), ("degBx", "%")],
        *[("mg/Nm3", "mg/m3"), ("S", "ohm"), ("bit", "bit/s"), ("%", "%/s"), ("uSv", "uSv/h"), ("kg", "kgf")],
    ],
)
def test_what_does_not_measure_the_same_does_not_become_the_other(unit: str, other: str) -> None:
    assert BUILT_IN.conversion(unit, other) is None
    assert BUILT_IN.conversion(other, unit) is None
    assert other not in BUILT_IN.alike(unit)


def test_there_and_back_is_the_same_number() -> None:
    for unit in BUILT_IN:
        assert unit.factor > 0
        for other in (unit.symbol, *BUILT_IN.alike(unit.symbol)):
            there, back = BUILT_IN.conversion(unit.symbol, other), BUILT_IN.conversion(other, unit.symbol)
            assert there is not None
            assert back is not None
            assert there[0] * back[0] == 1
            assert there[1] * back[0] + back[1] == 0


def test_a_zero_lies_elsewhere_for_temperatures_alone() -> None:
    assert [unit.symbol for unit in BUILT_IN if unit.shift] == ["degC", "degF"]


def test_angles_are_right_to_the_last_digit_of_a_double() -> None:
    conversion = BUILT_IN.conversion("rad", "deg")
    assert conversion is not None
    assert float(conversion[0]) == 57.29577951308232
