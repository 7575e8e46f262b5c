"""A random graph of 30 operations: a program without any structure to exploit."""

from __future__ import annotations

import math
import operator
import random
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from ..comparison import FLOOR, Entry, Workload
from ..harness import Repeated
from ..peers import Functions, Program, entries

INPUTS, WINDOW = 16, 20  # an operand is among the last WINDOW parts, so the depth does not grow
LEAST, MOST = 0.2, 2.0  # of every number, so that no derivative explodes

UNARY = (
    "abs", "exp", "expm1", "log", "log1p", "log10", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh",
    "cosh", "tanh", "asinh", "acosh", "atanh",
)  # fmt: skip
BINARY = ("hypot", "atan2", "maximum", "minimum")
OPERATORS: dict[str, Callable[..., Any]] = {
    "neg": operator.neg, "square": lambda x: x**2, "add": operator.add, "sub": operator.sub, "mul": operator.mul,
    "div": operator.truediv, "pow": operator.pow,
}  # fmt: skip
NAMES = (*UNARY, "neg", "square", *BINARY, "add", "sub", "mul", "div", "pow")
FLOATS = Functions(math, {"abs": "fabs"}, maximum=max, minimum=min)

Call = tuple[Callable[..., Any], int, int | None]
Step = tuple[str, int, int | None]  # the operation, and the positions of its operands


def function(name: str, functions: Any) -> Callable[..., Any]:
    found: Callable[..., Any] = OPERATORS[name] if name in OPERATORS else getattr(functions, name)
    return found


@cache
def steps(size: int) -> list[Step]:
    """Random operations, none of which leads out of bounds."""
    chance = random.Random(42)
    found: list[Step] = []
    values = leaves()
    while len(found) < size:
        name = chance.choice(NAMES)
        oldest = len(values) - max(INPUTS, len(values) // WINDOW)
        i, j = (int(oldest + chance.random() * (len(values) - oldest)) for _ in range(2))
        second = None if name in UNARY or name in ("neg", "square") else j
        try:
            value = function(name, FLOATS)(values[i], *([] if second is None else [values[second]]))
        except (ValueError, ZeroDivisionError, OverflowError):
            continue
        if not isinstance(value, complex) and LEAST <= abs(value) <= MOST and i != second:
            values.append(value)
            found.append((name, i, second))
    return found


def leaves() -> list[float]:
    chance = random.Random(1)
    return [chance.uniform(LEAST, MOST) for _ in range(INPUTS)]


def random_graph(size: int) -> tuple[Program, list[float]]:
    """The steps in order, and the mean of the last ones."""
    plan = steps(size)
    calls: list[Call] = []

    def program(inputs: Sequence[Any], functions: Any) -> Any:
        if not calls:  # looked up once, by the first run, which is not timed
            known = {name: function(name, functions) for name in NAMES}
            calls.extend((known[name], i, j) for name, i, j in plan)
        return evaluate(calls, inputs)

    return program, leaves()


def evaluate(calls: Sequence[Call], inputs: Sequence[Any]) -> Any:
    values = list(inputs)
    append = values.append
    for call, i, j in calls:
        append(call(values[i]) if j is None else call(values[i], values[j]))
    return sum(values[-INPUTS:]) / INPUTS


class Floats(Repeated):
    """The same loop over Python's floats: only the value."""

    def __init__(self, size: int) -> None:
        program, numbers = random_graph(size)
        self.run = lambda: program(numbers, FLOATS)

    def answer(self) -> list[float]:
        return [self.run()]


WORKLOAD = Workload(
    name="random_graph",
    title=f"Random graph of {len(NAMES)} operations",
    about=(
        f"Operations drawn at random from {len(NAMES)}, on operands drawn from the last twentieth of the graph; the "
        f"mean of the last {INPUTS} and its gradient by {INPUTS} inputs. Everyone runs the same list of calls in the "
        "same loop, so that its cost is part of every eager row: the floats show how much it is. The larger the "
        "graph, the further apart in memory are a node's operands: unlike the chain's, its costs need not be linear. "
        "JAX is left out: to compile a thousand scalars without a pattern takes XLA longer than all the others take "
        "for everything."
    ),
    sizes=[10**power for power in range(3, 7)],
    quick=[1_000, 10_000],
    size="nodes",
    unit="node",
    entries=[
        *entries(random_graph, without=["JAX jit"]),
        Entry("floats, value alone", "builtins", Floats, FLOOR),
    ],
    phases=True,
)
