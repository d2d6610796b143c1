"""``python -m tests.faults``: every fault in its long form, and one table.

``--short``: the short form. Names of rows: only those. ``ROW --seed N --count M``: one process of a row, to see a red
one again. ``--mistake NAME``: with that mistake seeded.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.faults import mistakes
from tests.faults.row import Row, table, tried
from tests.faults.rows import FAULTS


def main() -> int:
    """1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("rows", nargs="*", help=", ".join(FAULTS))
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--mistake", default="", choices=["", *mistakes.MISTAKES])
    options = parser.parse_args()
    if unknown := set(options.rows) - set(FAULTS):
        parser.error(f"no row is named {', '.join(sorted(unknown))}")
    rows: list[Row] = []
    for name in options.rows or FAULTS:
        fault = FAULTS[name]
        start = time.monotonic()
        if options.seed is not None:
            row = tried(name, [(options.seed, options.count or fault.short)], options.mistake)
        else:
            row = fault.try_it(options.count or (fault.short if options.short else fault.long), options.mistake)
        row.fault = fault.name
        rows.append(row)
        print(
            f"{fault.name}: {row.tried} in {time.monotonic() - start:.0f} s", *row.wrongs, sep="\n  ", file=sys.stderr
        )
    print(table(rows))
    return int(any(row.red for row in rows))


if __name__ == "__main__":
    sys.exit(main())
