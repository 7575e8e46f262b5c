"""The oracles for optimizers: their formulas in plain Python, and numbers computed by PyTorch.

`python tests/support/optimizers.py` prints a new table of those numbers; it needs torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from fastgrad import Value, _core, optim

STEPS = 100
START = (1.7, -0.4, 0.9, 2.6, -1.3)


def loss(xs: Sequence[Value]) -> Value:
    """Neither quadratic nor separable, with gradients that change sign and size on the way."""
    wells = sum((x**2 - 1.5) ** 2 / (3.0 + i) for i, x in enumerate(xs))
    return wells + sum((2.0 * x * y).sin() + (x - y).exp() * 0.05 for x, y in pairwise(xs))


def gradient(numbers: Sequence[float]) -> list[float]:
    xs = [Value(number) for number in numbers]
    loss(xs).backward()
    return [x.grad for x in xs]


@dataclass(frozen=True)
class Case:
    """An optimizer, and the result of PyTorch's optimizer of that name and settings after 100 steps from `START`."""

    optimizer: str
    settings: dict[str, Any]
    found: tuple[float, ...] = field(repr=False)

    def make(self, parameters: Sequence[Value]) -> optim.Optimizer:
        made: optim.Optimizer = getattr(optim, self.optimizer)(parameters, **self.settings)
        return made


def descend(xs: Sequence[Value], optimizer: optim.Optimizer, steps: int = STEPS) -> list[float]:
    """The parameters after some steps, made as a user makes them."""
    for _ in range(steps):
        optimizer.zero_grad()
        loss(xs).backward()
        optimizer.step()
    return [x.data for x in xs]


# ---- the formulas of PyTorch's documentation, for one parameter and the number t of the step

Memory = dict[str, float]  #: the state of a rule for one parameter, under PyTorch's names, in their order


def sgd(
    p: float, g: float, kept: Memory, t: int,
    lr: float, momentum: float = 0.0, dampening: float = 0.0, weight_decay: float = 0.0, nesterov: bool = False,
) -> float:  # fmt: skip
    if weight_decay != 0.0:
        g = g + weight_decay * p
    if momentum != 0.0:
        buffer = kept["momentum_buffer"] = g if t == 1 else momentum * kept["momentum_buffer"] + (1.0 - dampening) * g
        g = g + momentum * buffer if nesterov else buffer
    return p - lr * g


def adam(
    p: float, g: float, kept: Memory, t: int,
    lr: float, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0.0,
) -> float:  # fmt: skip
    if weight_decay != 0.0:
        g = g + weight_decay * p
    mean = kept["exp_avg"] = betas[0] * kept.get("exp_avg", 0.0) + (1.0 - betas[0]) * g
    square = kept["exp_avg_sq"] = betas[1] * kept.get("exp_avg_sq", 0.0) + (1.0 - betas[1]) * g * g
    size = lr / (1.0 - betas[0] ** t)
    return p - size * mean / (math.sqrt(square) / math.sqrt(1.0 - betas[1] ** t) + eps)


def adamw(p: float, g: float, kept: Memory, t: int, lr: float, weight_decay: float = 0.01, **settings: Any) -> float:
    return adam(p * (1.0 - lr * weight_decay), g, kept, t, lr, **settings)


def rmsprop(
    p: float, g: float, kept: Memory, t: int,
    lr: float, alpha: float = 0.99, eps: float = 1e-8, weight_decay: float = 0.0, momentum: float = 0.0,
    centered: bool = False,
) -> float:  # fmt: skip
    if weight_decay != 0.0:
        g = g + weight_decay * p
    variance = kept["square_avg"] = alpha * kept.get("square_avg", 0.0) + (1.0 - alpha) * g * g
    if centered:
        mean = kept["grad_avg"] = alpha * kept.get("grad_avg", 0.0) + (1.0 - alpha) * g
        variance = max(variance - mean * mean, 0.0)
    g = g / (math.sqrt(variance) + eps)
    if momentum != 0.0:
        g = kept["momentum_buffer"] = momentum * kept.get("momentum_buffer", 0.0) + g
    return p - lr * g


FORMULAS: dict[str, Callable[..., float]] = {"SGD": sgd, "Adam": adam, "AdamW": adamw, "RMSprop": rmsprop}


def descend_by_formula(case: Case, steps: int = STEPS) -> tuple[list[float], list[Memory]]:
    """The parameters after some steps, and the state for each."""
    numbers = list(START)
    kept: list[Memory] = [{} for _ in numbers]
    for t in range(1, steps + 1):
        gradients = gradient(numbers)
        numbers = [
            FORMULAS[case.optimizer](p, g, memory, t, **case.settings)
            for p, g, memory in zip(numbers, gradients, kept, strict=True)
        ]
    return numbers, kept


def descend_in_torch(torch: Any, case: Case) -> list[float]:
    p = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    optimizer = getattr(torch.optim, case.optimizer)([p], **case.settings)
    for _ in range(STEPS):
        p.grad = torch.tensor(gradient(p.tolist()), dtype=torch.float64)
        optimizer.step()
    return [float(number) for number in p.tolist()]


# ---- the table: computed by torch 2.13.0 on x86-64, in float64

