"""An ODE's Runge-Kutta solution, differentiated by its parameters: a long chain of short expressions."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..comparison import FLOOR, Entry, Workload
from ..harness import Repeated
from ..peers import entries
from ..targets.captured_ode import LENGTH, RATES, START, TARGET, UNROLL, Jax, lotka_volterra


class ByHand(Repeated):
    """NumPy: Runge-Kutta for the state and its derivatives by the rates at once, as the columns of an array."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    @staticmethod
    def slope(state: Any) -> Any:
        a, b, c, d = RATES
        (x, *_), (y, *_) = state
        by_state = np.array([[a - b * y, -b * x], [d * y, d * x - c]])
        found = by_state @ state
        found[:, 0] = a * x - b * x * y, d * x * y - c * y
        found[:, 1:] += [[x, -x * y, 0.0, 0.0], [0.0, 0.0, -y, x * y]]
        return found

    def run(self) -> tuple[float, Any]:
        h, slope = LENGTH, self.slope
        state = np.zeros((2, 1 + len(RATES)))
        state[:, 0] = START
        for _ in range(self.steps):
            first = slope(state)
            second = slope(state + h / 2 * first)
            third = slope(state + h / 2 * second)
            fourth = slope(state + h * third)
            state = state + h / 6 * (first + 2 * second + 2 * third + fourth)
        miss = state[:, 0] - TARGET
        return float(miss @ miss), 2.0 * miss @ state[:, 1:]

    def answer(self) -> list[float]:
        loss, gradient = self.run()
        return [loss, *gradient]


WORKLOAD = Workload(
    name="ode",
    title="Lotka-Volterra: the gradient of Runge-Kutta steps",
    about=(
        "Prey and predators, by the classic method of the fourth order; a loss at the end, and its gradient by the "
        f"four rates. JAX: a `fori_loop` over the same step, unrolled by {UNROLL}. By hand: the derivatives by the "
        "rates are carried along with the state."
    ),
    sizes=[100, 1_000, 10_000],
    quick=[100],
    size="steps",
    unit="step",
    entries=[
        *entries(lotka_volterra, without=["JAX jit"]),
        Entry("JAX jit, loop", "jax", Jax),
        Entry("NumPy by hand", "numpy", ByHand, FLOOR),
    ],
)
