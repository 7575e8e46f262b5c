"""Whether memory grows while graphs are created and freed, and while they fail: `python tools/endurance.py`.

A million graphs, 100,000 errors, and 100,000 errors in closures. The test suite runs the same with smaller numbers.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from fastgrad import Value
from support.endurance import ACTS, grown


def fill_reserve() -> None:
    """Closures in cycles pin chunks until the collector runs, and the store keeps 16 MiB of those chunks."""
    v = Value(1.0)
    for _ in range(500_000):
        v = v * 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", type=int, default=1, help="run only one part in so many of each")
    options = parser.parse_args()
    fill_reserve()
    for act, times in ACTS.items():
        growth = grown(times // options.part, act)
        print(json.dumps({"name": act.__name__} | growth._asdict()), flush=True)
        assert (growth.nodes, growth.references) == (0, 0)
        assert growth.bytes < 4 << 20


if __name__ == "__main__":
    main()
