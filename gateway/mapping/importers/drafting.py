"""What importers make of what they read: free names, exact numbers, and one profile for devices that are alike."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from ipaddress import ip_address

from gateway.mapping.diagnostics import Diagnostic, Place
from gateway.mapping.draft import DraftDevice, DraftPoint, DraftProfile, Imported, Setting, ascii_letters, point_name
from gateway.mapping.importers.parts import LeftOut, Notes
from gateway.mapping.units import BUILT_IN
from gateway.values import fault, quote

NAME_LENGTH = 64
_FAULT = type(fault("", ""))
# PhVphA, HVACValues; but kWh and pH are not taken apart.
_HUMPS = re.compile("(?<=[A-Za-z0-9][a-z0-9])(?=[A-Z])|(?<=[A-Z]{2})(?=[A-Z][a-z]{2})")


def identifier_name(text: str) -> str:
    """The name of a point that is called so in a program: ``PhVphA`` is ``ph_vph_a``."""
    return point_name(_HUMPS.sub("_", text[:1000]))


def plain_name(text: str, otherwise: str) -> str:
    """A name of a profile or a device: ``Boiler room 2`` is ``boiler-room-2``, and an address stays one."""
    word = re.sub("[^a-z0-9_.]+", "-", ascii_letters(text[:1000])).strip("-_.")
    return word[:NAME_LENGTH].rstrip("-_.") or otherwise


class Names:
    """Names of one kind; one that is taken gets a number."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._tried: dict[str, int] = {}

    def free(self, name: str, joint: str) -> str:
        """The name itself, or ``name_2``."""
        own, number = name, self._tried.get(name, 1)
        while own in self._taken:
            number += 1
            end = f"{joint}{number}"
            own = name[: NAME_LENGTH - len(end)] + end
        self._tried[name] = number
        self._taken.add(own)
        return own


class Points:
    """The points of one profile."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._names = Names()
        self.drafts: list[DraftPoint] = []

    def add(self, wanted: str, settings: Mapping[str, Setting], place: Place, note: str) -> str:
        """Add a point; gives the name it has, which is another one where ``wanted`` is taken (I28)."""
        name = self._names.free(wanted, "_")
        if name != wanted:
            self._notes.warn(place, "I28", f"there is a point {quote(wanted)} already; this one is called {name}")
        self.drafts.append(DraftPoint(name, {**settings, "note": note}, place))
        return name


_SHARED = ("table", "order", "every")


def with_defaults(points: Sequence[DraftPoint]) -> tuple[dict[str, Setting], list[DraftPoint]]:
    """What all points share, and the points without it."""
    defaults: dict[str, Setting] = {}
    for key in _SHARED:
        values = {str(point.settings.get(key, "")) for point in points}
        if len(values) == 1 and values != {""} and len(points) > 1:
            defaults[key] = values.pop()
    rest = [
        replace(point, settings={key: value for key, value in point.settings.items() if key not in defaults})
        for point in points
    ]
    return defaults, rest


class Drafts:
    """The profiles and devices of one file; devices whose points are alike share a profile."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._profile_names = Names()
        self._device_names = Names()
        self._known: dict[str, str] = {}
        self.profiles: list[DraftProfile] = []
        self.devices: list[DraftDevice] = []
        self.rows = 0
        """Items that were looked at."""

    def profile(self, draft: DraftProfile) -> str:
        """Add a profile, or find the one that is the same but for its name and its notes; gives its name."""
        points = [(p.name, {key: v for key, v in p.settings.items() if key != "note"}) for p in draft.points]
        identity = repr((draft.protocol, draft.maker, draft.model, draft.head, draft.defaults, points))
        if identity not in self._known:
            self._known[identity] = self._profile_names.free(draft.profile, "-")
            self.profiles.append(replace(draft, profile=self._known[identity]))
        return self._known[identity]

    def device(self, draft: DraftDevice, place: Place) -> None:
        """Add a device."""
        name = self._device_names.free(draft.name, "-")
        if name != draft.name:
            text = f"there is a device {quote(draft.name)} already; this one is called {name}"
            self._notes.warn(place, "I28", text)
        self.devices.append(replace(draft, name=name))

    def imported(self) -> Imported:
        """All of it, with what was found."""
        found: tuple[Diagnostic, ...] = self._notes.found()
        return Imported(tuple(self.profiles), tuple(self.devices), found, self.rows)


