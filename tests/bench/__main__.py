"""``make bench``: speed beside a bare client, in the same run. Trust the ratios; rates depend on the machine."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.bench import mapping, w1

WORKLOADS = ((10, 100), (100, 100))


def main() -> None:
    """Run every workload once and print a table for each."""
    for devices, tags in WORKLOADS:
        with tempfile.TemporaryDirectory() as directory:
            rows = w1.run_gateway(Path(directory), devices, tags, "100ms")
        w1.show(f"W1: {devices} devices x {tags} tags at 100 ms ({devices * tags * 10:,} tags/s offered)", rows)
    mapping.main()


if __name__ == "__main__":
    main()
