"""The limits of this machine, measured in the same run as the numbers that are compared with them."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from timeit import Timer

import numpy as np

from .comparison import Effort
from .harness import Contender

STATEMENTS = 100_000
NUMBERS = 1 << 23  # 64 MiB an array: more than most caches
ROWS = 768  # of a matrix: three of them fit into a core's own cache and the shared one


class Limits:
    """Measures one core; created in an already pinned process, so that NumPy's BLAS starts one thread."""

    def __init__(self, numbers: int = NUMBERS, rows: int = ROWS) -> None:
        self.numbers, self.rows = numbers, rows
        self.product, self.empty = Timer("x * y", "x, y = 1.5, -0.75"), Timer()
        self.from_, self.other, self.to = (np.full(numbers, number) for number in (1.5, -0.75, 0.0))
        self.left, self.right = np.random.default_rng(42).standard_normal((2, rows, rows))
        self.result = np.empty((rows, rows))

    def measure(self) -> dict[str, float]:
        """The limits by name and unit."""
        product = self.product.timeit(STATEMENTS) - self.empty.timeit(STATEMENTS)
        gigabytes = self.to.nbytes / 1e9
        copied = seconds(lambda: np.copyto(self.to, self.from_))
        added = seconds(lambda: np.add(self.from_, self.other, out=self.to))
        touched = seconds(lambda: np.empty(self.numbers).fill(1.0))
        multiplied = seconds(lambda: np.matmul(self.left, self.right, out=self.result))
        return {
            "float * float in the interpreter, ns": product / STATEMENTS * 1e9,
            "memory, copy of an array, GB/s read and written": 2 * gigabytes / copied,
            "memory, sum of two arrays, GB/s read and written": 3 * gigabytes / added,
            "memory, first touch of new pages, GB/s written": gigabytes / touched,
            "multiply-adds, product of two matrices, 10^9 a second": self.rows**3 / multiplied / 1e9,
        }


def seconds(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


def limits(effort: Effort) -> dict[str, list[float]]:
    """The limits by name and unit, a number for each round."""
    process = Contender(Limits)
    try:
        process("measure")  # a warm-up, which does not count
        rounds = [process("measure") for _ in range(effort.rounds)]
    finally:
        process.close()
    return {name: [each[name] for each in rounds] for name in rounds[0]}
