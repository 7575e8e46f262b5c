"""The expression of micrograd's README: a graph so small that the overhead around its nodes dominates.

It is the "small graph" of Burlachenko and Richtarik 2025, "BurTorch" (arXiv:2503.13795). Their tables have micrograd
and the modes of JAX, PyTorch and autograd that are here; their own engine is C++, and TensorFlow's modes are omitted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from ..comparison import EAGER, FLOOR, Entry, Workload
from ..harness import Repeated, jax_in_float64
from ..peers import Captured, Program, entries, one_thread_of_torch

POINT = (-4.0, 2.0)
BATCH = 100_000


def script(a: Any, b: Any, relu: Callable[[Any], Any]) -> Any:
    """The expression with relu as a function, which all peers have; `targets.expression` has the original."""
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + relu(b + a)
    d += 3 * d + relu(b - a)
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    return g


def expression(_: int) -> tuple[Program, list[float]]:
    def program(inputs: Sequence[Any], functions: Any) -> Any:
        a, b = inputs
        return script(a, b, functions.relu)

    return program, [*POINT]


# --- one graph


class JaxEager(Repeated):
    """JAX without `jit`: `value_and_grad`, operation by operation."""

    def __init__(self, _: int) -> None:
        jax = jax_in_float64()
        function = jax.value_and_grad(partial(script, relu=jax.nn.relu), (0, 1))
        self.run = partial(function, *map(jax.numpy.asarray, POINT))

    def answer(self) -> list[float]:
        value, gradient = self.run()
        return [float(value), *map(float, gradient)]


class TorchScript(Repeated):
    """PyTorch: the expression traced into TorchScript."""

    def __init__(self, _: int) -> None:
        torch = one_thread_of_torch()
        self.inputs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in POINT]

        def function(a: Any, b: Any) -> Any:
            return script(a, b, torch.relu)

        self.function = torch.jit.trace(function, tuple(self.inputs))

    def run(self) -> Any:
        value = self.function(*self.inputs)
        value.backward()
        return value.detach()

    def answer(self) -> list[float]:
        for each in self.inputs:
            each.grad = None
        return [float(self.run()), *(float(each.grad) for each in self.inputs)]


def slopes_by_hand(a: Any, b: Any, step: Callable[[Any], Any]) -> tuple[Any, Any, Any]:
    """The value and both derivatives; `step(x)` is 1 if x is above 0, and 0 otherwise."""
    total, difference = a + b, b - a
    first = step(total)
    second = step(difference)
    d = a * b + b * b * b
    d = 12.0 * d + 4.0 * first * total + second * difference
    c = 4.0 * total + 3.0 - a
    e = c - d
    square = e * e
    outer = e - 20.0 / (square * e)
    by_a = outer * (3.0 - 12.0 * b - 4.0 * first + second)
    by_b = outer * (4.0 - 12.0 * (a + 3.0 * b * b) - 4.0 * first - second)
    return square / 2.0 + 10.0 / square, by_a, by_b


class Floats(Repeated):
    """Python's floats, with hand-derived derivatives."""

    def __init__(self, _: int) -> None:
        self.run = partial(slopes_by_hand, *POINT, lambda x: float(x > 0.0))

    def answer(self) -> list[float]:
        return [*self.run()]


# --- many at once


def points(size: int) -> Any:
    """Pairs of a and b near the README's, none at the pole of 10 / f, where no two peers could agree."""
    return np.array(POINT) + np.random.default_rng(42).uniform(-0.05, 0.05, (size, 2))


class Batch(Repeated):
    """The values, and the gradients for each pair."""

    run: Callable[[], tuple[Any, Any]]

    def answer(self) -> list[float]:
        """The first and the last, and the sums of all."""
        values, gradients = (np.asarray(each, dtype=float) for each in self.run())
        rows = np.column_stack([values.reshape(-1), gradients.reshape(len(values.reshape(-1)), -1)])
        return [*rows[0], *rows[-1], *rows.sum(axis=0)]


class Graphs(Batch):
    """fastgrad: one graph, run over all rows in SIMD lanes, on one thread."""

    def __init__(self, size: int) -> None:
        graph = Captured(expression, 1).graph
        self.run = partial(graph.value_and_grad, points(size), threads=1)


