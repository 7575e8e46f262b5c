"""`python -m benchmarks`: measure every figure, or those that are named."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from benchmarks import (
    captured_calls,
    captured_gpt,
    captured_moons,
    captured_ode,
    captured_size,
    chain,
    expression,
    gpt,
    moons,
    operators,
    optimisers,
    report,
    training,
)
from benchmarks.harness import Report, pin

BENCHMARKS: dict[str, Callable[[bool], Report]] = {
    "operators": operators.run,
    "chain": chain.run,
    "moons": moons.run,
    "gpt": gpt.run,
    "expression": expression.run,
    "captured_gpt": captured_gpt.run,
    "captured_moons": captured_moons.run,
    "captured_ode": captured_ode.run,
    "captured_calls": captured_calls.run,
    "captured_size": captured_size.run,
    "optimisers": optimisers.run,
    "training": training.run,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure what fastgrad must show. A wrong answer is an error; a slow one is a row of the table.",
    )
    parser.add_argument("names", nargs="*", metavar="name", help=f"what to measure: {', '.join(BENCHMARKS)}")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: about two minutes for everything")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every round as JSON")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables as Markdown")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark named {', '.join(unknown)}: choose from {', '.join(BENCHMARKS)}")

    about = report.facts(pin())
    print("\n".join(f"{key}: {text}" for key, text in about.items()))
    reports = []
    for name, run in BENCHMARKS.items():
        if name in (options.names or BENCHMARKS):
            reports.append(run(options.quick))
            print(f"\n{report.table(reports[-1])}", flush=True)
    if options.json:
        options.json.write_text(report.as_json(reports, about))
    if options.markdown:
        options.markdown.write_text(report.markdown(reports, about))


if __name__ == "__main__":
    main()
