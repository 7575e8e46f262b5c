"""A whole training step of the GPT in the examples, with Adam: native against pure Python."""

from __future__ import annotations

import gc
from importlib import import_module
from typing import Any

from ..harness import Bound, Entrant, Figure, Repeated, Report, race, ratios
from .adam import PythonAdam
from .gpt import FULL, NAME

RATE, BETAS, EPS = 0.01, (0.85, 0.99), 1e-8
TOKENS = 27
# The pure-Python engine makes few steps a round: each takes as long as hundreds or thousands of the others.
RUNS = {"fastgrad.reference": 2, "eager": 20, "jit": 500}
TARGETS = {"eager": 100.0, "jit": 1000.0}
CHECKED_STEPS = 3


class Training(Repeated):
    """The model of `examples/gpt.py` on one engine; a run is one step on the same name."""

    def __init__(self, contender: str, tokens: list[int], collect: bool) -> None:
        if not collect:
            gc.disable()
        gpt = import_module("fastgrad.examples.gpt")
        pure = contender == "fastgrad.reference"
        self.model: Any = gpt.GPT(import_module(contender if pure else "fastgrad"), TOKENS, seed=42)
        self.name = tokens
        self.loss: Any = self.model.loss
        if contender == "jit":
            self.loss = import_module("fastgrad").jit(self.model.loss)
            self.name = gpt.one_hot(tokens, TOKENS)
        parameters = self.model.parameters()
        if pure:
            self.optimizer: Any = PythonAdam(parameters, RATE, BETAS, EPS)
        else:
            self.optimizer = import_module("fastgrad.optim").Adam(parameters, lr=RATE, betas=BETAS, eps=EPS)

    def run(self) -> float:
        loss = self.loss(self.name)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return float(loss.data)

    def answer(self) -> list[float]:
        """The losses of the first steps, and the parameters after them."""
        losses = [self.run() for _ in range(CHECKED_STEPS)]
        return [*losses, *(p.data for p in self.model.parameters())]


def run(quick: bool) -> Report:
    report = Report("Training: a step of `examples/gpt.py` with Adam, forward, backward and update")
    for tokens, title in ((NAME, "a name of 7 letters"), (FULL, "a full context of 16")):
        expected = Training("eager", tokens, True).answer()
        for collect in (True, False):
            about = title if collect else f"{title}, garbage collector off"
            bound: Bound = "at least" if collect else None
            entrants = {name: Entrant(Training, (name, tokens, collect), runs) for name, runs in RUNS.items()}
            costs = race(entrants, expected, 3 if quick else 7, f"training, {about}")
            for name, target in TARGETS.items():
                faster = ratios(costs["fastgrad.reference"], costs[name])
                report.figures.append(Figure(f"{about}: fastgrad.reference / {name}", faster, "x", bound, target))
            for name, cost in costs.items():
                report.figures.append(Figure(f"{about}: {name}", [each / 1e3 for each in cost], " ms"))
    return report
