"""A chain of one million and of ten million nodes: build, sweep, free, and memory use."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from time import perf_counter
from timeit import Timer, repeat

from fastgrad import Value, _core

from ..harness import Figure, Report, contenders, progress, resident_bytes, rounded

SIZES = (1_000_000, 10_000_000)
SETUP = "from fastgrad import Value; a, b = Value(1.5), Value(-0.75)"


@dataclass(frozen=True)
class Costs:
    """Nanoseconds per node."""

    build: float
    sweep: float
    free: float


@dataclass(frozen=True)
class Measurement:
    """The results of one new process."""

    fresh: Costs
    again: Costs  # the second graph, in the memory of the first
    product: float  # `a * b` in a loop, ns
    empty: float  # the loop alone, ns
    resident: float  # growth of peak RSS, bytes per node
    chunks: tuple[int, int]  # peak bytes of the chunks after the first graph and after the second


def build(steps: int, x: Value) -> Value:
    y = Value(0.0)
    for _ in range(steps):
        y = y * x + x
    return y


def live(steps: int) -> Costs:
    """Build one graph, sweep it and free it."""
    x = Value(1.0)
    start = perf_counter()
    y = build(steps, x)
    built = perf_counter()
    y.backward()
    swept = perf_counter()
    # With x = 1, y = n and dy/dx = 1 + 2 + ... + n: integers below 2**53, so the answer is exact.
    answer = (y.data, x.grad)
    before_free = perf_counter()
    del y
    freed = perf_counter()
    if answer != (float(steps), steps * (steps + 1) / 2):
        raise AssertionError(f"a chain of {2 * steps} nodes: got (y, dy/dx) = {answer}")
    scale = 1e9 / (2 * steps)
    return Costs((built - start) * scale, (swept - built) * scale, (freed - before_free) * scale)


class Chain:
    """Measures one size, in a separate process."""

    def measure(self, nodes: int) -> Measurement:
        steps = nodes // 2
        before = resident_bytes()[0]
        live_nodes = _core.memory()["live_nodes"]
        fresh = live(steps)
        resident = (resident_bytes()[1] - before) / nodes
        first = _core.memory()["peak_bytes"]
        again = live(steps)
        memory = _core.memory()
        if memory["live_nodes"] != live_nodes:
            raise AssertionError(f"{memory['live_nodes'] - live_nodes} nodes of the chain were not freed")
        product = median(repeat("a * b", SETUP, repeat=9, number=100_000)) * 1e4
        empty = median(Timer().repeat(9, 100_000)) * 1e4
        return Measurement(fresh, again, product, empty, resident, (first, memory["peak_bytes"]))


def run(quick: bool) -> Report:
    report = Report("Chain: `y = y * x + x`, then `y.backward()`")
    counts = dict(zip(SIZES, (3, 1) if quick else (9, 5), strict=True))
    for nodes in SIZES:
        found: list[Measurement] = []
        for _ in progress(counts[nodes], f"chain, {nodes:,} nodes"):
            with contenders(Chain, ()) as (chain,):
                found.append(chain("measure", nodes))
        report.figures += _figures(f"{nodes:,} nodes", found)
        report.notes.append(
            f"{nodes:,} nodes: `a * b` {rounded(median(m.product for m in found))} ns, of which the loop takes "
            f"{rounded(median(m.empty for m in found))} ns; sweep / (`a * b` without its loop) "
            f"{rounded(median(m.fresh.sweep / (m.product - m.empty) for m in found))}."
        )
    return report


def _figures(size: str, found: list[Measurement]) -> list[Figure]:
    reused = [second / first for first, second in (m.chunks for m in found)]
    return [
        Figure(f"{size}: sweep / (`a * b`)", [m.fresh.sweep / m.product for m in found], "x", "at most", 0.3),
        Figure(f"{size}: growth of peak RSS per node", [m.resident for m in found], " bytes", "at most", 64),
        Figure(f"{size}: chunk bytes after a second graph / after the first", reused, "x", "at most", 1.0),
        Figure(f"{size}: build per node, fresh memory", [m.fresh.build for m in found], " ns"),
        Figure(f"{size}: sweep per node, first graph", [m.fresh.sweep for m in found], " ns"),
        Figure(f"{size}: free per node, first graph", [m.fresh.free for m in found], " ns"),
        Figure(f"{size}: build per node, second graph", [m.again.build for m in found], " ns"),
        Figure(f"{size}: sweep per node, second graph", [m.again.sweep for m in found], " ns"),
        Figure(f"{size}: free per node, second graph", [m.again.free for m in found], " ns"),
    ]
