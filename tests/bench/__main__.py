"""``make bench``: speed beside bare clients, in the same run. Trust the ratios; rates depend on the machine.

``python -m tests.bench modbus line``: only these.
"""

from __future__ import annotations

import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.bench import buffer, line, mapping, modbus, mqtt, w1

BENCHES = {
    "modbus": modbus.main,
    "line": line.main,
    "w1": w1.main,
    "mapping": mapping.main,
    "mqtt": mqtt.main,
    "buffer": buffer.main,
}


def machine() -> str:
    """What the figures were taken on, and whether it had anything else to do."""
    processors = [row for row in Path("/proc/cpuinfo").read_text().splitlines() if row.startswith("model name")]
    name = processors[0].partition(": ")[2] if processors else platform.machine()
    load = Path("/proc/loadavg").read_text().split()[0]
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {len(processors)} x {name}, Linux {platform.release()}, "
        f"Python {platform.python_version()}, load {load} before"
    )


def main(names: list[str]) -> int:
    """Run those that are named, or all; 2 for a name that there is not."""
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        print(f"there is no bench {', '.join(unknown)}; there are: {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    print(machine())
    for name in names or BENCHES:
        BENCHES[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
