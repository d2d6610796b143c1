"""How the values of a simulated device move: by unit and name, plausible beside each other, a function of time."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from zlib import crc32

_UNIT = re.compile(r"([mkMG]?)(VAh|VA|varh|var|Wh|W|V|A|Hz)")
_PREFIX = {"": 1.0, "m": 1e3, "k": 1e-3, "M": 1e-6, "G": 1e-9}
_PHASE = re.compile(r"(?<![a-z])l([123])(?![0-9])")
_POWER_FACTOR = re.compile(r"power_?factor|cos_?phi|(?<![a-z])pf(?![a-z])")

_DURATION_S = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}

TRIANGLE_S = 120.0
"""Period of what is nothing better known: it goes from one end of its bounds to the other, and back."""
STEP_S = 10.0
"""How long a code is shown; the first flag is set and unset as often."""
BOUNDS = (0.0, 100.0)


def value(device: str, name: str, unit: str, t_s: float, bounds: tuple[float, float] = BOUNDS) -> float:
    """What a point shows at a time, in its unit; within the bounds where nothing better is known of it."""
    phases = [int(digit) for digit in _PHASE.findall(name)]
    match = _UNIT.fullmatch(unit)
    if match:
        return _electric(device, name, match[2], phases, t_s) * _PREFIX[match[1]]
    if unit in ("", "1") and _POWER_FACTOR.search(name):
        return _power_factor(device, phases[0] if phases else 0, t_s)
    share = (t_s / TRIANGLE_S + _seed(device, name)) % 1
    return bounds[0] + 2 * min(share, 1 - share) * (bounds[1] - bounds[0])


def count(device: str, name: str, unit: str, t_s: float) -> float:
    """What a counter shows: energy as the power says, hours as they pass, of anything else one every other second."""
    match = _UNIT.fullmatch(unit)
    if match and match[2].endswith("h"):
        return value(device, name, unit, t_s)
    start = 1000 * (1 + 9 * _seed(device, name))
    return start + t_s / _DURATION_S.get(unit, 2.0)


def code(device: str, name: str, codes: Sequence[int], t_s: float) -> int:
    """One code after the other."""
    return codes[_step(device, name, t_s) % len(codes)]


def flags(device: str, name: str, bits: Sequence[int], t_s: float) -> int:
    """All combinations of these bits, one after the other."""
    step = _step(device, name, t_s)
    return sum(1 << bit for place, bit in enumerate(bits) if step >> place & 1)


def _step(device: str, name: str, t_s: float) -> int:
    return int(t_s / STEP_S + 64 * _seed(device, name))


def _electric(device: str, name: str, quantity: str, phases: list[int], t_s: float) -> float:
    if quantity == "Hz":
        return 50 + 0.03 * _wave(device, "hz", 47, t_s) + 0.005 * _noise(device, name, t_s)
    if quantity == "V":
        phase = phases[0] if phases else 0
        return _volts(device, phase, t_s) * (math.sqrt(3) if len(phases) == 2 else 1)
    if quantity == "A":
        if "neutral" in name:
            return 0.2 * _amperes(device, 1, t_s)
        return _amperes(device, phases[0] if phases else 1, t_s)
    share = phases or [1, 2, 3]
    if quantity.endswith("h"):
        return _energy_wh(device, name, t_s) * len(share) / 3
    return sum(_power(device, quantity, phase, t_s) for phase in share)


def _power(device: str, quantity: str, phase: int, t_s: float) -> float:
    apparent = _volts(device, phase, t_s) * _amperes(device, phase, t_s)
    cosine = _power_factor(device, phase, t_s)
    return {"VA": apparent, "W": apparent * cosine, "var": apparent * math.sqrt(1 - cosine**2)}[quantity]


def _volts(device: str, phase: int, t_s: float) -> float:
    slow = 2.4 * _wave(device, f"v{phase}", 97, t_s) + 0.7 * _wave(device, f"u{phase}", 13, t_s)
    return 230 + slow + 0.3 * _noise(device, f"v{phase}", t_s)


def _amperes(device: str, phase: int, t_s: float) -> float:
    swing = 0.25 * _wave(device, f"a{phase}", 61, t_s) + 0.02 * _noise(device, f"a{phase}", t_s)
    return _load(device) * (1 + swing)


def _load(device: str) -> float:
    """The mean current of a device, 4 to 16 A."""
    return 4 + 12 * _seed(device, "load")


def _power_factor(device: str, phase: int, t_s: float) -> float:
    return 0.92 + 0.05 * _wave(device, f"pf{phase}", 73, t_s) + 0.01 * _noise(device, f"pf{phase}", t_s)


def _energy_wh(device: str, name: str, t_s: float) -> float:
    """A counter: it grows with the mean power, slower where it is not the main one, and never falls."""
    start = 1e6 * (1 + 9 * _seed(device, name))
    main = not re.search(r"export|reactive", name)
    watts = 3 * 230 * _load(device) * 0.92 * (1 if main else 0.1)
    return start + watts * t_s / 3600


def _wave(device: str, name: str, period_s: float, t_s: float) -> float:
    return math.sin(2 * math.pi * (t_s / period_s + _seed(device, name)))


def _noise(device: str, name: str, t_s: float) -> float:
    """-1 to 1, without pattern for the eye."""
    return 2 * (math.sin(t_s * 12.9898 + _seed(device, name) * 78.233) * 43758.5453 % 1) - 1


def _seed(device: str, name: str) -> float:
    """0 to 1, the same for the same device and name."""
    return crc32(f"{device}/{name}".encode()) / 2**32