class Jax(Batch):
    """JAX: `jit(vmap(value_and_grad))`."""

    def __init__(self, size: int) -> None:
        self.jax = jax_in_float64()
        both = self.jax.value_and_grad(lambda pair: script(pair[0], pair[1], self.jax.nn.relu))
        self.function, self.points = self.jax.jit(self.jax.vmap(both)), self.jax.numpy.asarray(points(size))

    def run(self) -> tuple[Any, Any]:
        found: tuple[Any, Any] = self.jax.block_until_ready(self.function(self.points))
        return found


class Torch(Batch):
    """PyTorch: the expression over two columns."""

    def __init__(self, size: int) -> None:
        torch = one_thread_of_torch()
        self.relu = torch.relu
        self.a, self.b = (torch.tensor(column, requires_grad=True) for column in points(size).T)

    def run(self) -> tuple[Any, Any]:
        self.a.grad = self.b.grad = None
        values = script(self.a, self.b, self.relu)
        values.sum().backward()
        return values.detach(), np.column_stack([self.a.grad, self.b.grad])


class Autograd(Batch):
    """autograd: the expression over two columns."""

    def __init__(self, size: int) -> None:
        array: Any = import_module("autograd.numpy")
        self.function = import_module("autograd").elementwise_grad(
            partial(script, relu=lambda x: array.maximum(x, 0.0)), (0, 1)
        )
        self.a, self.b = points(size).T.copy()

    def run(self) -> tuple[Any, Any]:
        values = script(self.a, self.b, lambda x: np.maximum(x, 0.0))
        return values, np.column_stack(self.function(self.a, self.b))


class Casadi(Batch):
    """CasADi: the function of SX scalars, mapped over the columns."""

    def __init__(self, size: int) -> None:
        casadi: Any = import_module("casadi")
        pair = casadi.SX.sym("pair", 2)
        value = script(pair[0], pair[1], lambda x: casadi.fmax(x, 0.0))
        function = casadi.Function("f", [pair], [value, casadi.gradient(value, pair)], {"cse": True}).map(size)
        self.points, self.values, self.gradients = points(size), np.zeros(size), np.zeros((size, 2))
        self.buffer, self.call = function.buffer()
        self.buffer.set_arg(0, self.points.reshape(-1).data)
        self.buffer.set_res(0, self.values.data)
        self.buffer.set_res(1, self.gradients.reshape(-1).data)

    def run(self) -> tuple[Any, Any]:
        self.call()
        return self.values, self.gradients


class ByHand(Batch):
    """NumPy, with hand-derived derivatives."""

    def __init__(self, size: int) -> None:
        self.a, self.b = points(size).T.copy()

    def run(self) -> tuple[Any, Any]:
        value, *gradient = slopes_by_hand(self.a, self.b, lambda x: (x > 0.0).astype(float))
        return value, np.column_stack(gradient)


WORKLOAD = Workload(
    name="expression",
    title="The expression of micrograd's README, again and again",
    about=(
        "32 nodes and the gradient by a and b: the small graph of arXiv:2503.13795, in the modes of its tables. "
        "Eager engines build it anew each time."
    ),
    sizes=[1],
    quick=[1],
    labels={1: "one graph"},
    size="graph",
    unit="graph",
    entries=[
        *entries(expression),
        Entry("JAX eager", "jax", JaxEager, EAGER),
        Entry("PyTorch TorchScript", "torch", TorchScript),
        Entry("floats by hand", "builtins", Floats, FLOOR),
    ],
)

BATCHED = Workload(
    name="expression_batch",
    title="The same expression for many a and b at once",
    about="The value and the gradient for each pair, as arrays, on one core.",
    sizes=[1_000, 10_000, BATCH],
    quick=[1_000],
    size="pairs",
    unit="graph",
    entries=[
        Entry("fastgrad, batched", "fastgrad", Graphs),
        Entry("JAX jit, vmap", "jax", Jax),
        Entry("CasADi SX, map", "casadi", Casadi),
        Entry("PyTorch, arrays", "torch", Torch),
        Entry("autograd, arrays", "autograd", Autograd),
        Entry("NumPy by hand", "numpy", ByHand, FLOOR),
    ],
)
