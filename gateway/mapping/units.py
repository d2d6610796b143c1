"""The closed list of units, with the spellings that are taken for them and their terms in other systems.

Nothing is parsed: to a parser of units, PF is a petafarad and C a coulomb. Case is part of a spelling, because mW and
MW, s and S are different things. Terms: UNECE Recommendation 20 (as used by OPC UA Part 8, section 5.6.3),
UCUM, and DTDL v3's quantitative types; empty where a system has none.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.mapping.diagnostics import did_you_mean
from gateway.values import fault, quote


class Unit(NamedTuple):
    """One unit."""

    symbol: str
    """How it is written in messages: ASCII."""
    unece: str
    ucum: str
    dtdl: str
    aliases: tuple[str, ...]
    """Other spellings, none of which is taken for another unit."""


def _unit(symbol: str, unece: str, ucum: str, dtdl: str = "", *aliases: str) -> Unit:
    return Unit(symbol, unece, ucum, dtdl, aliases)


_ELECTRIC = (
    _unit("V", "VLT", "V", "volt", "volt", "volts", "Volt", "Volts", "V AC", "V DC", "VAC", "VDC"),
    _unit("uV", "D82", "uV", "microvolt", "µV"),
    _unit("mV", "2Z", "mV", "millivolt"),
    _unit("kV", "KVT", "kV", "kilovolt", "KV"),
    _unit("A", "AMP", "A", "ampere", "ampere", "Ampere", "amps", "Amp", "Amps", "A AC", "A DC"),
    _unit("uA", "B84", "uA", "microampere", "µA"),
    _unit("mA", "4K", "mA", "milliampere"),
    _unit("kA", "B22", "kA", "kiloampere", "KA"),
    _unit("W", "WTT", "W", "watt", "watt", "watts", "Watt", "Watts", "W AC", "W DC"),
    _unit("mW", "C31", "mW", "milliwatt"),
    _unit("kW", "KWT", "kW", "kilowatt", "KW"),
    _unit("MW", "MAW", "MW", "megawatt"),
    _unit("GW", "A90", "GW", "gigawatt"),
    _unit("VA", "D46", "V.A", "voltAmpere", "V·A"),
    _unit("kVA", "KVA", "kV.A", "kilovoltAmpere", "KVA", "kV·A"),
    _unit("MVA", "MVA", "MV.A", "megavoltAmpere", "MV·A"),
    _unit("var", "D44", "V.A{reactive}", "voltAmpereReactive", "Var", "VAr", "VAR"),
    _unit("kvar", "KVR", "kV.A{reactive}", "kilovoltAmpereReactive", "kVar", "kVAr", "kVAR", "KVAR"),
    _unit("Mvar", "MAR", "MV.A{reactive}", "megavoltAmpereReactive", "MVar", "MVAr", "MVAR"),
    _unit("Ah", "AMH", "A.h", "ampereHour", "AH", "A·h"),
    _unit("mAh", "E09", "mA.h", "milliampereHour", "mAH", "mA·h"),
    _unit("kAh", "TAH", "kA.h", "", "kAH", "kA·h"),
    _unit("ohm", "OHM", "Ohm", "ohm", "ohms", "Ohm", "Ohms", "Ω"),
    _unit("mohm", "E45", "mOhm", "milliohm", "mOhm", "mΩ"),
    _unit("kohm", "B49", "kOhm", "kiloohm", "kOhm", "kΩ"),
    _unit("Mohm", "B75", "MOhm", "megaohm", "MOhm", "MΩ"),
    _unit("uF", "4O", "uF", "microfarad", "µF"),
    _unit("S", "SIE", "S", "", "siemens"),
    _unit("uS/cm", "G42", "uS/cm", "", "µS/cm"),
    _unit("mS/cm", "H61", "mS/cm"),
    _unit("mT", "C29", "mT"),
    _unit("mH", "C14", "mH", "millihenry"),
    _unit("Hz", "HTZ", "Hz", "hertz", "HZ", "hertz"),
    _unit("kHz", "KHZ", "kHz", "kilohertz"),
    _unit("MHz", "MHZ", "MHz", "megahertz"),
    _unit("GHz", "A86", "GHz", "gigahertz"),
    _unit("V/m", "D50", "V/m"),
    _unit("dBm", "DBM", "", "", "dbm"),
)

_ENERGY = (
    _unit("J", "JOU", "J", "joule"),
    _unit("kJ", "KJO", "kJ", "kilojoule"),
    _unit("MJ", "3B", "MJ", "megajoule"),
    _unit("GJ", "GV", "GJ", "gigajoule"),
    _unit("Wh", "WHR", "W.h", "wattHour", "WH", "W·h"),
    _unit("kWh", "KWH", "kW.h", "kilowattHour", "kwh", "Kwh", "KWh", "KWH", "kW·h"),
    _unit("MWh", "MWH", "MW.h", "megawattHour", "MW·h"),
    _unit("GWh", "GWH", "GW.h", "gigawattHour", "GW·h"),
    _unit("VAh", "", "V.A.h", "voltAmpereHour"),
    _unit("kVAh", "C79", "kV.A.h", "kilovoltAmpereHour", "KVAh", "KVAH"),
    _unit("varh", "", "V.A{reactive}.h", "voltAmpereReactiveHour", "Varh", "VArh", "VARh"),
    _unit(
        "kvarh", "K3", "kV.A{reactive}.h", "kilovoltAmpereReactiveHour", "kVarh", "kVArh", "kVARh", "kvarH", "kvar·h"
    ),
    _unit("Mvarh", "MAH", "MV.A{reactive}.h", "megavoltAmpereReactiveHour", "MVarh", "MVArh", "MVARh", "Mvar·h"),
    _unit("BTU", "BTU", "[Btu_IT]", "britishThermalUnit", "Btu"),
    _unit("W/m2", "D54", "W/m2", "wattPerSquareMetre", "W/m²", "W/m^2"),
    _unit("kWh/m3", "E46", "kW.h/m3", "", "kW·h/m³", "kWh/m³", "kWh/m^3"),
    _unit("kJ/kg", "B42", "kJ/kg"),
)

_HEAT_AND_PRESSURE = (
    _unit(
        "degC",
        "CEL",
        "Cel",
        "degreeCelsius",
        *("°C", "℃", "deg C", "celsius", "Celsius"),
        *("Degrees celsius", "Degrees Celsius", "Degrees centigrade", "degrees Celsius"),
    ),
    _unit("degF", "FAH", "[degF]", "degreeFahrenheit", "°F", "℉", "deg F", "Fahrenheit"),
    _unit("K", "KEL", "K", "kelvin", "kelvin", "Kelvin"),
    _unit("K/min", "F11", "K/min"),
    _unit("Pa", "PAL", "Pa", "pascal", "pascal", "Па"),
    _unit("hPa", "A97", "hPa", "hectopascal", "HPa"),
    _unit("kPa", "KPA", "kPa", "kilopascal", "KPa"),
    _unit("MPa", "MPA", "MPa"),
    _unit("mbar", "MBR", "mbar", "millibar"),
    _unit("bar", "BAR", "bar", "bar", "Bar"),
    _unit("psi", "PS", "[psi]", "poundPerSquareInch", "PSI"),
    _unit("mmHg", "HN", "mm[Hg]", "millimetresOfMercury", "mm Hg"),
    _unit("mmH2O", "HP", "mm[H2O]", "", "mm H2O"),
    _unit("inH2O", "F78", "[in_i'H2O]", "inchesOfWater", "in H2O"),
    _unit("Pa.s", "C65", "Pa.s", "", "Pa·s"),
    _unit("mPa.s", "C24", "mPa.s", "", "mPa·s"),
    _unit("mm2/s", "C17", "mm2/s", "", "mm²/s", "mm^2/s"),
)

_SPACE_AND_MASS = (
    _unit("m", "MTR", "m", "metre", "meter", "meters", "metre", "metres"),
    _unit("cm", "CMT", "cm", "centimetre"),
    _unit("mm", "MMT", "mm", "millimetre"),
    _unit("um", "4H", "um", "micrometre", "µm"),
    _unit("km", "KMT", "km", "kilometre"),
    _unit("in", "INH", "[in_i]", "inch", "inch"),
    _unit("ft", "FOT", "[ft_i]", "foot"),
    _unit("m2", "MTK", "m2", "squareMetre", "m²", "m^2"),
    _unit("cm2", "CMK", "cm2", "squareCentimetre", "cm²", "cm^2"),
    _unit("m3", "MTQ", "m3", "cubicMetre", "m³", "m^3"),
    _unit("cm3", "CMQ", "cm3", "cubicCentimetre", "cm³", "cm^3"),
    _unit("ft3", "FTQ", "[cft_i]", "cubicFoot", "ft³", "ft^3"),
    _unit("l", "LTR", "L", "litre", "L", "litre", "litres", "liter", "liters"),
    _unit("ml", "MLT", "mL", "millilitre", "mL"),
    _unit("hl", "HLT", "hL", "", "hL"),
    _unit("g", "GRM", "g", "gram", "gram"),
    _unit("mg", "MGM", "mg", "milligram"),
    _unit("kg", "KGM", "kg", "kilogram", "Kg"),
    _unit("t", "TNE", "t", "tonne", "tonne"),
    _unit("lb", "LBR", "[lb_av]", "massPound", "lbs"),
    _unit("kg/m3", "KMQ", "kg/m3", "kilogramPerCubicMetre", "kg/m³", "kg/m^3"),
    _unit("g/m3", "A93", "g/m3", "gramPerCubicMetre", "g/m³", "g/m^3"),
    _unit("mg/m3", "GP", "mg/m3", "milligramPerCubicMetre", "mg/m³", "mg/m^3"),
    _unit("ug/m3", "GQ", "ug/m3", "microgramPerCubicMetre", "µg/m³", "ug/m^3", "µg/m^3", "ug/m³"),
    _unit("g/cm3", "23", "g/cm3", "", "g/cm³", "g/cm^3"),
    _unit("g/l", "GL", "g/L", "", "g/L"),
    _unit("mg/l", "M1", "mg/L", "", "mg/L"),
    _unit("mol", "C34", "mol"),
    _unit("mmol/l", "M33", "mmol/L", "", "mmol/L"),
)

_MOTION = (
    _unit("m/s", "MTS", "m/s", "metrePerSecond", "mps"),
    _unit("mm/s", "C16", "mm/s"),
    _unit("m/min", "2X", "m/min"),
    _unit("km/h", "KMH", "km/h", "kilometrePerHour"),
    _unit("m/s2", "MSK", "m/s2", "metrePerSecondSquared", "m/s²", "m/s^2"),
    _unit("gn", "K40", "[g]", "gForce"),
    _unit("rpm", "RPM", "{rev}/min", "revolutionPerMinute", "RPM", "r/min", "rev/min"),
    _unit("1/min", "C94", "/min", "", "min-1", "min^-1", "min⁻¹"),
    _unit("1/s", "C97", "/s", "", "s-1", "s^-1", "s⁻¹"),
    _unit("rad/s", "2A", "rad/s", "radianPerSecond"),
    _unit("deg/s", "E96", "deg/s", "degreePerSecond", "°/s"),
    _unit("deg", "DD", "deg", "degreeOfArc", "°", "Decimal degrees"),
    _unit("rad", "C81", "rad", "radian"),
    _unit("N", "NEW", "N", "newton"),
    _unit("kN", "B47", "kN"),
    _unit("Nm", "NU", "N.m", "newtonMetre", "N.m", "N·m"),
    _unit("kNm", "B48", "kN.m", "", "kN.m", "kN·m"),
    _unit("m3/h", "MQH", "m3/h", "cubicMetrePerHour", "m³/h", "m^3/h"),
    _unit("m3/min", "G53", "m3/min", "cubicMetrePerMinute", "m³/min", "m^3/min"),
    _unit("m3/s", "MQS", "m3/s", "cubicMetrePerSecond", "m³/s", "m^3/s"),
    _unit("ft3/min", "2L", "[cft_i]/min", "cubicFootPerMinute", "ft³/min", "ft^3/min"),
    _unit("l/h", "E32", "L/h", "litrePerHour", "L/h"),
    _unit("l/min", "L2", "L/min", "litrePerMinute", "L/min"),
    _unit("l/s", "G51", "L/s", "litrePerSecond", "L/s"),
    _unit("kg/h", "E93", "kg/h", "kilogramPerHour"),
    _unit("kg/min", "F31", "kg/min"),
    _unit("kg/s", "KGS", "kg/s", "kilogramPerSecond"),
    _unit("t/h", "E18", "t/h"),
)

_TIME_COUNT_AND_LIGHT = (
    _unit("us", "B98", "us", "microsecond", "µs"),
    _unit("ms", "C26", "ms", "millisecond", "mSecs", "Millisecs", "millisecond", "milliseconds"),
    _unit("s", "SEC", "s", "second", *("sec", "secs", "Sec", "Secs", "second", "seconds", "Seconds")),
    _unit("min", "MIN", "min", "minute", "minute", "minutes"),
    _unit("h", "HUR", "h", "hour", "hour", "hours"),
    _unit("d", "DAY", "d", "day", "day", "days"),
    _unit("week", "WEE", "wk", "", "weeks", "wk"),
    _unit("year", "ANN", "a", "year", "years"),
    _unit("1", "C62", "1", "unity", "cos()", "cos phi", "count"),
    _unit("%", "P1", "%", "percent", "Pct", "percent", "%RH", "%, RH"),
    _unit("permille", "NX", "[ppth]", "", "‰"),
    _unit("ppm", "59", "[ppm]", "partsPerMillion"),
    _unit("ppb", "61", "[ppb]", "partsPerBillion"),
    _unit("pH", "Q30", "[pH]"),
    _unit("NTU", "NTU", "{NTU}"),
    _unit("dB", "2N", "dB", "decibel"),
    _unit("pcs", "H87", "{piece}", "", "pieces", "piece"),
    _unit("cycle", "B7", "{cycle}", "", "cycles"),
    _unit("rev", "M44", "{rev}"),
    _unit("lx", "LUX", "lx", "lux", "lux"),
    _unit("lm", "LUM", "lm", "lumen", "lumen"),
    _unit("cd", "CDL", "cd", "candela"),
    _unit("bit", "A99", "bit", "bit"),
    _unit("byte", "AD", "By", "byte", "bytes"),
    _unit("bit/s", "B10", "bit/s", "bitPerSecond", "bps"),
    _unit("kbit/s", "C74", "kbit/s", "", "kbps"),
    _unit("Mbit/s", "E20", "Mbit/s", "", "Mbps"),
    _unit("uSv/h", "P72", "uSv/h", "", "µSv/h"),
    _unit("Bq/m3", "A19", "Bq/m3", "", "Bq/m³", "Bq/m^3"),
)

UNITS: dict[str, Unit] = {
    unit.symbol: unit
    for unit in (*_ELECTRIC, *_ENERGY, *_HEAT_AND_PRESSURE, *_SPACE_AND_MASS, *_MOTION, *_TIME_COUNT_AND_LIGHT)
}
"""By symbol."""

# Code points that look the same and mean the same: micro sign, ohm sign, ordinal indicator for the degree sign.
_ONE_SPELLING = str.maketrans({"\u03bc": "\u00b5", "\u2126": "\u03a9", "\u00ba": "\u00b0", "\u00a0": " "})

_SPELLINGS: dict[str, str] = {
    spelling.translate(_ONE_SPELLING): unit.symbol
    for unit in UNITS.values()
    for spelling in (unit.symbol, *unit.aliases)
}

_UNCLEAR = {
    "C": "write degC for degrees Celsius",
    "c": "write degC for degrees Celsius",
    "F": "write degF for degrees Fahrenheit",
    "PF": 'write "1" for a power factor',
    "pf": 'write "1" for a power factor',
    "Degrees": "write deg for an angle, degC for a temperature",
    "degrees": "write deg for an angle, degC for a temperature",
}
"""Spellings that people use for more than one thing, with what to ask them."""


def symbol(text: str) -> str:
    """The symbol of the unit that is spelled so; empty for an empty text. Raises the fault M12 for all others."""
    found = _SPELLINGS.get(text.strip().translate(_ONE_SPELLING)) if text else ""
    if found is None:
        hint = _UNCLEAR.get(text) or did_you_mean(text, tuple(UNITS), otherwise=_LIST)
        raise fault("M12", f"unknown unit {quote(text)}", hint)
    return found


_LIST = "the list of units stands in mappings/README.md; leave unit: out where there is none"
