"""What the benchmarks share: figures, rounds, and a process of its own for each contender."""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from math import isclose
from multiprocessing import get_context
from typing import Any, Literal

Bound = Literal["at most", "at least"] | None


@dataclass(frozen=True)
class Figure:
    """A row of the report: one number per round, and the bound that their median must keep."""

    name: str
    rounds: Sequence[float]
    unit: str = ""
    bound: Bound = None
    limit: float = 0.0
    text: str = ""  # stands for the measurement where there is no number

    @property
    def median(self) -> float | None:
        return statistics.median(self.rounds) if self.rounds else None

    @property
    def met(self) -> bool | None:
        if self.bound is None or self.median is None:
            return None
        return self.median <= self.limit if self.bound == "at most" else self.median >= self.limit

    @property
    def target(self) -> str:
        return "" if self.bound is None else f"{self.bound} {self.limit:g}{self.unit}"

    @property
    def measured(self) -> str:
        if self.median is None:
            return self.text
        low, high = spread(self.rounds)
        return f"{rounded(self.median)}{self.unit} ({rounded(low)} to {rounded(high)})"


@dataclass
class Report:
    """What one benchmark found."""

    title: str
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def rounded(number: float) -> str:
    """Three significant digits, without an exponent."""
    return f"{number:.0f}" if abs(number) >= 100 else f"{number:#.3g}".rstrip(".")


def spread(numbers: Sequence[float]) -> tuple[float, float]:
    """The quartiles; of few numbers, the extremes."""
    if len(numbers) < 5:
        return min(numbers), max(numbers)
    low, _, high = statistics.quantiles(numbers, n=4, method="inclusive")
    return low, high


def ratios(numerators: Sequence[float], denominators: Sequence[float]) -> list[float]:
    """Round by round: what slows one round down slows both of its numbers down."""
    return [a / b for a, b in zip(numerators, denominators, strict=True)]


def progress(count: int, title: str) -> Iterator[int]:
    """Count rounds, with a progress bar on a terminal's stderr."""
    # Imported here: the contenders' processes load this module, and would carry tqdm through each collection.
    from tqdm import tqdm

    yield from tqdm(range(count), desc=title, unit="round", file=sys.stderr, leave=False, disable=None)


def pin() -> str:
    """Keep this process, and those that it starts, on one core; what was done, in words."""
    if not hasattr(os, "sched_setaffinity"):
        return "not pinned"
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    return f"pinned to core {core}"


def installed(package: str) -> bool:
    return find_spec(package) is not None


def require_close(actual: Sequence[float], expected: Sequence[float], what: str, tolerance: float = 1e-9) -> None:
    """Raise AssertionError unless both are equal within the tolerance, relative above 1 and absolute below."""
    pairs = zip(actual, expected, strict=True)
    for position, (x, y) in enumerate(pairs):
        if not isclose(x, y, rel_tol=tolerance, abs_tol=tolerance):
            raise AssertionError(f"{what}: number {position} is {x!r}, not {y!r}")


# --- a contender in a process of its own: one engine's objects weigh on the garbage collections of no other

_subject: Any = None


def _install(factory: Callable[..., object], arguments: tuple[Any, ...]) -> None:
    global _subject
    _subject = factory(*arguments)


def _call(method: str, arguments: tuple[Any, ...]) -> Any:
    return getattr(_subject, method)(*arguments)


class Contender:
    """An object that lives in a fresh process: `contender("method", ...)` calls its method there."""

    def __init__(self, factory: Callable[..., object], *arguments: Any) -> None:
        self._pool = ProcessPoolExecutor(
            1, mp_context=get_context("spawn"), initializer=_install, initargs=(factory, arguments)
        )

    def __call__(self, method: str, *arguments: Any) -> Any:
        return self._pool.submit(_call, method, arguments).result()

    def close(self) -> None:
        self._pool.shutdown()


@contextmanager
def contenders(factory: Callable[..., object], *arguments: tuple[Any, ...]) -> Iterator[list[Contender]]:
    """One process for each tuple of arguments."""
    made = [Contender(factory, *each) for each in arguments]
    try:
        yield made
    finally:
        for each in made:
            each.close()