CASES = {
    "SGD": Case(
        "SGD",
        {"lr": 0.02},
        (1.1448112887283797, -0.6794898618201863, 1.281851400102621, 1.7944291927805651, -1.7910449416569953),
    ),
    "SGD with weight decay": Case(
        "SGD",
        {"lr": 0.02, "weight_decay": 0.1},
        (1.1226684256128032, -0.6810297379592489, 1.2785450671379137, 1.7857466114780878, -1.7684748349373522),
    ),
    "SGD with momentum": Case(
        "SGD",
        {"lr": 0.005, "momentum": 0.9},
        (1.1740650127785834, -0.619359607428681, 1.4564030843835365, 1.4881401083280597, -0.525035674030062),
    ),
    "SGD, dampened": Case(
        "SGD",
        {"lr": 0.02, "momentum": 0.8, "dampening": 0.4, "weight_decay": 0.05},
        (1.1701677569791988, -0.6179263806879425, 1.4556065077712443, 1.4866497691306686, -0.5245991141793809),
    ),
    "SGD, Nesterov": Case(
        "SGD",
        {"lr": 0.005, "momentum": 0.9, "nesterov": True},
        (1.1809611481075697, -0.6164301319450848, 1.4598102671971938, 1.490212642514779, -0.52440680198172),
    ),
    "SGD, Nesterov, weight decay": Case(
        "SGD",
        {"lr": 0.01, "momentum": 0.7, "nesterov": True, "weight_decay": 0.2},
        (1.1350525587336109, -0.622090601454893, 1.4430955199195283, 1.4774732080435184, -0.5193210590908822),
    ),
    "Adam": Case(
        "Adam",
        {"lr": 0.03},
        (1.1383380460726535, -0.6822566132658668, 1.2791422081457138, 1.7983169414972326, -1.7901518765879327),
    ),
    "Adam with weight decay": Case(
        "Adam",
        {"lr": 0.03, "weight_decay": 0.3},
        (1.1243930696744253, -0.6144839427198141, 1.453427194669816, 1.4406481058625058, -0.5245811841599808),
    ),
    "Adam with betas and eps": Case(
        "Adam",
        {"lr": 0.01, "betas": (0.3, 0.95), "eps": 0.001},
        (1.1393545373610072, -0.6960001783805394, 1.2371947221731168, 1.8753413553202793, -1.7630870464582997),
    ),
    "Adam without a mean": Case(
        "Adam",
        {"lr": 0.01, "betas": (0.0, 0.99)},
        (1.1687792426758359, -0.6952553167133247, 1.2080216603899747, 1.9330902289522502, -1.7329499871811003),
    ),
    "AdamW": Case(
        "AdamW",
        {"lr": 0.03},
        (1.1367598175542224, -0.681798073785491, 1.281487947551764, 1.7936784559408125, -1.7909764175472809),
    ),
    "AdamW with weight decay": Case(
        "AdamW",
        {"lr": 0.03, "weight_decay": 0.5, "betas": (0.8, 0.99)},
        (1.1005874515216654, -0.6328228262101514, 1.4255807377681071, 1.3689221663939242, -0.5410965626275349),
    ),
    "AdamW without weight decay": Case(
        "AdamW",
        {"lr": 0.03, "weight_decay": 0.0},
        (1.1383380460726535, -0.6822566132658668, 1.2791422081457138, 1.7983169414972326, -1.7901518765879327),
    ),
    "AdamW with betas and eps": Case(  # PyTorch's Adam and AdamW are the same without weight decay
        "AdamW",
        {"lr": 0.01, "betas": (0.3, 0.95), "eps": 0.001, "weight_decay": 0.0},
        (1.1393545373610072, -0.6960001783805394, 1.2371947221731168, 1.8753413553202793, -1.7630870464582997),
    ),
    "RMSprop": Case(
        "RMSprop",
        {"lr": 0.01},
        (1.1437767542322712, -0.6803544914848919, 1.2803367811626025, 1.7968931422934964, -1.79045665326724),
    ),
    "RMSprop with weight decay": Case(
        "RMSprop",
        {"lr": 0.01, "alpha": 0.98, "weight_decay": 0.2, "eps": 0.0001},
        (1.097047403631467, -0.6867713169711065, 1.2655427662098986, 1.7941828945188174, -1.7412011824958864),
    ),
    "RMSprop with momentum": Case(
        "RMSprop",
        {"lr": 0.003, "momentum": 0.8},
        (1.1446959259398406, -0.6795531628987698, 1.2818143399616269, 1.79446121338396, -1.7910354605159426),
    ),
    "RMSprop, centered": Case(
        "RMSprop",
        {"lr": 0.005, "centered": True},
        (1.1441927372879517, -0.692801212533208, 1.2432201083502452, 1.863721777997704, -1.7667857821331223),
    ),
    "RMSprop, centered, with all": Case(
        "RMSprop",
        {"lr": 0.002, "alpha": 0.95, "centered": True, "momentum": 0.6, "weight_decay": 0.1, "eps": 1e-06},
        (1.126713133428653, -0.6903697089739851, 1.2472415575789986, 1.8434498099372176, -1.7569612242850885),
    ),
}


def untested(rule: _core.Rule) -> str:
    """What a rule of csrc/core/rules.cpp still lacks: a class in fastgrad.optim, a formula, or cases here."""
    settings = [name for case in CASES.values() if case.optimizer == rule.name for name in case.settings]
    needs = {
        f"a class {rule.name} in fastgrad.optim": hasattr(optim, rule.name),
        f"{rule.name} in FORMULAS": rule.name in FORMULAS,
        f"a case named {rule.name}": rule.name in CASES,
        **{f"a case of {rule.name} that sets {name}": name in settings for name in rule.settings},
    }
    return ", ".join(need for need, is_there in needs.items() if not is_there)


if __name__ == "__main__":
    import torch

    for name, case in CASES.items():
        print(f"{name}: {tuple(descend_in_torch(torch, case))}")
