"""Shared by the benchmarks: figures, rounds, and a separate process for each contender."""

from __future__ import annotations

import gc
import os
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from math import isclose
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

Bound = Literal["at most", "at least"] | None


@dataclass(frozen=True)
class Figure:
    """A row of the report: one number per round, and the limit for their median."""

    name: str
    rounds: Sequence[float]
    unit: str = ""
    bound: Bound = None
    limit: float = 0.0
    text: str = ""  # shown instead of the measurement if there is no number

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
    """The results of one benchmark."""

    title: str
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def rounded(number: float) -> str:
    """Three significant digits, without an exponent."""
    return f"{number:.0f}" if abs(number) >= 100 else f"{number:#.3g}".rstrip(".")


def spread(numbers: Sequence[float]) -> tuple[float, float]:
    """The quartiles, or the extremes of a few numbers."""
    if len(numbers) < 5:
        return min(numbers), max(numbers)
    low, _, high = statistics.quantiles(numbers, n=4, method="inclusive")
    return low, high


def ratios(numerators: Sequence[float], denominators: Sequence[float]) -> list[float]:
    """Round by round, because a disturbance slows both numbers of a round."""
    return [a / b for a, b in zip(numerators, denominators, strict=True)]


def bar(steps: int, title: str = "", unit: str = "step") -> Any:
    """A progress bar with the remaining time, on a terminal's stderr."""
    # Imported here because the contenders' processes load this module, and tqdm would slow each garbage collection.
    from tqdm import tqdm

    return tqdm(total=steps, desc=title, unit=unit, file=sys.stderr, leave=False, disable=None, dynamic_ncols=True)


def progress(count: int, title: str) -> Iterator[int]:
    """Count rounds."""
    with bar(count, title, "round") as shown:
        for number in range(count):
            yield number
            shown.update()


# The cores that this process may use, taken before `pin`, and therefore valid only in the process that pins.
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else []


def pin() -> str:
    """Keep this process and its children on one core; returns a description."""
    if not hasattr(os, "sched_setaffinity"):
        return "not pinned"
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    return f"pinned to core {core}"


def resident_bytes() -> tuple[int, int]:
    """The memory of this process: currently, and at its peak."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not getrusage, whose peak survives exec, so a child would start with its parent's.
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(fields["VmRSS"].split()[0]) * 1024, int(fields["VmHWM"].split()[0]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return peak, peak


def installed(package: str) -> bool:
    return find_spec(package) is not None


def jax_in_float64() -> Any:
    """JAX with double precision and one thread, in a process that has not yet imported it."""
    os.environ |= {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false"}
    jax = import_module("jax")
    jax.config.update("jax_enable_x64", True)
    # The result of each call is waited for: passing the work to another thread would only cost 8 us a call.
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    return jax


def require_close(actual: Sequence[float], expected: Sequence[float], what: str, tolerance: float = 1e-9) -> None:
    """Raise AssertionError unless both are equal within the tolerance, relative above 1 and absolute below."""
    pairs = zip(actual, expected, strict=True)
    for position, (x, y) in enumerate(pairs):
        if not isclose(x, y, rel_tol=tolerance, abs_tol=tolerance):
            raise AssertionError(f"{what}: number {position} is {float(x)!r}, not {float(y)!r}")


# --- a contender in a separate process, so that no engine's objects slow the garbage collections of another

_subject: Any = None


def _install(factory: Callable[..., object], arguments: tuple[Any, ...]) -> None:
    global _subject
    _subject = factory(*arguments)


def _call(method: str, arguments: tuple[Any, ...]) -> Any:
    return getattr(_subject, method)(*arguments)


class Contender:
    """An object in a new process: `contender("method", ...)` calls its method there."""

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


# --- a race between contenders that do the same and must have the same answers


class Repeated:
    """The interface of objects in a race: `run`, and `answer`, the numbers that a run computes."""

    run: Callable[[], Any]

    def answer(self) -> list[float]:
        raise NotImplementedError

    def measure(self, runs: int) -> float:
        """Microseconds per run."""
        if not gc.isenabled():
            gc.collect()  # garbage of the last round: not part of this one
        run = self.run
        start = perf_counter()
        for _ in range(runs):
            run()
        return (perf_counter() - start) / runs * 1e6


@dataclass(frozen=True)
class Entrant:
    """A factory for the object, which runs in a separate process, and the number of runs in a round."""

    factory: Callable[..., object]
    arguments: tuple[Any, ...]
    runs: int


@dataclass(frozen=True)
class Peer:
    """An entrant of another package, and the required ratio of its time to fastgrad's."""

    package: str
    entrant: Entrant
    limit: float | None

    def figure(self, name: str, costs: Mapping[str, list[float]]) -> Figure:
        if name not in costs:
            return Figure(f"{name} / fastgrad", [], text=f"{self.package} is not installed")
        bound: Bound = None if self.limit is None else "at least"
        return Figure(f"{name} / fastgrad", ratios(costs[name], costs["fastgrad"]), "x", bound, self.limit or 0.0)


def _enter(entrant: Entrant) -> object:
    return entrant.factory(*entrant.arguments)


def race(
    entrants: Mapping[str, Entrant], expected: Sequence[float], rounds: int, title: str
) -> dict[str, list[float]]:
    """Microseconds per run, every entrant once in each round."""
    with contenders(_enter, *((entrant,) for entrant in entrants.values())) as made:
        processes = dict(zip(entrants, made, strict=True))
        for name, process in processes.items():
            require_close(process("answer"), expected, f"{title}: {name}")
            process("measure", entrants[name].runs)  # a warm-up, which does not count
        costs: dict[str, list[float]] = {name: [] for name in entrants}
        for _ in progress(rounds, title):
            for name, process in processes.items():
                costs[name].append(process("measure", entrants[name].runs))
    return costs


def race_peers(
    ours: Entrant, peers: Mapping[str, Peer], expected: Sequence[float], rounds: int, title: str
) -> list[Figure]:
    """A race of fastgrad with the installed peers: the ratios, then all times."""
    entrants = {"fastgrad": ours}
    entrants |= {name: peer.entrant for name, peer in peers.items() if installed(peer.package)}
    costs = race(entrants, expected, rounds, title)
    figures = [peer.figure(name, costs) for name, peer in peers.items()]
    return figures + [Figure(name, cost, " us") for name, cost in costs.items()]
