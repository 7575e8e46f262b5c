"""The expression of micrograd's README, built and differentiated repeatedly."""

from __future__ import annotations

import gc
from collections.abc import Callable
from importlib import import_module
from time import perf_counter
from typing import Any

from ..harness import (
    Bound,
    Contender,
    Figure,
    Report,
    contenders,
    installed,
    progress,
    ratios,
    require_close,
)

ANSWER = (24.70408163265306, 138.83381924198252, 645.5772594752186)
TARGETS = {"micrograd": 50.0, "torch": 150.0}
TITLES = {"micrograd": "micrograd", "torch": "PyTorch scalar tensors", "fastgrad.reference": "fastgrad.reference"}
# Graphs per round, chosen for about equal times.
COUNTS = {"fastgrad": 10_000, "micrograd": 200, "fastgrad.reference": 100, "torch": 50}


def leaf_maker(package: str) -> Callable[[float], Any]:
    """The function of the package that creates a leaf."""
    module: Any = import_module(f"{package}.engine" if package == "micrograd" else package)
    if package != "torch":
        value: Callable[[float], Any] = module.Value
        return value
    module.set_num_threads(1)
    return lambda data: module.tensor(data, dtype=module.float64, requires_grad=True)


def differentiate(leaf: Callable[[float], Any]) -> tuple[Any, Any, Any]:
    a = leaf(-4.0)
    b = leaf(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    g.backward()
    return g, a, b


class Loop:
    """The expression in one package."""

    def __init__(self, package: str, collect: bool) -> None:
        self.leaf = leaf_maker(package)
        if not collect:
            gc.disable()

    def answer(self) -> list[float]:
        g, a, b = differentiate(self.leaf)
        return [float(g.data), float(a.grad), float(b.grad)]

    def measure(self, count: int) -> float:
        """Microseconds per graph."""
        if not gc.isenabled():
            gc.collect()  # garbage of the last round: not part of this one
        leaf = self.leaf
        start = perf_counter()
        for _ in range(count):
            differentiate(leaf)
        return (perf_counter() - start) / count * 1e6


def measure(packages: list[str], collect: bool, rounds: int, scale: int) -> dict[str, list[float]]:
    """Microseconds per graph, every package once in each round."""
    with contenders(Loop, *((package, collect) for package in packages)) as made:
        loops: dict[str, Contender] = dict(zip(packages, made, strict=True))
        for package, loop in loops.items():
            require_close(loop("answer"), ANSWER, f"README expression with {package}")
            loop("measure", COUNTS[package] // 2)
        costs: dict[str, list[float]] = {package: [] for package in packages}
        for _ in progress(rounds, "expression" if collect else "expression, collector off"):
            for package, loop in loops.items():
                costs[package].append(loop("measure", COUNTS[package] * scale))
    return costs


def run(quick: bool) -> Report:
    report = Report("README expression: built and differentiated, per graph")
    packages = [package for package in COUNTS if installed(package.partition(".")[0])]
    for collect in (True, False):
        variant = "" if collect else ", garbage collector off"
        costs = measure(packages, collect, 9 if quick else 31, 1 if quick else 4)
        for package, title in TITLES.items():
            if package not in costs:
                report.figures.append(Figure(f"{title} / fastgrad{variant}", [], text="not installed"))
                continue
            quotients = ratios(costs[package], costs["fastgrad"])
            bound: Bound = "at least" if collect and package in TARGETS else None
            limit = TARGETS.get(package, 0.0)
            report.figures.append(Figure(f"{title} / fastgrad{variant}", quotients, "x", bound, limit))
        report.figures += [Figure(f"{package}{variant}", each, " us") for package, each in costs.items()]
    return report
