"""Random graphs, built and differentiated by fastgrad and by `fastgrad.reference`, compared to the last bit.

    python tools/random_graphs.py 1000000

builds a million small graphs of every operation of both tables: chains, graphs whose nodes take any earlier ones, and
graphs that share a few nodes many times; sweeps them, again, and from other nodes; prints one line that says how many
values and gradients were compared, how many differ, and by how much at most. Exits with 1 if any does. Zeros of
different sign are counted apart: the one node of a softmax or log_softmax does not tell a gradient of -0.0 from none.
A graph depends on `--seed` and its number alone. Needs fastgrad installed; shows progress where tqdm is.
"""

from __future__ import annotations

import argparse
import importlib
import math
import random
import struct
import sys
import time
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import fastgrad
from fastgrad import reference
from fastgrad.reference import INEXACT, OPERATIONS
from fastgrad.reference.sequences import arguments

#: An operand: the node created so many steps ago, or a number.
Operand = int | float
Step = tuple[int, list[Operand]]

NUMBERS = (0.0, -0.0, 0.5, 1.0, -1.0, 2.0, -3.0, 1e-8, 5e-324, 1e200, -1e200)


#: The sequence operations. Each takes an even number of operands.
SEQUENCES = {row.name: row.layout for row in fastgrad.sequence_operations()}
NAMES = [name for name in OPERATIONS if name not in INEXACT] + list(SEQUENCES)
ARITIES = [len(OPERATIONS[name].partials) if name in OPERATIONS else 0 for name in NAMES]


class Engine:
    """fastgrad, or the reference: every operation as a function of a list of operands."""

    def __init__(self, module: Any) -> None:
        self.value = module.Value
        self.functions = [self.function(module, name) for name in NAMES]

    def function(self, module: Any, name: str) -> Callable[[list[Any]], Any]:
        operation = getattr(module, name)
        if name in SEQUENCES:
            return lambda operands: operation(*arguments(SEQUENCES[name], operands, target=1))
        return lambda operands: operation(*operands)


@dataclass
class Recipe:
    """The steps of both engines: leaves, operations, and sweeps, each from a node with a gradient."""

    leaves: list[float]
    steps: list[Step]
    sweeps: list[tuple[int, float]]


def random_number(rng: random.Random) -> float:
    return rng.uniform(-3.0, 3.0) if rng.random() < 0.9 else rng.choice(NUMBERS)


def random_recipe(rng: random.Random) -> Recipe:
    shape = rng.randrange(3)

    def operand(position: int) -> Operand:
        if shape == 0:  # a chain: the last node first, then leaves and constants
            return 0 if position == 0 else rng.choice((rng.randrange(4, 9), random_number(rng)))
        if shape == 1:  # any earlier node
            return rng.randrange(16) if position == 0 or rng.random() < 0.8 else random_number(rng)
        return rng.randrange(2)  # the last two, again and again

    steps = []
    for _ in range(rng.randrange(3, 13)):
        i = rng.randrange(len(NAMES))
        arity = ARITIES[i] or 2 * rng.randrange(1, 4)
        steps.append((i, [operand(position) for position in range(arity)]))
    sweeps = [(0, 1.0)]
    while rng.random() < 0.5:
        sweeps.append((rng.randrange(16), rng.choice((1.0, random_number(rng)))))
    return Recipe([random_number(rng) for _ in range(rng.randrange(1, 5))], steps, sweeps)


def built(recipe: Recipe, engine: Engine) -> tuple[list[Any], list[type[Exception]]]:
    """The nodes, oldest first, and the errors of those that could not be built."""
    nodes = [engine.value(x) for x in recipe.leaves]
    errors = []
    for i, chosen in recipe.steps:
        operands = [nodes[-1 - x % len(nodes)] if type(x) is int else x for x in chosen]
        try:
            result = engine.functions[i](operands)
        except (ArithmeticError, ValueError) as error:
            errors.append(type(error))
            continue
        nodes.extend(result if isinstance(result, list) else [result])
    return nodes, errors


def bits(x: float) -> bytes:
    """The bits, with one spelling for all nans."""
    return b"nan" if math.isnan(x) else struct.pack("<d", x)


def relative_error(x: float, y: float) -> float:
    """The relative error; inf if either is not finite."""
    return abs(x - y) / max(abs(x), abs(y), 5e-324) if math.isfinite(x) and math.isfinite(y) else math.inf


@dataclass
class Tally:
    """How many numbers were compared, and those that differ."""

    compared: int = 0
    different: int = 0
    signs_of_zero: int = 0
    largest_error: float = 0.0

    def compare(self, ours: Iterable[float], theirs: Iterable[float]) -> None:
        x, y = array("d", ours), array("d", theirs)
        self.compared += len(x)
        if x.tobytes() == y.tobytes():
            return
        for a, b in zip(x, y, strict=True):
            if a == b == 0.0:
                self.signs_of_zero += bits(a) != bits(b)
            elif bits(a) != bits(b):
                self.different += 1
                self.largest_error = max(self.largest_error, relative_error(a, b))


@dataclass
class Comparison:
    seed: int
    graphs: int = 0
    errors: int = 0
    values: Tally = field(default_factory=Tally)
    gradients: Tally = field(default_factory=Tally)
    wrong: list[Recipe] = field(default_factory=list)
    engines: tuple[Engine, Engine] = field(default_factory=lambda: (Engine(fastgrad), Engine(reference)))

    def differences(self) -> int:
        return self.values.different + self.values.signs_of_zero + self.gradients.different

    def compare(self, number: int) -> None:
        recipe = random_recipe(random.Random(self.seed << 32 | number))
        before = self.differences()
        (ours, errors), (theirs, expected_errors) = (built(recipe, engine) for engine in self.engines)
        self.graphs += 1
        self.errors += len(errors)
        same_errors = errors == expected_errors
        if same_errors:
            self.values.compare((v.data for v in ours), (v.data for v in theirs))
            for position, gradient in recipe.sweeps:
                for nodes in (ours, theirs):
                    nodes[-1 - position % len(nodes)].backward(gradient)
                self.gradients.compare((v.grad for v in ours), (v.grad for v in theirs))
        if not same_errors or self.differences() > before:
            self.wrong.append(recipe)

    def summary(self, seconds: float) -> str:
        return (
            f"{self.graphs:,} graphs, {self.errors:,} operations refused by both in the same way; "
            f"{self.values.compared:,} values: {self.values.different + self.values.signs_of_zero:,} differ; "
            f"{self.gradients.compared:,} gradients: {self.gradients.different:,} differ, "
            f"largest relative error {self.gradients.largest_error:.3g}, "
            f"and {self.gradients.signs_of_zero:,} zeros have another sign; {seconds:.0f} s"
        )


def with_progress(numbers: range) -> Iterable[int]:
    try:
        tqdm = importlib.import_module("tqdm").tqdm
    except ImportError:
        return numbers
    progress: Iterable[int] = tqdm(numbers, unit=" graphs", mininterval=1.0, disable=None)
    return progress


def described(recipe: Recipe) -> str:
    return f"{recipe.leaves} {[(NAMES[i], operands) for i, operands in recipe.steps]} {recipe.sweeps}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int, nargs="?", default=1_000_000, help="how many graphs")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    comparison, start = Comparison(options.seed), time.perf_counter()
    for number in with_progress(range(options.count)):
        comparison.compare(number)
    for recipe in comparison.wrong[:10]:
        print(described(recipe), file=sys.stderr)
    print(comparison.summary(time.perf_counter() - start))
    return 1 if comparison.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
