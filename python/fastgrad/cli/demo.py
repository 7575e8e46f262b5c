"""``fastgrad demo``: train a network of scalars on two moons, time it, and draw it."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastgrad.cli.status import INTERRUPTED

if TYPE_CHECKING:
    from fastgrad.demo import DemoResult

__all__ = ["add_parser", "run"]


def add_parser(commands: Any) -> None:
    """Add the command's options."""
    demo = commands.add_parser(
        "demo",
        help="train a network of scalars on two moons, time it, and draw it",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    demo.add_argument("--steps", type=_at_least(1), default=100, metavar="N", help="steps of gradient descent")
    demo.add_argument("--samples", type=_at_least(2), default=100, metavar="N", help="points in the two moons")
    demo.add_argument("--seed", type=int, default=1337, metavar="N", help="decides the points and the weights")
    demo.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="where the pictures are written")
    demo.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the demo and report what it found."""
    from fastgrad import demo

    result = demo.run(arguments.steps, arguments.samples, arguments.seed, arguments.out, progress=True)
    _report(result)
    return INTERRUPTED if result.interrupted else 0


class _at_least:
    def __init__(self, least: int) -> None:
        self.least = least

    def __call__(self, text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
        if number < self.least:
            raise argparse.ArgumentTypeError(f"must be at least {self.least}, got {number}")
        return number


def _report(result: DemoResult) -> None:
    if result.interrupted:
        print("interrupted: this is what was learned until then")
    steps = f"{result.parameters} parameters, steps: {len(result.losses)}"
    print(f"{steps}, loss {result.loss:.4f}, accuracy {result.accuracy:.1%}")
    if not math.isnan(result.ms_per_step):
        print(f"{result.ms_per_step:.2f} ms a step", end="")
        if not math.isnan(result.ratio):
            slow = result.reference_ms_per_step
            print(f", {result.ratio:.0f} times faster than fastgrad.reference ({slow:.0f} ms)", end="")
        print()
    print(f"wrote {result.boundary} and {result.neuron}")
    if result.hint:
        print(f"the neuron is DOT text: {result.hint}")
