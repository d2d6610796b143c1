"""Plants with random mistakes: each is a Plant or PlantInvalid, at once, and a Plant can be compiled and read.

``python -m tests.fuzz.mapping [N] [seed]``: N plants (default 20,000), the same ones for the same seed.
"""

from __future__ import annotations

import math
import random
import re
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from gateway import plugins
from gateway.mapping.diagnostics import Diagnostic
from gateway.mapping.spec import ENRICH, Plant
from gateway.mapping.totals import Totals
from gateway.message import Scans
from gateway.model import TIMEOUT, Reading, Value
from gateway.plant import MAPPINGS, Adapters, PlantInvalid, read
from tests.gateway.mapping.plants import ADAPTERS, write
from tests.gateway.mapping.rich import RICH

LONGEST_S = 1.0
"""So long may judging one of these small plants take."""

TOKENS = (
    *(
        "",
        " ",
        "  ",
        "\t",
        "\n",
        "\n  ",
        ": ",
        ":",
        "- ",
        "? ",
        "#",
        ",",
        "{",
        "}",
        "[",
        "]",
        "{}",
        "[]",
        "'",
        '"',
        "\\",
    ),
    *("&a ", "*a", "!x ", "<<: ", "---\n", "...\n", "|\n", ">-\n", "%", "@", "`", "~", "null", "none", "true", "NO"),
    *("0", "-1", "007", "0x10", "1e999", "-1e-999", "9" * 50, "0,1", ".5", "1..3", "3..1", "1..999999", "nan", "inf"),
    *("{i}", "{i + 1}", "{", "a", "A B", "é", "\u202e", "漢字", "\u200b", "\ufeff", "\x00", "\x7f", "\ud800", "🙂"),
    *("x" * 5000, "(" * 500, "at: ", "unit: ", "when: ", "expr: ", "extends: ", "repeat: {i: 1..9}", "from: serial"),
)


class Outcome(NamedTuple):
    """What became of one plant."""

    codes: tuple[str, ...]
    seconds: float


def mutated(files: dict[str, str], chance: random.Random) -> dict[str, str]:
    """The files with one to three random mistakes."""
    broken = dict(files)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        name = chance.choice([name for name in files if name.endswith(".yaml")])
        broken[name] = chance.choice(_MUTATIONS)(broken[name], chance)
    return broken


def _put(text: str, chance: random.Random) -> str:
    where = chance.randint(0, len(text))
    return text[:where] + chance.choice(TOKENS) + text[where + chance.choice((0, 0, 1, 5)) :]


def _take(text: str, chance: random.Random) -> str:
    where = chance.randint(0, len(text))
    return text[:where] + text[where + chance.randint(1, 30) :]


def _swap_words(text: str, chance: random.Random) -> str:
    words = list(re.finditer(r"[\w./%-]+", text))
    if len(words) < 2:
        return text
    first, second = sorted(chance.sample(words, 2), key=lambda word: word.start())
    middle = text[first.end() : second.start()]
    return text[: first.start()] + second[0] + middle + first[0] + text[second.end() :]


def _replace_word(text: str, chance: random.Random) -> str:
    words = list(re.finditer(r"[\w./%-]+", text))
    if not words:
        return text
    word = chance.choice(words)
    return text[: word.start()] + chance.choice(TOKENS) + text[word.end() :]


def _move_line(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    line = lines.pop(chance.randrange(len(lines)))
    for _ in range(chance.choice((0, 1, 1, 2))):
        lines.insert(chance.randint(0, len(lines)), chance.choice(("", "  ", "    ")) + line)
    return "\n".join(lines)


_MUTATIONS = (_put, _take, _swap_words, _replace_word, _replace_word, _move_line)


def judged(folder: Path, files: dict[str, str], adapters: Adapters) -> Outcome:
    """Read the plant; one that is right is compiled and given strange values, which must not raise."""
    for old in sorted(folder.rglob("*.yaml")):
        old.unlink()
    write(
        folder, {name: text.encode("utf-8", "surrogatepass").decode("utf-8", "replace") for name, text in files.items()}
    )
    before = time.process_time()
    plant: Plant | None = None
    found: tuple[Diagnostic, ...] = ()
    try:
        plant = read(folder, adapters)
    except PlantInvalid as invalid:
        found = invalid.diagnostics
    seconds = time.process_time() - before
    if plant is not None:
        live(plant)
    assert (plant is None) == any(one.severity == "error" for one in found)
    assert all(str(one).replace("\n", "").isprintable() for one in found)
    return Outcome(tuple(one.code for one in found), seconds)


STRANGE: tuple[Value, ...] = (0, 1, -1, 2**64, -(2**70), 1.5, math.nan, math.inf, -0.0, True, "on", "", b"\xff", ("a",))


def live(plant: Plant) -> None:
    """Let every device of the plant say strange things; numbers where the address promises numbers."""
    for device in plant.devices:
        scans = Scans(device, Totals(), ENRICH)
        positions = tuple(range(len(device.points)))
        for round_, strange in enumerate(STRANGE):
            readings = [_reading(device.points[n].point.address, n, strange, round_) for n in positions]
            if readings:
                scans.make(positions, readings)
        scans.latest()


def _reading(address: object, position: int, strange: Value, round_: int) -> Reading:
    type_ = getattr(address, "type", None)
    at_ns = (-1) ** round_ * round_ * 10**18
    if (position + round_) % 5 == 0:
        return Reading(position, None, at_ns, TIMEOUT)
    promised: dict[str | None, Value] = {
        "bool": True,
        "string": "x",
        "bytes": b"x",
        "hhmm": "00:00",
        "datetime": "",
        "version": "1",
    }
    if type_ in promised:
        return Reading(position, promised[type_], at_ns)
    if type_ is not None and str(type_).startswith("float"):
        return Reading(position, float(round_) if not isinstance(strange, float) else strange, at_ns)
    return Reading(position, strange if type_ is None else round_ * 1000 - 5, at_ns)


def plants() -> list[tuple[dict[str, str], Adapters]]:
    """The plants that are broken: our rich one, and the ones that come with Fieldgate."""
    bundled = plugins.find().adapters
    texts = [
        {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in folder.rglob("*.yaml")}
        for folder in (MAPPINGS / "example", MAPPINGS / "starter")
    ]
    return [(RICH, ADAPTERS), *((files, bundled) for files in texts)]


def run(count: int, seed: int) -> tuple[Counter[str], float]:
    """How often each code was told, and the longest time that one plant took."""
    chance = random.Random(seed)
    found: Counter[str] = Counter()
    longest = 0.0
    sources = plants()
    with tempfile.TemporaryDirectory() as directory:
        for number in range(count):
            files, adapters = sources[number % 4 % len(sources)]
            broken = mutated(files, chance)
            try:
                outcome = judged(Path(directory), broken, adapters)
                assert outcome.seconds < LONGEST_S, f"took {outcome.seconds:.1f} s"
            except Exception:
                for name, text in broken.items():
                    if text != files[name]:
                        print(f"==== plant {number} of seed {seed}: {name}\n{text}")
                raise
            longest = max(longest, outcome.seconds)
            found.update(set(outcome.codes) or {"none"})
    return found, longest


def main(count: int = 20_000, seed: int = 1) -> None:
    """Print how often each code was told."""
    found, longest = run(count, seed)
    print(f"{count} plants, seed {seed}; the slowest took {longest * 1000:.0f} ms")
    print("  ".join(f"{code} {times}" for code, times in sorted(found.items())))


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:3]))
