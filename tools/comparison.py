"""Write the statements of README and documentation about the peers, from the committed result of one run.

`python -m benchmarks --json docs/results/comparison.json` measures, then `python tools/comparison.py` writes
`docs/benchmarks.md`, README's table and the plots. `--check` only compares, and exits with 1 if something is stale;
for a plot it compares the time of its measurements, because no two versions of matplotlib draw the same bytes.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks import plots, tables  # noqa: E402
from benchmarks.comparison import COMPILED, EAGER, Kind, Row  # noqa: E402
from benchmarks.harness import rounded  # noqa: E402
from benchmarks.results import Found, Result, cost, from_json  # noqa: E402

RESULT = ROOT / "docs/results/comparison.json"
IMAGES = ROOT / "docs/images/benchmarks"
PAGE, README = ROOT / "docs/benchmarks.md", ROOT / "README.md"
BEGIN, END = "<!-- comparison: written by tools/comparison.py -->", "<!-- end of comparison -->"

INTRODUCTION = """\
# Benchmarks

One run of `fastgrad bench` (in a clone: `python -m benchmarks`), with everything that `pip install "fastgrad[bench]"`
brings. Before anything is timed, every peer must find the same value and the same gradients, to nine digits. Then all
take turns on one core, round by round, each package in a process of its own. A time is the median of the rounds, with
the quartiles in parentheses, and how many times fastgrad's it is. A peer that would need too long at a size says how
long. [Targets](targets.md) has the figures that the project holds itself to, [Performance](performance.md) the
reasons.
"""

CLOSING = """\
## Where fastgrad is not ahead, and why

{behind}

- *A call of a small graph*, as the README's expression, 10 products, or a Hessian of 10 variables. CasADi's buffers
  are the caller's own: a call fills them and makes nothing. A call of fastgrad's `Graph` makes an array for the
  gradient, a float and a tuple, which is most of what it takes: the product of two numbers with its gradient takes
  0.3 us.
- *A chain.* Each operation waits for the one before. fastgrad's replay and CasADi's both interpret, and hand every
  number on through memory: they take the same time, but for the call. JAX's loop is one that its user wrote as a
  loop: XLA compiles its body once, and `y` stays in a register.
- *A wide sum* moves memory. A replay copies what it is given into memory of its own, and the gradient out of it;
  compiled array programs read and write the arrays where they are.
- *Many small graphs at once*, as the Greeks. `jax.jit` compiles all operations into one loop, whose intermediate
  numbers stay in registers. fastgrad's executor interprets: it runs each operation over the lanes of one block of
  samples before the next, with a store and a load between them, and a power other than 2, -1 and +-0.5 calls the C
  library's `pow` lane by lane.
"""


def page(result: Result) -> str:
    """docs/benchmarks.md."""
    about = "\n".join(f"- {key}: {words}" for key, words in result.about.items())
    limits = "\n".join(f"- {name}: {rounded(median(rounds))}" for name, rounds in result.limits.items())
    parts = [
        INTRODUCTION.rstrip(),
        about,
        "The machine's own limits, in the same run:",
        limits,
        "## In short",
        short(result),
    ]
    for found in result.workloads:
        parts += [tables.markdown(found), f"![{found.title.replace('`', '')}](images/benchmarks/{found.name}.svg)"]
    parts.append(CLOSING.rstrip().format(behind=behind(result)))
    return "\n\n".join(parts) + "\n"


def behind(result: Result) -> str:
    """Every place where a peer is ahead."""
    lines = [
        f"- {found.title}, {found.labels[size]}: {theirs.entry} takes {tables.time(cost(theirs))}, {ours.entry} "
        f"{tables.time(cost(ours))}."
        for found in result.workloads
        for _, size, ours, theirs in found.duels()
        if cost(theirs) < cost(ours)
    ]
    return "\n".join(lines) or "In this run it was ahead everywhere."


def short(result: Result) -> str:
    """A row for each workload, at the largest size that a peer had time for."""
    lines = [
        "| | built anew: fastgrad | fastest peer | compiled: fastgrad | fastest peer |",
        "|---|---|---|---|---|",
    ]
    for found in result.workloads:
        cells = [cell for kind in (EAGER, COMPILED) for cell in _duel(found, kind)]
        lines.append(f"| {found.title}, per {found.unit} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _duel(found: Found, kind: Kind) -> tuple[str, str]:
    duels = [(size, ours, theirs) for each, size, ours, theirs in found.duels() if each == kind]
    if not duels:
        ours = found.fastest(kind, found.sizes[-1], ours=True)
        return (_time(found, ours) if ours else ""), ""
    _, ours, theirs = duels[-1]
    return _time(found, ours), f"{theirs.entry}: {tables.times(cost(theirs) / cost(ours))}"


def _time(found: Found, row: Row) -> str:
    where = f", {found.labels[row.size]}" if len(found.sizes) > 1 else ""
    return f"{tables.time(cost(row))}{where}"


def readme(result: Result) -> str:
    """README with its table for the result."""
    about = result.about
    text = f"{short(result)}\n\nOne core of {about['machine']}; {about['Python']}; {about['date'][:10]}."
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    return pattern.sub(lambda _: f"{BEGIN}\n{text}\n{END}", README.read_text(encoding="utf-8"))


def stale(result: Result) -> Iterator[Path]:
    """The files that disagree with the result."""
    for path, wanted in ((PAGE, page(result)), (README, readme(result))):
        if not path.exists() or path.read_text(encoding="utf-8") != wanted:
            yield path
    for found in result.workloads:
        image = IMAGES / f"{found.name}.svg"
        if not image.exists() or f"measured {result.about['date']}" not in image.read_text(encoding="utf-8"):
            yield image


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="only compare")
    options = parser.parse_args()
    result = from_json(RESULT.read_text(encoding="utf-8"))
    if options.check:
        found = [str(path.relative_to(ROOT)) for path in stale(result)]
        if found:
            print(f"stale: {', '.join(found)}: run tools/comparison.py")
        return 1 if found else 0
    PAGE.write_text(page(result), encoding="utf-8")
    README.write_text(readme(result), encoding="utf-8")
    for path in plots.write(result, IMAGES, ["svg"]):
        print(f"wrote {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
