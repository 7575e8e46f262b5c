"""Captured graphs of one million and of ten million nodes: capture, run, and memory use."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from fastgrad import Graph, Value

from ..harness import Figure, Report, contenders, progress, require_close, resident_bytes
from .chain import build

LANES, ANGLES, SEED = 256, 64, 42
RUNS = 3


def rotations(nodes: int) -> tuple[Value, list[Value]]:
    """Rotates two random lanes by one of the angles, six nodes at a time: numbers and gradients keep their size.

    Returns the sum of the lanes, and the leaves: the initial lanes, and the cosines and sines.
    """
    chance = random.Random(SEED)
    lanes = [Value(chance.gauss(0.0, 1.0)) for _ in range(LANES)]
    angles = [chance.uniform(0.0, 2 * math.pi) for _ in range(ANGLES)]
    turns = [(Value(math.cos(angle)), Value(math.sin(angle))) for angle in angles]
    leaves = [*lanes, *(leaf for turn in turns for leaf in turn)]
    for _ in range(nodes // 6):
        i = int(chance.random() * LANES)
        j = (i + 1 + int(chance.random() * (LANES - 1))) % LANES
        cosine, sine = turns[int(chance.random() * ANGLES)]
        x, y = lanes[i], lanes[j]
        lanes[i], lanes[j] = x * cosine - y * sine, x * sine + y * cosine
    require_close([_norm(lanes)], [_norm(leaves[:LANES])], "rotations: the norm")
    total: Value = sum(lanes)  # type: ignore[assignment]
    return total, leaves


def _norm(lanes: list[Value]) -> float:
    return math.hypot(*(lane.data for lane in lanes))


def chain(nodes: int) -> tuple[Value, list[Value]]:
    """`y = y * x + x`, which is as regular as the rotations are random."""
    x = Value(1.0)
    return build(nodes // 2, x), [x]


SHAPES: dict[str, Callable[[int], tuple[Value, list[Value]]]] = {"rotations": rotations, "chain": chain}


@dataclass(frozen=True)
class Measurement:
    """The results of one new process: nanoseconds and bytes per node."""

    capture: float
    first: float  # the first value and gradients
    again: float
    resident: float  # growth of peak RSS while capturing and running, beyond the eager graph
    stats: dict[str, Any]


class Large:
    """Measures one graph, in a separate process."""

    def measure(self, shape: str, nodes: int) -> Measurement:
        output, leaves = SHAPES[shape](nodes)
        before = resident_bytes()[0]
        start = perf_counter()
        graph = Graph(output)
        captured = perf_counter()
        value, _ = graph.value_and_grad()
        ran = perf_counter()
        resident = resident_bytes()[1] - before
        found = [value, *_gradients(leaves)]
        before_again = perf_counter()
        for _ in range(RUNS):
            graph.value_and_grad()
        again = (perf_counter() - before_again) / RUNS

        _gradients(leaves)
        output.backward()
        require_close(found, [output.data, *_gradients(leaves)], f"{shape} of {nodes} nodes")
        stats = dict(graph.stats())
        scale = 1e9 / stats["nodes"]
        times = ((captured - start) * scale, (ran - captured) * scale, again * scale)
        return Measurement(*times, resident / stats["nodes"], stats)


def _gradients(leaves: list[Value]) -> list[float]:
    """Take the gradients, and reset them to zero."""
    found = [leaf.grad for leaf in leaves]
    for leaf in leaves:
        leaf.grad = 0.0
    return found


def run(quick: bool) -> Report:
    report = Report(f"Large captured graphs: random rotations of {LANES} lanes, and the chain `y = y * x + x`")
    cases = [("rotations", 1_000_000, 3 if quick else 7), ("chain", 1_000_000, 3 if quick else 7)]
    if not quick:
        cases.append(("rotations", 10_000_000, 3))
    for shape, nodes, rounds in cases:
        title = f"{shape}, {nodes:,} nodes"
        found: list[Measurement] = []
        for _ in progress(rounds, f"captured size, {title}"):
            with contenders(Large, ()) as (large,):
                found.append(large("measure", shape, nodes))
        report.figures += [
            Figure(f"{title}: growth of peak RSS per node", [m.resident for m in found], " bytes", "at most", 150),
            Figure(f"{title}: capture per node", [m.capture for m in found], " ns"),
            Figure(f"{title}: `value_and_grad()` per node, first", [m.first for m in found], " ns"),
            Figure(f"{title}: `value_and_grad()` per node, again", [m.again for m in found], " ns"),
        ]
        report.notes.append(f"{title}: {', '.join(f'{key} {n}' for key, n in found[-1].stats.items())}.")
    return report
