"""The tables of initializers: random ones, and those that return one number."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from fastgrad.nn import init

NIN, NOUT = 300, 200

#: Each with the formula of its variance for NIN inputs and NOUT outputs, and of its bound, if it has one.
DRAWN: dict[str, tuple[Any, float, float | None]] = {
    "uniform": (init.uniform, 1 / 3, 1.0),
    "uniform in [2, 5)": (partial(init.uniform, low=2.0, high=5.0), 9 / 12, 5.0),
    "normal": (init.normal, 1.0, None),
    "normal around 3": (partial(init.normal, mean=3.0, std=0.02), 0.02**2, None),
    "xavier_uniform": (init.xavier_uniform, 2 / (NIN + NOUT), math.sqrt(6 / (NIN + NOUT))),
    "xavier_uniform for tanh": (
        partial(init.xavier_uniform, gain=5 / 3),
        (5 / 3) ** 2 * 2 / (NIN + NOUT),
        5 / 3 * math.sqrt(6 / (NIN + NOUT)),
    ),
    "xavier_normal": (init.xavier_normal, 2 / (NIN + NOUT), None),
    "xavier_normal for tanh": (partial(init.xavier_normal, gain=5 / 3), (5 / 3) ** 2 * 2 / (NIN + NOUT), None),
    "he_uniform": (init.he_uniform, 2 / NIN, math.sqrt(6 / NIN)),
    "he_uniform, fan_out": (partial(init.he_uniform, mode="fan_out"), 2 / NOUT, math.sqrt(6 / NOUT)),
    "he_normal": (init.he_normal, 2 / NIN, None),
    "he_normal, fan_out": (partial(init.he_normal, mode="fan_out"), 2 / NOUT, None),
    "he_normal, leaky": (partial(init.he_normal, negative_slope=0.2), 2 / (1.04 * NIN), None),
}

#: Each with its number.
CONSTANTS: dict[str, tuple[Any, float]] = {
    "zeros": (init.zeros, 0.0),
    "ones": (init.ones, 1.0),
    "constant": (partial(init.constant, value=0.3), 0.3),
}
