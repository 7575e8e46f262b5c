"""The chain `y = y * x + x`: the cost of a node without anything else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..comparison import FLOOR, Entry, Workload
from ..harness import Repeated, jax_in_float64
from ..peers import Program, entries

X = 0.999  # y approaches 999, and its derivative a million: neither overflows, and both keep their digits


def chain(size: int) -> tuple[Program, list[float]]:
    """A chain with `size` nodes."""

    def program(inputs: Sequence[Any], _: Any) -> Any:
        (x,) = inputs
        y = x
        for _ in range(size // 2):
            y = y * x + x
        return y

    return program, [X]


class Loop(Repeated):
    """JAX: the chain as an XLA loop, unrolled by 8."""

    def __init__(self, size: int) -> None:
        self.jax = jax_in_float64()
        lax, self.x = self.jax.lax, self.jax.numpy.asarray(X)
        self.function = self.jax.jit(
            self.jax.value_and_grad(lambda x: lax.fori_loop(0, size // 2, lambda _, y: y * x + x, x, unroll=8))
        )

    def run(self) -> Any:
        return self.jax.block_until_ready(self.function(self.x))

    def answer(self) -> list[float]:
        return [*map(float, self.run())]


class ByHand(Repeated):
    """The value and its derivative in plain floats, in forward mode: no graph."""

    def __init__(self, size: int) -> None:
        self.steps = size // 2

    def run(self) -> tuple[float, float]:
        x = X
        y, slope = x, 1.0
        for _ in range(self.steps):
            y, slope = y * x + x, slope * x + y + 1.0
        return y, slope

    def answer(self) -> list[float]:
        return [*self.run()]


WORKLOAD = Workload(
    name="chain",
    title="Chain: `y = y * x + x`",
    about=(
        "One graph of nodes in a row, and the derivative of its end by `x`. Eager engines build, sweep and free "
        "it in each run; captured and compiled ones replay what they have built before. By hand: floats of Python, "
        "with the derivative carried along."
    ),
    sizes=[10**power for power in range(3, 8)],
    quick=[1_000, 100_000],
    size="nodes",
    unit="node",
    entries=[
        *entries(chain, without=["JAX jit"]),
        Entry("JAX jit, loop", "jax", Loop),
        Entry("floats by hand", "builtins", ByHand, FLOOR),
    ],
    phases=True,
    memory=100_000,
    slope_from=1_000,
)
