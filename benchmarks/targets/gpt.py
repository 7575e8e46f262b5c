"""A GPT's training step on scalars, in microgpt's style: fastgrad against the script's own Value.

The script is `next_letter_loss` and what it calls: plain Python for any Value type of its weights.
"""

from __future__ import annotations

import gc
import random
from importlib import import_module
from time import perf_counter
from typing import Any

from ..harness import Figure, Report, contenders, progress, ratios, require_close

WIDTH, HEADS, CONTEXT, LETTERS = 16, 4, 16, 27
HEAD = WIDTH // HEADS
SHAPES = {
    "letters": (LETTERS, WIDTH),
    "places": (CONTEXT, WIDTH),
    "queries": (WIDTH, WIDTH),
    "keys": (WIDTH, WIDTH),
    "values": (WIDTH, WIDTH),
    "mix": (WIDTH, WIDTH),
    "widen": (4 * WIDTH, WIDTH),
    "narrow": (WIDTH, 4 * WIDTH),
    "unembed": (LETTERS, WIDTH),
}
END = 26  # the token before the first letter and after the last
NAME = [END, 2, 0, 12, 8, 11, 11, 0, END]
FULL = [END, *(7 * i % 26 for i in range(CONTEXT))]
OWN, OURS = f"{__package__}.gpt_value", "fastgrad"
# The other engine makes ten, so that each round has its share of full collections, which happen every few steps.
STEPS_PER_ROUND = {OURS: 20, OWN: 10}

Vector = list[Any]
Matrix = list[Vector]


# --- the script


def linear(x: Vector, weights: Matrix) -> Vector:
    return [sum(w * xi for w, xi in zip(row, x)) for row in weights]  # noqa: B905


def softmax(scores: Vector) -> Vector:
    largest = max(score.data for score in scores)
    powers = [(score - largest).exp() for score in scores]
    total = sum(powers)
    return [power / total for power in powers]


def rmsnorm(x: Vector) -> Vector:
    mean_square = sum(xi * xi for xi in x) / len(x)
    scale = (mean_square + 1e-5) ** -0.5
    return [xi * scale for xi in x]


def attention(x: Vector, w: dict[str, Matrix], past_keys: Matrix, past_values: Matrix) -> Vector:
    query = linear(x, w["queries"])
    past_keys.append(linear(x, w["keys"]))
    past_values.append(linear(x, w["values"]))
    found: Vector = []
    for start in range(0, WIDTH, HEAD):
        part = slice(start, start + HEAD)
        scores = [sum(q * k for q, k in zip(query[part], key[part])) / HEAD**0.5 for key in past_keys]  # noqa: B905
        weights = softmax(scores)
        columns = zip(*(value[part] for value in past_values))  # noqa: B905
        found += [sum(weight * v for weight, v in zip(weights, column)) for column in columns]  # noqa: B905
    return linear(found, w["mix"])


def next_letter_loss(w: dict[str, Matrix], tokens: list[int]) -> Any:
    past_keys: Matrix = []
    past_values: Matrix = []
    losses = []
    for place in range(len(tokens) - 1):
        pairs = zip(w["letters"][tokens[place]], w["places"][place])  # noqa: B905
        x = rmsnorm([letter + where for letter, where in pairs])
        x = [a + b for a, b in zip(x, attention(rmsnorm(x), w, past_keys, past_values))]  # noqa: B905
        hidden = [h.relu() for h in linear(rmsnorm(x), w["widen"])]
        x = [a + b for a, b in zip(x, linear(hidden, w["narrow"]))]  # noqa: B905
        losses.append(-softmax(linear(x, w["unembed"]))[tokens[place + 1]].log())
    return sum(losses) * (1 / len(losses))


# --- the measurement


class Training:
    """The script with the Value of one module; the collector has Python's default settings unless changed."""

    def __init__(self, module: str, collect: bool) -> None:
        value: Any = import_module(module).Value
        chance = random.Random(42)
        self.weights = {
            name: [[value(chance.gauss(0.0, 0.08)) for _ in range(columns)] for _ in range(rows)]
            for name, (rows, columns) in SHAPES.items()
        }
        self.parameters = [p for matrix in self.weights.values() for row in matrix for p in row]
        if not collect:
            gc.disable()

    def step(self, tokens: list[int]) -> float:
        loss = next_letter_loss(self.weights, tokens)
        loss.backward()
        return float(loss.data)

    def answer(self, tokens: list[int]) -> list[float]:
        self.zero_grad()
        loss = self.step(tokens)
        return [loss, *(p.grad for p in self.parameters)]

    def zero_grad(self) -> None:
        for p in self.parameters:
            p.grad = 0.0

    def measure(self, tokens: list[int], steps: int) -> float:
        """Milliseconds for forward, backward and freeing the graph."""
        total = 0.0
        for _ in range(steps):
            self.zero_grad()
            start = perf_counter()
            self.step(tokens)
            total += perf_counter() - start
        return total / steps * 1e3

    def nodes(self, tokens: list[int]) -> int:
        from fastgrad import _core

        before = _core.memory()["live_nodes"]
        loss = next_letter_loss(self.weights, tokens)
        return int(_core.memory()["live_nodes"] - before) if loss else 0


def run(quick: bool) -> Report:
    report = Report("GPT step from scalars: embedding 16, 4 heads, 1 layer, context 16; forward + backward")
    rounds = 3 if quick else 7
    for tokens, title in ((NAME, "a name of 7 letters"), (FULL, "a full context of 16")):
        for collect in (True, False):
            variant = title if collect else f"{title}, garbage collector off"
            with contenders(Training, (OURS, collect), (OWN, collect)) as (ours, own):
                require_close(ours("answer", tokens), own("answer", tokens), "gpt: loss and gradients")
                nodes = ours("nodes", tokens)
                ours("measure", tokens, STEPS_PER_ROUND[OURS])
                own("measure", tokens, STEPS_PER_ROUND[OWN])
                fast, slow = [], []
                for _ in progress(rounds, f"gpt, {variant}"):
                    fast.append(ours("measure", tokens, STEPS_PER_ROUND[OURS]))
                    slow.append(own("measure", tokens, STEPS_PER_ROUND[OWN]))
            quotients = ratios(slow, fast)
            report.figures += [
                Figure(f"{variant}: own Value / fastgrad", quotients, "x", "at least" if collect else None, 50),
                Figure(f"{variant}: fastgrad, {nodes:,} nodes", fast, " ms"),
                Figure(f"{variant}: the script's own Value", slow, " ms"),
            ]
    return report
