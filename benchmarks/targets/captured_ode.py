"""The gradient of an ODE's solution in its parameters, from plain scalar Python: against CasADi and JAX."""

from __future__ import annotations

from typing import Any

from ..harness import Entrant, Peer, Repeated, Report, jax_in_float64, race_peers
from ..peers import Captured, Casadi, Fastgrad, Program

STEPS, LENGTH = 1000, 0.01
RATES = (1.5, 1.0, 3.0, 1.0)
START, TARGET = (1.0, 1.0), (2.0, 0.5)
UNROLL = 4  # for JAX's loop: its fastest of 1, 2, 4 and 8


# --- the program, for any kind of rates


def slope(x: Any, y: Any, rates: Any) -> tuple[Any, Any]:
    """Lotka and Volterra: prey and predators."""
    a, b, c, d = rates
    return a * x - b * x * y, d * x * y - c * y


def step(x: Any, y: Any, rates: Any) -> tuple[Any, Any]:
    """Runge and Kutta, of the fourth order."""
    h = LENGTH
    x1, y1 = slope(x, y, rates)
    x2, y2 = slope(x + h / 2 * x1, y + h / 2 * y1, rates)
    x3, y3 = slope(x + h / 2 * x2, y + h / 2 * y2, rates)
    x4, y4 = slope(x + h * x3, y + h * y3, rates)
    return x + h / 6 * (x1 + 2 * x2 + 2 * x3 + x4), y + h / 6 * (y1 + 2 * y2 + 2 * y3 + y4)


def distance(x: Any, y: Any) -> Any:
    return (x - TARGET[0]) ** 2 + (y - TARGET[1]) ** 2


def loss_of(rates: Any, steps: int) -> Any:
    x: Any
    y: Any
    x, y = START
    for _ in range(steps):
        x, y = step(x, y, rates)
    return distance(x, y)


def lotka_volterra(steps: int) -> tuple[Program, list[float]]:
    """The distance from a target after the given number of steps, in terms of the four rates."""
    return lambda rates, _: loss_of(rates, steps), [*RATES]


class Jax(Repeated):
    """JAX: the program's steps in an XLA loop."""

    def __init__(self, steps: int) -> None:
        self.jax = jax_in_float64()
        lax, array = self.jax.lax, self.jax.numpy.asarray

        def loss(rates: Any) -> Any:
            parts = tuple(rates[i] for i in range(len(RATES)))
            start = tuple(map(array, START))
            end = lax.fori_loop(0, steps, lambda _, at: step(at[0], at[1], parts), start, unroll=UNROLL)
            return distance(*end)

        self.rates = array(RATES)
        self.function = self.jax.jit(self.jax.value_and_grad(loss))

    def run(self) -> Any:
        return self.jax.block_until_ready(self.function(self.rates))

    def answer(self) -> list[float]:
        loss, gradient = self.run()
        return [float(loss), *map(float, gradient)]


PEERS = {
    "CasADi": Peer("casadi", Entrant(Casadi, (lotka_volterra, STEPS), 20), 1.0),
    "JAX": Peer("jax", Entrant(Jax, (STEPS,), 10), 1.0),
}


def run(quick: bool) -> Report:
    report = Report(f"Captured ODE: Lotka-Volterra, {STEPS:,} steps of Runge-Kutta, loss and its gradient by 4 rates")
    ours, expected = Entrant(Captured, (lotka_volterra, STEPS), 50), Fastgrad(lotka_volterra, STEPS).answer()
    report.figures += race_peers(ours, PEERS, expected, 5 if quick else 15, "captured ode")
    report.notes.append(
        "CasADi: `Function` of the same scalars (SX, common subexpressions shared), called through its buffers. "
        f"JAX: `jit(value_and_grad)` of a `fori_loop` over the same step, unrolled by {UNROLL}. One core, float64."
    )
    return report
