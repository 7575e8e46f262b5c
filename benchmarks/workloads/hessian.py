"""The Hessian of Rosenbrock's function: second derivatives, almost all of which are zero."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from itertools import pairwise
from typing import Any

import numpy as np

from ..comparison import EAGER, FLOOR, Entry, Workload
from ..harness import Repeated, jax_in_float64
from ..peers import one_thread_of_torch


def rosenbrock(x: Any) -> Any:
    """Rosenbrock 1960, in many dimensions, on scalars."""
    return sum(100.0 * (after - before**2) ** 2 + (1.0 - before) ** 2 for before, after in pairwise(x))


def rosenbrock_of_array(x: Any) -> Any:
    return (100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2).sum()


def point(size: int) -> Any:
    return np.random.default_rng(42).normal(1.0, 0.5, size)


class Second(Repeated):
    """Computes the Hessian at the point."""

    def __init__(self, size: int) -> None:
        self.x = point(size)

    def answer(self) -> list[float]:
        found: list[float] = np.asarray(self.run(), dtype=float).ravel().tolist()
        return found


class Fastgrad(Second):
    """fastgrad: `functional.hessian`, which runs the program in each call."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.run = partial(import_module("fastgrad.functional").hessian(rosenbrock), self.x)


class Captured(Second):
    """fastgrad: the graph of the Hessian, built once and replayed, with or without its zeros."""

    def __init__(self, size: int, dense: bool) -> None:
        super().__init__(size)
        fastgrad: Any = import_module("fastgrad")
        leaves = [fastgrad.Value(number) for number in self.x.tolist()]
        entries = np.array(import_module("fastgrad.functional").hessian(rosenbrock)(leaves)).ravel()
        self.places = [i for i, entry in enumerate(entries) if dense or entry._prev or entry.data != 0.0]
        self.size = size
        self.run = partial(fastgrad.Graph(entries[self.places].tolist(), inputs=leaves), self.x)

    def answer(self) -> list[float]:
        hessian = np.zeros(self.size**2)
        hessian[self.places] = self.run()
        found: list[float] = hessian.tolist()
        return found


class Jax(Second):
    """JAX: `hessian`, with `jit` or operation by operation."""

    def __init__(self, size: int, compiled: bool) -> None:
        super().__init__(size)
        self.jax = jax_in_float64()
        function: Callable[..., Any] = self.jax.hessian(rosenbrock_of_array)
        self.function = self.jax.jit(function) if compiled else function
        self.array = self.jax.numpy.asarray(self.x)

    def run(self) -> Any:
        return self.jax.block_until_ready(self.function(self.array))


class Torch(Second):
    """PyTorch: `torch.func.hessian`, forward over reverse, all columns at once."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        torch = one_thread_of_torch()
        self.run = partial(torch.func.hessian(rosenbrock_of_array), torch.from_numpy(self.x))


class TorchRows(Second):
    """PyTorch: one row of the Hessian after the other, each by a sweep over the gradient's graph."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        torch = one_thread_of_torch()
        self.run = partial(torch.autograd.functional.hessian, rosenbrock_of_array, torch.from_numpy(self.x))


class Autograd(Second):
    """autograd: `hessian`."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.run = partial(import_module("autograd").hessian(rosenbrock_of_array), self.x)


class Casadi(Second):
    """CasADi: the Hessian of SX scalars, with or without its zeros."""

    def __init__(self, size: int, dense: bool) -> None:
        super().__init__(size)
        casadi: Any = import_module("casadi")
        x = casadi.SX.sym("x", size)
        hessian, _ = casadi.hessian(rosenbrock(casadi.vertsplit(x)), x)
        function = casadi.Function("f", [x], [casadi.densify(hessian) if dense else hessian], {"cse": True})
        sparsity = function.sparsity_out(0)
        self.places, self.size = (sparsity.row(), sparsity.get_col()), size
        self.found = np.zeros(sparsity.nnz())
        self.buffer, self.run = function.buffer()
        self.buffer.set_arg(0, self.x.data)
        self.buffer.set_res(0, self.found.data)

    def answer(self) -> list[float]:
        self.run()
        hessian = np.zeros((self.size, self.size))
        hessian[self.places] = self.found
        found: list[float] = hessian.ravel().tolist()
        return found


class ByHand(Second):
    """NumPy: the three diagonals."""

    def run(self) -> Any:
        x, size = self.x, len(self.x)
        found = np.zeros((size, size))
        diagonal, above = found.reshape(-1)[:: size + 1], found.reshape(-1)[1 :: size + 1]
        diagonal[:-1] = 1200.0 * x[:-1] ** 2 - 400.0 * x[1:] + 2.0
        diagonal[1:] += 200.0
        above[:] = found.reshape(-1)[size :: size + 1][:] = -400.0 * x[:-1]
        return found


WORKLOAD = Workload(
    name="hessian",
    title="The Hessian of Rosenbrock's function",
    about=(
        "All second derivatives, of which three diagonals are not zero; sparse entries leave the zeros out. "
        "Programs over arrays have the function in one line. micrograd and XAD's Python package have no second "
        "derivatives."
    ),
    sizes=[10, 20, 50, 100, 200],
    quick=[10, 50],
    size="variables",
    unit="Hessian",
    units=lambda _: 1.0,
    entries=[
        Entry("fastgrad", "fastgrad", Fastgrad, EAGER),
        Entry("fastgrad, captured", "fastgrad", partial(Captured, dense=True)),
        Entry("fastgrad, captured, sparse", "fastgrad", partial(Captured, dense=False)),
        Entry("CasADi SX", "casadi", partial(Casadi, dense=True)),
        Entry("CasADi SX, sparse", "casadi", partial(Casadi, dense=False)),
        Entry("JAX jit, arrays", "jax", partial(Jax, compiled=True)),
        Entry("JAX eager, arrays", "jax", partial(Jax, compiled=False), EAGER),
        Entry("PyTorch, arrays", "torch", Torch, EAGER),
        Entry("PyTorch, arrays, by rows", "torch", TorchRows, EAGER),
        Entry("autograd, arrays", "autograd", Autograd, EAGER),
        Entry("NumPy by hand", "numpy", ByHand, FLOOR),
    ],
)