def number(value: Decimal) -> str:
    """As it is written in a profile: ``0.001``, never ``1E-3`` where that is not shorter."""
    if value == 0:
        return "0"
    plain = format(value.normalize(), "f")
    return plain if len(plain) <= 20 else str(value.normalize())


def scaling(multiply: Decimal | None, divide: Decimal | None, place: Place) -> dict[str, Setting]:
    """``scale`` or ``divide``, whichever says it exactly; nothing for a factor of 1. Neither may be 0."""
    up, down = multiply or Decimal(1), divide or Decimal(1)
    if up == down:
        return {}
    if down == 1:
        return {"scale": number(up)}
    if up == 1:
        return {"divide": number(down)}
    for key, factor in (("scale", Fraction(up) / Fraction(down)), ("divide", Fraction(down) / Fraction(up))):
        exact = Decimal(factor.numerator) / Decimal(factor.denominator)
        if Fraction(exact) == factor:
            return {key: number(exact)}
    raise LeftOut(place, "I23", f"times {up} divided by {down} is no factor that can be written exactly")


_STEPS = ((Decimal(86_400), "d"), (Decimal(3600), "h"), (Decimal(60), "min"), (Decimal(1), "s"))


def duration(seconds: Decimal) -> str:
    """``5s``, ``500ms``, ``1h``: in the largest unit in which it is a whole number."""
    for size, unit in _STEPS:
        if seconds >= size and seconds % size == 0:
            return f"{number(seconds / size)}{unit}"
    return f"{number(seconds * 1000)}ms"


_NUMBERS = re.compile("[0-9.]+|.*:.*")
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,250}[A-Za-z0-9_])?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")


def endpoint(host: str, port: int, place: Place) -> str:
    """``tcp://10.20.0.15:502``. Raises LeftOut for what is no host."""
    bare = host.removeprefix("[").removesuffix("]")
    if not _HOST.fullmatch(bare) or (_NUMBERS.fullmatch(bare) and not _is_address(bare)):
        raise LeftOut(place, "I22", f"{quote(host)} is no name or address of a host")
    return f"tcp://[{bare}]:{port}" if ":" in bare else f"tcp://{bare}:{port}"


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def unit(text: str, place: Place, notes: Notes) -> dict[str, Setting]:
    """``unit``, where the spelling is known; I26 where it is not."""
    try:
        symbol = BUILT_IN.symbol(text.strip())
    except _FAULT as wrong:
        hint = str((wrong.context or {}).get("hint", ""))
        notes.warn(place, "I26", f"unknown unit {quote(text)}; the point has none", hint)
        return {}
    return {"unit": symbol} if symbol else {}


def timeout(seconds: Decimal, place: Place, notes: Notes) -> dict[str, Setting]:
    """``timeout`` of a Modbus device; I25 where it is longer (or shorter) than one can be here."""
    if Decimal("0.01") <= seconds <= 60:
        return {"timeout": duration(seconds)}
    notes.warn(
        place, "I25", f"a timeout of {seconds} s cannot be had; the default is taken", "10ms to 60s are possible"
    )
    return {}


def period(seconds: Decimal, place: Place, notes: Notes) -> dict[str, Setting]:
    """``every``; I25 where it is too short."""
    if Decimal("0.01") <= seconds < 10_000_000_000:
        return {"every": duration(seconds)}
    notes.warn(place, "I25", f"a period of {seconds} s cannot be had; the default is taken", "write every: 1s")
    return {}
