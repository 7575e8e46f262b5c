"""An optimizer step over the GPT's 4,192 parameters: native, in Python over the same leaves, and PyTorch's."""

from __future__ import annotations

import random
from collections.abc import Callable
from importlib import import_module
from math import sqrt
from typing import Any

from fastgrad import Value, optim

from ..harness import Entrant, Figure, Peer, Repeated, Report, race, race_peers
from .adam import PythonAdam
from .gpt import SHAPES

PARAMETERS = sum(rows * columns for rows, columns in SHAPES.values())
LR, BETAS, EPS = 1e-3, (0.9, 0.999), 1e-8


def numbers(seed: int) -> list[float]:
    chance = random.Random(seed)
    return [chance.gauss(0.0, 1.0) for _ in range(PARAMETERS)]


def leaves() -> list[Value]:
    """The parameters, each with a fixed gradient."""
    values = [Value(number) for number in numbers(1)]
    for value, gradient in zip(values, numbers(2), strict=True):
        value.grad = gradient
    return values


class OverLeaves(Repeated):
    """Steps over Values; the answer is the parameters after the first step."""

    def __init__(self) -> None:
        self.leaves = leaves()

    def answer(self) -> list[float]:
        self.run()
        return [leaf.data for leaf in self.leaves]


class Native(OverLeaves):
    """One of fastgrad's optimizers."""

    def __init__(self, name: str, settings: dict[str, Any]) -> None:
        super().__init__()
        self.run = getattr(optim, name)(self.leaves, **settings).step


class Written(OverLeaves):
    """Adam as a user writes it: a loop over the leaves."""

    def __init__(self) -> None:
        super().__init__()
        self.run = PythonAdam(self.leaves, LR, BETAS, EPS).step


class Torch(Repeated):
    """PyTorch's Adam over one float64 tensor with all parameters, on one thread; `fused` is its fastest."""

    def __init__(self, fused: bool) -> None:
        torch = import_module("torch")
        torch.set_num_threads(1)
        self.tensor = torch.tensor(numbers(1), dtype=torch.float64, requires_grad=True)
        self.tensor.grad = torch.tensor(numbers(2), dtype=torch.float64)
        self.run = torch.optim.Adam([self.tensor], lr=LR, betas=BETAS, eps=EPS, fused=fused).step

    def answer(self) -> list[float]:
        self.run()
        found: list[float] = self.tensor.tolist()
        return found


def first_step_of_adam(p: float, g: float) -> float:
    return p - LR * g / (abs(g) + EPS)


PEERS = {
    "Adam in Python, over the same leaves": Peer("fastgrad", Entrant(Written, (), 10), None),
    "PyTorch's Adam, one tensor": Peer("torch", Entrant(Torch, (False,), 200), None),
    "PyTorch's Adam, one tensor, fused": Peer("torch", Entrant(Torch, (True,), 200), None),
}

Rule = tuple[str, dict[str, Any], Callable[[float, float], float]]
# The optimizer, its settings, and the result of a first step from p with the gradient g.
OTHERS: dict[str, Rule] = {
    "SGD": ("SGD", {"lr": LR}, lambda p, g: p - LR * g),
    "SGD, Nesterov, weight decay": (
        "SGD",
        {"lr": LR, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
        lambda p, g: p - LR * 1.9 * (g + 0.01 * p),
    ),
    "AdamW": ("AdamW", {"lr": LR}, lambda p, g: first_step_of_adam(p * (1.0 - 0.01 * LR), g)),
    "RMSprop": ("RMSprop", {"lr": LR}, lambda p, g: p - LR * g / (0.1 * abs(g) + EPS)),
    "RMSprop, centered, momentum": (
        "RMSprop",
        {"lr": LR, "centered": True, "momentum": 0.9},
        lambda p, g: p - LR * g / (sqrt(0.0099) * abs(g) + EPS),
    ),
}


def run(quick: bool) -> Report:
    report = Report(f"Optimizers: a step over {PARAMETERS:,} parameters")
    rounds = 9 if quick else 31

    def led_to(step: Callable[[float, float], float]) -> list[float]:
        return [step(p, g) for p, g in zip(numbers(1), numbers(2), strict=True)]

    adam, title = Entrant(Native, ("Adam", {"lr": LR}), 1000), f"step of Adam over {PARAMETERS:,} parameters"
    ratios_and_times = race_peers(adam, PEERS, led_to(first_step_of_adam), rounds, title)
    for figure in ratios_and_times:
        is_ours = figure.name == "fastgrad"
        report.figures.append(Figure(title, figure.rounds, " us", "at most", 60.0) if is_ours else figure)
    for name, (optimizer, settings, step) in OTHERS.items():
        entrant = Entrant(Native, (optimizer, settings), 1000)
        costs = race({name: entrant}, led_to(step), rounds, name)
        report.figures.append(Figure(f"step of {name}", costs[name], " us"))
    return report
