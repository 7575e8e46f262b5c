"""The GPT's training step, captured once and replayed: against the script in pure Python, and per node."""

from __future__ import annotations

from importlib import import_module
from statistics import median
from time import perf_counter
from typing import Any

from ..harness import Bound, Entrant, Figure, Repeated, Report, contenders, progress, race, ratios
from .gpt import FULL, NAME, OURS, OWN, Training, next_letter_loss

Options = dict[str, Any]
# The graph's passes, and the targets: how many times as fast as pure Python, and ns per node.
VARIANTS: dict[str, tuple[Options, float, float]] = {
    "fold, cse, dce, gather_dots": ({"passes": ("fold", "cse", "dce", "gather_dots")}, 2500.0, 1.2),
    "all passes": ({}, 6000.0, 0.5),
}
# Runs per round. The script makes five steps, so that each round has its share of full collections.
REPLAYS, STEPS, CAPTURES = 500, 5, 3


def graph_of(loss: Any, **options: Any) -> Any:
    # Imported here because the pure-Python contender's process loads this module too.
    return import_module(OURS).Graph(loss, **options)


class Replayed(Repeated):
    """The step as a captured graph. All weights are bound leaves; each run adds to their gradients."""

    def __init__(self, tokens: list[int], collect: bool, options: Options) -> None:
        self.training = Training(OURS, collect)
        self.graph = graph_of(next_letter_loss(self.training.weights, tokens), **options)
        self.run = self.graph.value_and_grad

    def answer(self) -> list[float]:
        self.training.zero_grad()
        loss, _ = self.graph.value_and_grad()
        return [loss, *(p.grad for p in self.training.parameters)]


class Scripted(Repeated):
    """The step in pure Python, with the script's own Value: forward, backward and freeing the graph."""

    def __init__(self, tokens: list[int], collect: bool) -> None:
        self.training, self.tokens = Training(OWN, collect), tokens

    def run(self) -> float:
        return self.training.step(self.tokens)

    def answer(self) -> list[float]:
        return self.training.answer(self.tokens)


class Capturing:
    """Builds the step's graph, captures it, and runs it for the first time."""

    def __init__(self, tokens: list[int]) -> None:
        self.training, self.tokens = Training(OURS, True), tokens

    def stats(self, options: Options) -> dict[str, Any]:
        return dict(graph_of(next_letter_loss(self.training.weights, self.tokens), **options).stats())

    def measure(self) -> tuple[float, float, float]:
        """Nanoseconds: to build the graph, to capture it, and for the first value and gradients."""
        start = perf_counter()
        loss = next_letter_loss(self.training.weights, self.tokens)
        built = perf_counter()
        graph = graph_of(loss)
        captured = perf_counter()
        graph.value_and_grad()
        end = perf_counter()
        return (built - start) * 1e9, (captured - built) * 1e9, (end - captured) * 1e9


def capture(report: Report, tokens: list[int], title: str, rounds: int) -> int:
    """Report the cost of capturing; returns the number of nodes that the loss reaches."""
    with contenders(Capturing, (tokens,)) as (capturing,):
        for variant, (options, _, _) in VARIANTS.items():
            stats = capturing("stats", options)
            report.notes.append(f"{title}, {variant}: {', '.join(f'{key} {n}' for key, n in stats.items())}.")
        nodes = int(stats["nodes"])
        capturing("measure")
        found = []
        for _ in progress(rounds, f"captured gpt, {title}: capture"):
            times = [capturing("measure") for _ in range(CAPTURES)]
            found.append([median(each) / nodes for each in zip(*times, strict=True)])
    build, captured, first = zip(*found, strict=True)
    report.figures += [
        Figure(f"{title}: capture per node reached, of {nodes:,}", captured, " ns", "at most", 150),
        Figure(f"{title}: eager build per node", build, " ns"),
        Figure(f"{title}: first `value_and_grad()` per node", first, " ns"),
    ]
    return nodes


def replay(report: Report, tokens: list[int], title: str, rounds: int, nodes: int, collect: bool) -> None:
    """Report the cost of replaying; the targets apply with Python's default collector settings."""
    expected = Training(OURS, True).answer(tokens)
    entrants = {
        variant: Entrant(Replayed, (tokens, collect, options), REPLAYS)
        for variant, (options, _, _) in VARIANTS.items()
    }
    entrants[OWN] = Entrant(Scripted, (tokens, collect), STEPS)
    about = title if collect else f"{title}, garbage collector off"
    costs = race(entrants, expected, rounds, f"captured gpt, {about}")
    at_least: Bound = "at least" if collect else None
    at_most: Bound = "at most" if collect else None
    for variant, (_, times, limit) in VARIANTS.items():
        faster = ratios(costs[OWN], costs[variant])
        per_node = [cost * 1e3 / nodes for cost in costs[variant]]
        report.figures += [
            Figure(f"{about}: own Value / replay, {variant}", faster, "x", at_least, times),
            Figure(f"{about}: replay per node, {variant}", per_node, " ns", at_most, limit),
            Figure(f"{about}: replay, {variant}", costs[variant], " us"),
        ]
    milliseconds = [cost / 1e3 for cost in costs[OWN]]
    report.figures.append(Figure(f"{about}: the script's own Value", milliseconds, " ms"))


def run(quick: bool) -> Report:
    report = Report("Captured GPT step: `Graph(next_letter_loss(weights, tokens)).value_and_grad()`")
    rounds = 3 if quick else 7
    for tokens, title in ((NAME, "a name of 7 letters"), (FULL, "a full context of 16")):
        nodes = capture(report, tokens, title, rounds)
        for collect in (True, False):
            replay(report, tokens, title, rounds, nodes, collect)
    return report
