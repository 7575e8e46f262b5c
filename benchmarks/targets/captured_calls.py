"""The overhead of calling a captured graph: README's expression, and reading many bound leaves."""

from __future__ import annotations

import random
from functools import partial

import numpy as np

from fastgrad import Graph, Value

from ..harness import Entrant, Figure, Repeated, Report, race
from .expression import ANSWER, Loop, differentiate
from .gpt import SHAPES

LEAVES = sum(rows * columns for rows, columns in SHAPES.values())


class Expression(Repeated):
    """One call of the expression of micrograd's README, with a and b as inputs."""

    def __init__(self, gradient: bool) -> None:
        g, a, b = differentiate(Value)
        self.graph, self.x = Graph(g, inputs=(a, b)), np.array([a.data, b.data])
        self.run = partial(self.graph.value_and_grad if gradient else self.graph, self.x)

    def answer(self) -> list[float]:
        _, gradient = self.graph.value_and_grad(self.x)
        return [*self.graph(self.x), *gradient]


class Sum(Repeated):
    """The sum of many leaves, as inputs, or bound, so that a run reads each one's data and adds to its grad."""

    def __init__(self, bound: bool) -> None:
        numbers = summands()
        self.leaves, self.bound = [Value(number) for number in numbers], bound
        self.graph = Graph(sum(self.leaves), inputs=() if bound else self.leaves)
        self.run = self.graph.value_and_grad if bound else partial(self.graph.value_and_grad, np.array(numbers))

    def answer(self) -> list[float]:
        for leaf in self.leaves:
            leaf.grad = 0.0
        total, gradient = self.run()
        return [total, *([leaf.grad for leaf in self.leaves] if self.bound else gradient)]


def summands() -> list[float]:
    chance = random.Random(42)
    return [chance.gauss(0.0, 1.0) for _ in range(LEAVES)]


def run(quick: bool) -> Report:
    report = Report("Calls of captured graphs")
    rounds = 9 if quick else 31
    calls = {
        "README expression: `graph(x)`": Entrant(Expression, (False,), 20_000),
        "README expression: `graph.value_and_grad(x)`": Entrant(Expression, (True,), 20_000),
        "README expression: built and differentiated eagerly": Entrant(Loop, ("fastgrad", True), 20_000),
    }
    sums = {
        f"sum of {LEAVES:,} bound leaves: `graph.value_and_grad()`": Entrant(Sum, (True,), 1000),
        "the same with the leaves as inputs: `graph.value_and_grad(x)`": Entrant(Sum, (False,), 1000),
    }
    numbers = summands()
    for entrants, expected, limit in ((calls, ANSWER, 1.5), (sums, [sum(numbers), *[1.0] * LEAVES], 10.0)):
        (first, cost), *others = race(entrants, expected, rounds, f"captured calls, {len(expected)} numbers").items()
        report.figures.append(Figure(first, cost, " us", "at most", limit))
        report.figures += [Figure(name, each, " us") for name, each in others]
    return report
