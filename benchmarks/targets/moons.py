"""micrograd's moons: one training step of `MLP(2, [16, 16, 1])`, fastgrad against micrograd."""

from __future__ import annotations

import gc
import math
import random
from importlib import import_module
from time import perf_counter
from typing import Any

from ..harness import Figure, Report, contenders, installed, progress, ratios, require_close

SAMPLES, NOISE, SEED = 100, 0.1, 1337
WIDTH, ALPHA = 16, 1e-4
STEPS_PER_ROUND = 20  # of fastgrad, for one of micrograd


def make_moons(count: int, noise: float, seed: int) -> tuple[list[list[float]], list[int]]:
    """Two interleaving half circles, with labels -1 and 1."""
    chance = random.Random(seed)
    points, labels = [], []
    for i in range(count):
        angle = math.pi * (i // 2) / (count // 2 - 1)
        outer = i % 2 == 0
        x, y = (math.cos(angle), math.sin(angle)) if outer else (1 - math.cos(angle), 0.5 - math.sin(angle))
        points.append([chance.gauss(x, noise), chance.gauss(y, noise)])
        labels.append(-1 if outer else 1)
    return points, labels


class Training:
    """The loop of micrograd's demo, with the engine and the network of one package."""

    def __init__(self, package: str, collect: bool, samples: int = SAMPLES, width: int = WIDTH) -> None:
        self.Value: Any = import_module(f"{package}.engine").Value
        random.seed(SEED)
        self.model: Any = import_module(f"{package}.nn").MLP(2, [width, width, 1])
        self.points, self.labels = make_moons(samples, NOISE, SEED)
        self.steps = 0
        if not collect:
            gc.disable()

    def loss(self) -> tuple[Any, float]:
        inputs = [list(map(self.Value, row)) for row in self.points]
        scores = list(map(self.model, inputs))

        losses = [(1 + -yi * score).relu() for yi, score in zip(self.labels, scores)]  # noqa: B905
        data_loss = sum(losses) * (1.0 / len(losses))
        reg_loss = ALPHA * sum(p * p for p in self.model.parameters())

        accuracy = [(yi > 0) == (score.data > 0) for yi, score in zip(self.labels, scores)]  # noqa: B905
        return data_loss + reg_loss, sum(accuracy) / len(accuracy)

    def step(self) -> None:
        # As in the demo's notebook, the last step's graph lives until this step's graph is built.
        self.total_loss, self.accuracy = self.loss()
        self.model.zero_grad()
        self.total_loss.backward()
        learning_rate = 1.0 - 0.9 * min(self.steps, 99) / 100
        for p in self.model.parameters():
            p.data -= learning_rate * p.grad
        self.steps += 1

    def answer(self) -> list[float]:
        """The loss and the gradients before the first step."""
        self.model.zero_grad()
        total_loss, _ = self.loss()
        total_loss.backward()
        return [total_loss.data, *(p.grad for p in self.model.parameters())]

    def measure(self, steps: int) -> float:
        """Milliseconds per step."""
        if not gc.isenabled():
            gc.collect()  # garbage of the last round: not part of this one
        start = perf_counter()
        for _ in range(steps):
            self.step()
        return (perf_counter() - start) / steps * 1e3

    def nodes(self) -> int:
        from fastgrad import _core

        before = _core.memory()["live_nodes"]
        graph = self.loss()
        return int(_core.memory()["live_nodes"] - before) if graph else 0


def run(quick: bool) -> Report:
    report = Report("Moons: a training step of micrograd's demo, `MLP(2, [16, 16, 1])`, 100 samples")
    if not installed("micrograd"):
        report.figures.append(Figure("fastgrad against micrograd", [], text="micrograd is not installed"))
        return report
    rounds = 3 if quick else 9
    for collect, title, limit in ((True, "as a user runs it", 800), (False, "garbage collector off", 25)):
        with contenders(Training, ("fastgrad", collect), ("micrograd", collect)) as (ours, theirs):
            require_close(ours("answer"), theirs("answer"), "moons: loss and gradients")
            nodes = ours("nodes")
            # The first step of micrograd finds no garbage from an earlier one.
            ours("measure", STEPS_PER_ROUND)
            theirs("measure", 1)
            fast, slow = [], []
            for _ in progress(rounds, f"moons, {title}"):
                fast.append(ours("measure", STEPS_PER_ROUND))
                slow.append(theirs("measure", 1))
        report.figures += [
            Figure(f"{title}: micrograd / fastgrad", ratios(slow, fast), "x", "at least", limit),
            Figure(f"{title}: fastgrad, {nodes:,} nodes", fast, " ms"),
            Figure(f"{title}: micrograd", slow, " ms"),
        ]
    return report
