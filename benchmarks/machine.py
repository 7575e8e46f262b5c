"""What this machine can do at best, measured in the same run as what is compared with it."""

from __future__ import annotations

from timeit import Timer

from .comparison import Effort

STATEMENTS = 100_000


def limits(effort: Effort) -> dict[str, list[float]]:
    """The limits by name and unit, a number for each round."""
    product, empty = Timer("x * y", "x, y = 1.5, -0.75"), Timer()
    found = [product.timeit(STATEMENTS) - empty.timeit(STATEMENTS) for _ in range(effort.rounds)]
    return {"float * float in the interpreter, ns": [seconds / STATEMENTS * 1e9 for seconds in found]}
