"""The table of learning-rate schedules: how each is created, its formula, and numbers computed by PyTorch."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from fastgrad import Value, optim

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
    "warm-up, then cosine": {
        0: 0.020000000000000004,
        7: 0.17750000000000005,
        20: 0.13435661446562,
        21: 0.12475161062768712,
        60: 0.16856740760409497,
    },
    "three in a row": {0: 0.1, 7: 0.2, 20: 0.2, 21: 0.1, 60: 0.004878048780487806},
}
