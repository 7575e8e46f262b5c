"""One operator of Value against float * float: the cost of an operation beyond the loop around it."""

from __future__ import annotations

import math
from statistics import median
from timeit import Timer

from fastgrad import Value

from ..harness import Bound, Figure, Report, progress, ratios, require_close, rounded

A, B = 1.5, -0.75
LIMITS = {
    "a * b": 2.2,
    "a + b": 2.2,
    "a - b": 2.2,
    "a / b": 2.2,
    "-a": 2.2,
    "a + 1.0": 2.5,
    "2.0 * a": 2.5,
    "a.exp()": 3.5,
}
# Each with the derivatives by a and b at (A, B).
ANSWERS = {
    "a * b": (A * B, B, A),
    "a + b": (A + B, 1.0, 1.0),
    "a - b": (A - B, 1.0, -1.0),
    "a / b": (A / B, 1.0 / B, -A / B**2),
    "-a": (-A, -1.0, 0.0),
    "a + 1.0": (A + 1.0, 1.0, 0.0),
    "2.0 * a": (2.0 * A, 2.0, 0.0),
    "a.exp()": (math.exp(A), math.exp(A), 0.0),
}
EMPTY, FLOATS = "pass", "x * y"
STATEMENTS = (EMPTY, FLOATS, *LIMITS)
SETUP = f"from fastgrad import Value; a, b = Value({A}), Value({B}); x, y = {A}, {B}"


def check() -> None:
    for statement, expected in ANSWERS.items():
        a, b = Value(A), Value(B)
        result = eval(statement, {"a": a, "b": b})
        result.backward()
        require_close([result.data, a.grad, b.grad], expected, statement, 1e-15)


def measure(timers: dict[str, Timer], rounds: int, number: int, title: str) -> dict[str, list[float]]:
    """Nanoseconds per statement, all statements once in each round."""
    costs: dict[str, list[float]] = {statement: [] for statement in timers}
    for _ in progress(rounds, title):
        for statement, timer in timers.items():
            costs[statement].append(timer.timeit(number) / number * 1e9)
    return costs


def beyond_empty(costs: dict[str, list[float]], statement: str) -> list[float]:
    return [cost - empty for cost, empty in zip(costs[statement], costs[EMPTY], strict=True)]


def run(quick: bool) -> Report:
    check()
    names = {"a": Value(A), "b": Value(B), "x": A, "y": B}
    variants = {
        "local": {statement: Timer(statement, SETUP) for statement in STATEMENTS},
        "global": {statement: Timer(statement, globals=names) for statement in STATEMENTS},
    }
    report = Report("Operators: (operation - empty statement) / (float * float - empty statement)")
    for variant, timers in variants.items():
        costs = measure(timers, 15 if quick else 60, 50_000 if quick else 200_000, f"operators, {variant}")
        floats = beyond_empty(costs, FLOATS)
        for statement, limit in LIMITS.items():
            quotients = ratios(beyond_empty(costs, statement), floats)
            name = f"`{statement}`, {variant} variables"
            bound: Bound = "at most" if variant == "local" else None
            report.figures.append(Figure(name, quotients, "x", bound, limit))
        listed = ", ".join(f"`{statement}` {rounded(median(costs[statement]))}" for statement in STATEMENTS)
        report.notes.append(f"Medians with {variant} variables, in ns with the loop: {listed}.")
    return report
