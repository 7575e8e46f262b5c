"""One operation: the cost of computing its number and recording it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ..comparison import EAGER, FLOOR, Entry, Workload
from ..harness import Repeated
from ..peers import SCALAR, Casadi, Program

OPERATORS = ("a * b", "a + b", "a - b", "a / b", "-a", "a + 1.0", "2.0 * a", "exp(a)", "tanh(a)", "a ** 3")
A, B, COUNT = 1.5, -0.75, 1000


def loop(operator: str) -> Callable[..., Any]:
    """A function of a, b and exp or tanh that computes the operator repeatedly and returns the last result."""
    names: dict[str, Any] = {}
    body = f"for _ in range({COUNT - 1}): {operator}\n return {operator}"
    exec(f"def loop(a, b, called):\n exp = tanh = called\n {body}", names)
    made: Callable[..., Any] = names["loop"]
    return made


def operator(size: int) -> tuple[Program, list[float]]:
    """The operator with that number."""
    repeat, needs = loop(OPERATORS[size]), OPERATORS[size].partition("(")[0]

    def program(inputs: Sequence[Any], functions: Any) -> Any:
        called = getattr(functions, needs) if needs in ("exp", "tanh") else None
        return repeat(*inputs, called)

    return program, [A, B]


class Build(Repeated):
    """An eager engine that only builds graphs."""

    def __init__(self, engine: Callable[..., Any], size: int) -> None:
        self.engine = engine(operator, size)
        self.run = self.engine.build

    def answer(self) -> list[float]:
        found: list[float] = self.engine.answer()
        return found

    def close(self) -> None:
        close: Callable[[], None] = getattr(self.engine, "close", lambda: None)
        close()


class Symbols(Repeated):
    """CasADi: its symbolic scalars, during computation."""

    def __init__(self, size: int) -> None:
        from casadi import SX

        program, numbers = operator(size)
        self.compiled = Casadi(operator, size)
        self.run = partial(program, [SX.sym(f"x{i}") for i in range(len(numbers))], self.compiled.functions)

    def answer(self) -> list[float]:
        return self.compiled.answer()


class Floats(Repeated):
    """Python's own floats, with the derivatives written by hand."""

    DERIVATIVES = (
        (B, A), (1.0, 1.0), (1.0, -1.0), (1.0 / B, -A / B**2), (-1.0, 0.0), (1.0, 0.0), (2.0, 0.0),
        (math.exp(A), 0.0), (1.0 - math.tanh(A) ** 2, 0.0), (3.0 * A**2, 0.0),
    )  # fmt: skip

    def __init__(self, size: int) -> None:
        self.run = partial(operator(size)[0], (A, B), math)
        self.derivatives = self.DERIVATIVES[size]

    def answer(self) -> list[float]:
        return [self.run(), *self.derivatives]


WORKLOAD = Workload(
    name="operators",
    title="One operation",
    about=(
        f"Each operator {COUNT:,} times in a loop, whose results are dropped at once: the time to build one node, "
        "with the loop around it. The derivatives are checked, but not timed."
    ),
    sizes=range(len(OPERATORS)),
    quick=[0, 1, 7],
    labels=dict(enumerate(f"`{each}`" for each in OPERATORS)),
    size="operator",
    unit="operation",
    entries=[
        *(
            Entry(name, package, partial(Build, make), EAGER)
            for name, (package, make, kind) in SCALAR.items()
            if kind == EAGER and name != "autograd"
        ),
        Entry("CasADi SX", "casadi", Symbols, EAGER),
        Entry("floats", "builtins", Floats, FLOOR),
    ],
    units=lambda _: COUNT,
)
