"""The tables of learning-rate schedules: how each is created, its formula, and numbers computed by PyTorch.

`python tests/support/schedules.py` prints new tables of those numbers; it needs torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from fastgrad import Value, optim
from support.optimizers import START, gradient

LR = 0.2
EPOCHS = 60


def optimizer(lr: float = LR) -> optim.Optimizer:
    return optim.SGD([Value(1.0)], lr=lr)


def warm_up(module: Any, o: Any) -> Any:
    first, second = module.LinearLR(o, 0.1, total_iters=8), module.CosineAnnealingLR(o, 30, eta_min=0.01)
    return module.SequentialLR(o, [first, second], milestones=[8])


def three_in_a_row(module: Any, o: Any) -> Any:
    schedules = [
        module.ConstantLR(o, 0.5, 3),
        module.StepLR(o, 4, 0.5),
        module.LambdaLR(o, lambda e: 1.0 / (1.0 + e)),
    ]
    return module.SequentialLR(o, schedules, milestones=[5, 20])


def half_cosines(e: int, epochs: Sequence[float], rates: Sequence[float]) -> float:
    """Half cosines from rate to rate; the epochs are those of the rates."""
    way = float(np.interp(e, epochs, range(len(epochs))))
    before = min(int(way), len(rates) - 2)
    low, high = rates[before], rates[before + 1]
    return (low + high) / 2.0 + (low - high) / 2.0 * math.cos(math.pi * (way - before))


#: How to create a schedule, from fastgrad's or PyTorch's module, and its formula.
SCHEDULES: dict[str, tuple[Callable[[Any, Any], Any], Callable[[int], float]]] = {
    "cosine": (
        lambda m, o: m.CosineAnnealingLR(o, T_max=20),
        lambda e: LR * (1.0 + math.cos(math.pi * e / 20)) / 2.0,
    ),
    "cosine to a minimum": (
        lambda m, o: m.CosineAnnealingLR(o, 13, eta_min=0.05),
        lambda e: 0.05 + 0.15 * (1.0 + math.cos(math.pi * e / 13)) / 2.0,
    ),
    "linear": (lambda m, o: m.LinearLR(o), lambda e: LR * (1.0 + 2.0 * min(e, 5) / 5.0) / 3.0),
    "linear, down": (lambda m, o: m.LinearLR(o, 1.0, 0.25, 40), lambda e: LR * (1.0 - 0.75 * min(e, 40) / 40.0)),
    "linear, to 0": (lambda m, o: m.LinearLR(o, 0.5, 0.0, 10), lambda e: LR * 0.5 * (1.0 - min(e, 10) / 10.0)),
    "constant": (lambda m, o: m.ConstantLR(o, 0.5, 7), lambda e: 0.1 if e < 7 else LR),
    "steps": (lambda m, o: m.StepLR(o, 15, gamma=0.3), lambda e: LR * 0.3 ** (e // 15)),
    "function": (lambda m, o: m.LambdaLR(o, lambda e: 0.95**e), lambda e: LR * 0.95**e),
    "exponential": (lambda m, o: m.ExponentialLR(o, gamma=0.95), lambda e: LR * math.exp(e * math.log(0.95))),
    "exponential, at once": (lambda m, o: m.ExponentialLR(o, 0.0), lambda e: 0.0 if e else LR),
    "milestones": (
        lambda m, o: m.MultiStepLR(o, [45, 7, 20, 7], gamma=0.5),
        lambda e: LR if e < 7 else LR / 4 if e < 20 else LR / 8 if e < 45 else LR / 16,
    ),
    "milestone at 0": (lambda m, o: m.MultiStepLR(o, milestones=[0, 60]), lambda e: LR / 10 if e < 60 else LR / 100),
    "no milestones": (lambda m, o: m.MultiStepLR(o, []), lambda e: LR),
    "restarts": (
        lambda m, o: m.CosineAnnealingWarmRestarts(o, T_0=10),
        lambda e: LR * (1.0 + math.cos(math.pi * (e % 10) / 10)) / 2.0,
    ),
    "ever rarer restarts": (  # at 0, 3, 9, 21 and 45
        lambda m, o: m.CosineAnnealingWarmRestarts(o, 3, 2, eta_min=0.02),
        lambda e: next(
            0.02 + 0.18 * (1.0 + math.cos(math.pi * (e - start) / (start + 3))) / 2.0
            for start in (45, 21, 9, 3, 0)
            if e >= start
        ),
    ),
    "one cycle": (
        lambda m, o: m.OneCycleLR(o, max_lr=0.5, total_steps=80),
        lambda e: half_cosines(e, [0, 23, 79], [0.02, 0.5, 2e-6]),
    ),
    "one cycle of lines": (
        lambda m, o: m.OneCycleLR(
            o,
            0.5,
            epochs=10,
            steps_per_epoch=8,
            pct_start=0.25,
            anneal_strategy="linear",
            cycle_momentum=False,
            div_factor=10.0,
            final_div_factor=100.0,
        ),
        lambda e: float(np.interp(e, [0, 19, 79], [0.05, 0.5, 0.0005])),
    ),
    "one cycle in three phases": (
        lambda m, o: m.OneCycleLR(o, 0.4, 80, three_phase=True, pct_start=0.4),
        lambda e: half_cosines(e, [0, 31, 62, 79], [0.016, 0.4, 0.016, 1.6e-6]),
    ),
    "one cycle without a rise": (
        lambda m, o: m.OneCycleLR(o, 0.4, 80, pct_start=0.0),
        lambda e: half_cosines(e, [-1, 79], [0.4, 1.6e-6]),
    ),
    "warm-up, then cosine": (
        warm_up,
        lambda e: (
            LR * (0.1 + 0.9 * e / 8.0) if e < 8 else 0.01 + 0.19 * (1.0 + math.cos(math.pi * (e - 8) / 30)) / 2.0
        ),
    ),
    "three in a row": (
        three_in_a_row,
        lambda e: LR * (0.5 if e < 3 else 1.0 if e < 5 else 0.5 ** ((e - 5) // 4) if e < 20 else 1.0 / (e - 19)),
    ),
}
every_schedule = pytest.mark.parametrize("name", SCHEDULES)

#: The learning rate of some epochs, computed by torch 2.13.0.
FOUND: dict[str, dict[int, float]] = {
    "cosine": {0: 0.2, 7: 0.1453990499739547, 20: 0.0, 21: 0.001231165940486223, 60: 0.0},
    "cosine to a minimum": {
        0: 0.2,
        7: 0.1159597489808508,
        20: 0.13404025101914946,
        21: 0.15159536652819044,
        60: 0.0984046334718098,
    },
    "linear": {0: 0.06666666666666667, 7: 0.2, 20: 0.2, 21: 0.2, 60: 0.2},
    "linear, down": {0: 0.2, 7: 0.17375, 20: 0.12499999999999994, 21: 0.12124999999999994, 60: 0.04999999999999996},
    "linear, to 0": {0: 0.1, 7: 0.030000000000000006, 20: 0.0, 21: 0.0, 60: 0.0},
    "constant": {0: 0.1, 7: 0.2, 20: 0.2, 21: 0.2, 60: 0.2},
    "steps": {0: 0.2, 7: 0.2, 20: 0.06, 21: 0.06, 60: 0.0016199999999999997},
    "function": {
        0: 0.2,
        7: 0.13966745921874996,
        20: 0.07169718448170838,
        21: 0.06811232525762297,
        60: 0.009213959797390389,
    },
    "exponential": {
        0: 0.2,
        7: 0.13966745921874996,
        20: 0.07169718448170839,
        21: 0.06811232525762297,
        60: 0.009213959797390385,
    },
    "exponential, at once": {0: 0.2, 7: 0.0, 20: 0.0, 21: 0.0, 60: 0.0},
    "milestones": {0: 0.2, 7: 0.05, 20: 0.025, 21: 0.025, 60: 0.0125},
    "milestone at 0": {
        0: 0.020000000000000004,
        7: 0.020000000000000004,
        20: 0.020000000000000004,
        21: 0.020000000000000004,
        60: 0.0020000000000000005,
    },
    "no milestones": {0: 0.2, 7: 0.2, 20: 0.2, 21: 0.2, 60: 0.2},
    "restarts": {0: 0.2, 7: 0.0412214747707527, 20: 0.2, 21: 0.19510565162951538, 60: 0.2},
    "ever rarer restarts": {
        0: 0.2,
        7: 0.06500000000000003,
        20: 0.023066675633983864,
        21: 0.2,
        60: 0.16000132097176423,
    },
    "one cycle": {
        0: 0.020000000000000018,
        7: 0.12159672269243188,
        20: 0.48013071236130866,
        21: 0.4911001489634718,
        60: 0.12907176194257716,
    },
    "one cycle of lines": {0: 0.05, 7: 0.21578947368421053, 20: 0.491675, 21: 0.48335, 60: 0.158675},
    "one cycle in three phases": {
        0: 0.016000000000000014,
        7: 0.06231844044298418,
        20: 0.2925556770990658,
        21: 0.30956108998277676,
        60: 0.01993025127952106,
    },
    "one cycle without a rise": {
        0: 0.39984580786491564,
        7: 0.3902113424138177,
        20: 0.33576040606599195,
        21: 0.32988989010759806,
        60: 0.053136885570870485,
    },
    "warm-up, then cosine": {
        0: 0.020000000000000004,
        7: 0.17750000000000005,
        20: 0.13435661446562,
        21: 0.12475161062768712,
        60: 0.16856740760409497,
    },
    "three in a row": {0: 0.1, 7: 0.2, 20: 0.2, 21: 0.1, 60: 0.004878048780487806},
}


# ---- schedules that set or need more than a learning rate


@dataclass(frozen=True)
class Momenta:
    """A schedule of an optimizer's momentum: PyTorch's numbers in some epochs, and parameters at the end."""

    optimizer: str
    settings: dict[str, Any]  #: of the optimizer
    cycle: dict[str, Any]  #: of the schedule
    found: dict[int, float] = field(repr=False)
    trained: tuple[float, ...] = field(repr=False)

    def train(self, module: Any, parameters: Any, gradients: Callable[[], None], steps: int = 40) -> list[float]:
        """Train with `gradients` instead of a backward pass, and return the momentum of each epoch."""
        o = getattr(module, self.optimizer)(parameters, **self.settings)
        schedule = getattr(module, "lr_scheduler", module).OneCycleLR(o, 0.05, total_steps=40, **self.cycle)
        momenta = [momentum_of(o)]
        for _ in range(steps):
            gradients()
            o.step()
            schedule.step()
            momenta.append(momentum_of(o))
        return momenta


def momentum_of(o: Any) -> float:
    """The momentum, or the first of the betas, of an optimizer of fastgrad or PyTorch."""
    settings = o.param_groups[0] if hasattr(o, "param_groups") else o._settings()
    return float(settings["betas"][0] if "betas" in settings else settings["momentum"])


def train_here(case: Momenta) -> tuple[list[float], list[float]]:
    xs = [Value(number) for number in START]

    def gradients() -> None:
        for x, g in zip(xs, gradient([x.data for x in xs]), strict=True):
            x.grad = g

    return case.train(optim, xs, gradients), [x.data for x in xs]


def train_in_torch(torch: Any, case: Momenta) -> tuple[list[float], list[float]]:
    p = torch.tensor(START, dtype=torch.float64, requires_grad=True)

    def gradients() -> None:
        p.grad = torch.tensor(gradient(p.tolist()), dtype=torch.float64)

    return case.train(torch.optim, [p], gradients), p.tolist()


#: Computed by torch 2.13.0, in float64.
MOMENTA: dict[str, Momenta] = {
    "SGD": Momenta(
        "SGD",
        {"lr": 0.1, "momentum": 0.5},
        {},
        {0: 0.95, 5: 0.9071157419136642, 11: 0.85, 12: 0.8503143895053379, 30: 0.9266016038257667, 39: 0.95},
        (0.9417770072642905, -1.0734240830990205, 0.6230590703709086, -1.5175042681800845, -1.4258184101819076),
    ),
    "SGD without momentum": Momenta(
        "SGD",
        {},
        {"anneal_strategy": "linear"},
        {0: 0.95, 5: 0.9045454545454545, 11: 0.85, 12: 0.8535714285714285, 30: 0.9178571428571428, 39: 0.95},
        (0.7895020339156442, -1.0512292784796766, 0.6149864893811169, -1.5331685909912056, -1.457511221835481),
    ),
    "SGD, Nesterov": Momenta(
        "SGD",
        {"lr": 0.1, "momentum": 0.5, "nesterov": True},
        {"three_phase": True, "pct_start": 0.4},
        {0: 0.95, 5: 0.9249999999999999, 11: 0.8665434696820571, 12: 0.8595491502812526, 30: 0.95, 39: 0.95},
        (0.8896362032948466, -1.0217214894703024, 0.6632828129893081, -1.3697291602638493, -1.5951369129857038),
    ),
    "Adam": Momenta(
        "Adam",
        {"betas": (0.5, 0.99)},
        {},
        {0: 0.95, 5: 0.9071157419136642, 11: 0.85, 12: 0.8503143895053379, 30: 0.9266016038257667, 39: 0.95},
        (1.0742529085569226, -0.7212333022388875, 1.2238679621469875, 1.8808596307230623, -1.7576983168435003),
    ),
    "AdamW": Momenta(
        "AdamW",
        {},
        {"base_momentum": 0.5, "max_momentum": 0.9},
        {0: 0.9, 5: 0.728462967654657, 11: 0.5, 12: 0.5012575580213514, 30: 0.8064064153030673, 39: 0.9},
        (1.1741778998476486, -0.6950737236699651, 1.2012450892789477, 1.9425075708681572, -1.722525079141789),
    ),
    "RMSprop": Momenta(
        "RMSprop",
        {},
        {"max_momentum": 0.6, "base_momentum": 0.3},
        {0: 0.6, 5: 0.47134722574099275, 11: 0.3, 12: 0.3009431685160136, 30: 0.5298048114773004, 39: 0.6},
        (1.1446984304336978, -0.6795506205560007, 1.281817621166464, 1.7944561482340702, -1.7910359263128006),
    ),
}
every_momentum = pytest.mark.parametrize("name", MOMENTA)


@dataclass(frozen=True)
class Plateau:
    """The settings of a schedule that follows a metric, the metrics, and the learning rates that PyTorch found."""

    settings: dict[str, Any]
    metrics: tuple[float, ...]
    found: tuple[float, ...] = field(repr=False)

    def rates(self, module: Any, o: Any, lr: Callable[[], float]) -> list[float]:
        schedule = module.ReduceLROnPlateau(o, **self.settings)
        found = []
        for metric in self.metrics:
            schedule.step(metric)
            found.append(lr())
        return found


#: Computed by torch 2.13.0.
PLATEAUS: dict[str, Plateau] = {
    "defaults": Plateau(
        {},
        (1.0,) * 30,
        (
            0.2,
            0.2,
            0.2,
            0.2,
            0.2,
            0.2,
            0.2,
            0.2,
            0.2,
            0.2,
            0.2,
            0.020000000000000004,
            0.020000000000000004,
            0.020000000000000004,
            0.020000000000000004,
            0.020000000000000004,
            0.020000000000000004,
            0.020000000000000004,
            0.020000000000000004,
            0.020000000000000004,
            0.020000000000000004,
            0.020000000000000004,
            0.0020000000000000005,
            0.0020000000000000005,
            0.0020000000000000005,
            0.0020000000000000005,
            0.0020000000000000005,
            0.0020000000000000005,
            0.0020000000000000005,
            0.0020000000000000005,
        ),
    ),
    "every kind of epoch": Plateau(
        {"patience": 2, "factor": 0.5},
        (1.0, 0.9, 0.9, 0.95, 0.91, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8),
        (0.2, 0.2, 0.2, 0.2, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.025, 0.025, 0.025, 0.0125),
    ),
    "no patience": Plateau(
        {"patience": 0, "factor": 0.5}, (3.0, 2.0, 2.0, 2.0, 1.0, 1.5), (0.2, 0.2, 0.1, 0.05, 0.05, 0.025)
    ),
    "cooldown": Plateau(
        {"patience": 1, "factor": 0.5, "cooldown": 2},
        (1.0, 0.9, 0.9, 0.95, 0.91, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8),
        (0.2, 0.2, 0.2, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05, 0.025, 0.025, 0.025, 0.025),
    ),
    "lowest rate": Plateau({"patience": 0, "min_lr": 0.03}, (1.0, 1.0, 1.0, 1.0), (0.2, 0.03, 0.03, 0.03)),
    "reductions too small": Plateau(
        {"patience": 0, "factor": 0.9, "eps": 0.0195},
        (1.0, 1.0, 1.0, 1.0),
        (0.2, 0.18000000000000002, 0.18000000000000002, 0.18000000000000002),
    ),
    "to be maximized": Plateau(
        {"mode": "max", "patience": 1, "factor": 0.5},
        (0.1, 0.3, 0.3, 0.2, 0.4, 0.4, 0.4, 0.4),
        (0.2, 0.2, 0.2, 0.1, 0.1, 0.1, 0.05, 0.05),
    ),
    "relative threshold": Plateau(
        {"patience": 0, "threshold": 0.1},
        (1.0, 0.91, 0.9, 0.89, 0.5),
        (0.2, 0.020000000000000004, 0.0020000000000000005, 0.0020000000000000005, 0.0020000000000000005),
    ),
    "absolute threshold": Plateau(
        {"patience": 0, "threshold": 0.25, "threshold_mode": "abs"},
        (1.0, 0.75, 0.7, 0.5, 0.25),
        (0.2, 0.020000000000000004, 0.020000000000000004, 0.0020000000000000005, 0.0020000000000000005),
    ),
    "absolute threshold, to be maximized": Plateau(
        {"mode": "max", "patience": 0, "threshold": 0.25, "threshold_mode": "abs"},
        (-1.0, -0.75, -0.5, -0.25, 0.5),
        (0.2, 0.020000000000000004, 0.020000000000000004, 0.0020000000000000005, 0.0020000000000000005),
    ),
    "negative metrics": Plateau({"patience": 0, "threshold": 0.1}, (-1.0, -0.95, -1.05, -1.2), (0.2, 0.2, 0.2, 0.2)),
    "nan and inf": Plateau(
        {"patience": 1, "factor": 0.5},
        (math.nan, math.inf, 1.0, math.nan, -math.inf, -math.inf, -math.inf),
        (0.2, 0.1, 0.1, 0.1, 0.1, 0.1, 0.05),
    ),
    "to 0": Plateau({"patience": 0, "factor": 0.0, "eps": 0.0}, (1.0, 1.0, 1.0), (0.2, 0.0, 0.0)),
}
every_plateau = pytest.mark.parametrize("name", PLATEAUS)


if __name__ == "__main__":
    import warnings

    import torch

    warnings.simplefilter("ignore")

    def in_torch() -> tuple[Any, Callable[[], float]]:
        o = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=LR)
        return o, lambda: float(o.param_groups[0]["lr"])

    for name, (make, _) in SCHEDULES.items():
        o, lr = in_torch()
        schedule = make(torch.optim.lr_scheduler, o)
        rates = [lr()]
        for _ in range(EPOCHS):
            schedule.step()
            rates.append(lr())
        print(f"{name!r}: { {epoch: rates[epoch] for epoch in (0, 7, 20, 21, 60)} },")
    for name, case in MOMENTA.items():
        momenta, trained = train_in_torch(torch, case)
        print(f"{name!r}: { {e: momenta[e] for e in (0, 5, 11, 12, 30, 39)} }, {tuple(trained)}")
    for name, plateau in PLATEAUS.items():
        print(f"{name!r}: {tuple(plateau.rates(torch.optim.lr_scheduler, *in_torch()))}")
