"""Measures how far an operation's results are from the exact ones, for arguments of all sizes, kinks and poles."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from mpmath import mp, mpf

import fastgrad
from fastgrad.reference import Operation
from support.exact import condition, exact_slope, exact_value
from support.operations import INTEGER_ORDERS

#: Outside of these, a float or a formula's intermediate results have fewer digits.
SMALLEST, LARGEST = 1e-290, 1e300

#: Slopes computed from the result alone, as in micrograd, PyTorch and JAX: 1 - r * r and r * (1 - r) are as precise
#: as 1 is, so no digits are left where the result is 1. Avoiding this would cost an exponential.
ABSOLUTE = ("tanh", "sigmoid")


@dataclass
class Worst:
    """The largest error, relative to the exact result, and relative to its condition."""

    relative: float = 0.0
    conditioned: float = 0.0
    at: tuple[float, ...] = ()

    def include(self, relative: float, conditioned: float, arguments: tuple[float, ...]) -> None:
        self.relative = max(self.relative, relative)
        if conditioned > self.conditioned:
            self.conditioned, self.at = conditioned, arguments


def random_argument(rng: random.Random) -> float:
    sign = rng.choice((-1.0, 1.0))
    return rng.choice(
        (
            rng.uniform(-4.0, 4.0),
            sign * 10.0 ** rng.uniform(-12.0, 3.0),
            sign * 10.0 ** rng.uniform(-300.0, 300.0),
            sign * rng.uniform(0.0, 700.0),
            rng.choice((0.0, 0.5, 1.0, 2.0, -1.0, -0.5, -2.0)) + sign * 2.0 ** -rng.randrange(2, 50),
        )
    )


def wide_arguments(row: Operation, count: int) -> Iterator[tuple[float, ...]]:
    """Arguments of all sizes, near 0, 1/2, 1 and 2, and near each other, in the domain and not at a kink."""
    rng = random.Random(row.name)
    while count:
        arguments = [random_argument(rng) for _ in row.partials]
        if len(arguments) == 2 and rng.random() < 0.3:
            arguments[1] = arguments[0] * rng.uniform(0.9, 1.1)
        if row.name in INTEGER_ORDERS:
            arguments[1] = float(rng.choice((0, 1, 2, 3, 5, 10, 30)))
        if arguments[0] == 0.0 or arguments[0] in arguments[1:]:
            continue
        try:
            row.value(*arguments)
        except (ArithmeticError, ValueError):
            continue
        count -= 1
        yield tuple(arguments)


def results(row: Operation, arguments: tuple[float, ...]) -> list[float]:
    """The value, and the slopes that backward() passes on."""
    operands = [fastgrad.Value(x) for x in arguments]
    result = getattr(fastgrad, row.name)(*operands)
    result.backward()
    return [result.data, *(operand.grad for operand in operands)]


def exact_functions(row: Operation) -> dict[str, Callable[..., Any]]:
    """The exact functions for `results`."""

    def slope(index: int) -> Callable[..., Any]:
        return lambda *arguments: exact_slope(row.name, index, *arguments)

    names = ("slope in x", "slope in y") if len(row.partials) == 2 else ("slope",)
    return {"value": lambda *x: exact_value(row.name, *x)} | {name: slope(i) for i, name in enumerate(names)}


def worst_errors(row: Operation, count: int) -> dict[str, Worst]:
    functions = exact_functions(row)
    worst = {name: Worst() for name in functions}
    for arguments in wide_arguments(row, count):
        for (name, function), result in zip(functions.items(), results(row, arguments), strict=True):
            exact = function(*arguments)
            if not (exact == 0 or SMALLEST < abs(exact) < LARGEST):
                continue
            with mp.workdps(30):
                error = abs(mpf(result) - exact) if math.isfinite(result) else mpf(math.inf)
                relative = error / (abs(exact) or 1)
                scale = 1 if row.name in ABSOLUTE and name != "value" else condition(function, arguments) or 1
                worst[name].include(float(relative), float(error / scale), arguments)
    return worst
