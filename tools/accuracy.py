"""The table of accuracy in docs/reliability.md: how far each operation lies from mpmath at 60 digits.

`python tools/accuracy.py [count]` tries the given number of arguments for each operation, and exits with 1 if an
error is above 1e-13 of what rounding the arguments could cause. Needs fastgrad installed, and mpmath.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from fastgrad.reference import OPERATIONS
from support.accuracy import ABSOLUTE, Worst, worst_errors
from support.exact import TOLERANCE

HEADER = """\
| operation | value | slope | for its condition: value | slope |
|---|---|---|---|---|"""


def cell(errors: list[float]) -> str:
    largest = max(errors)
    return f"{largest:.1g}" if largest else "exact"


def table_row(name: str, worst: dict[str, Worst]) -> str:
    value, slopes = worst["value"], [error for key, error in worst.items() if key != "value"]
    cells = (
        [value.relative],
        [slope.relative for slope in slopes],
        [value.conditioned],
        [slope.conditioned for slope in slopes],
    )
    mark = " (absolute)" if name in ABSOLUTE else ""
    return f"| `{name}` | {' | '.join(map(cell, cells))}{mark} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=300, help="arguments for each operation")
    options = parser.parse_args()
    print(HEADER)
    failed = False
    for name, row in OPERATIONS.items():
        worst = worst_errors(row, options.count)
        print(table_row(name, worst), flush=True)
        for result, error in worst.items():
            if error.conditioned > TOLERANCE:
                failed = True
                print(f"{name}, {result}: {error.conditioned:.3g} at {error.at}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
