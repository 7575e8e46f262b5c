"""The price of an option by simulation, and its Greeks: one short program for many paths of a share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from math import exp, sqrt
from typing import Any

import numpy as np

from ..comparison import FLOOR, Entry, Workload
from ..harness import Repeated, jax_in_float64
from ..peers import CASADI_NAMES, Functions, Program, entries, one_thread_of_torch

#: Share price, strike, riskless rate, volatility (both a year), and years until the end.
OPTION = (100.0, 105.0, 0.03, 0.2, 0.5)


def payoff(chance: Any, option: Sequence[Any], functions: Any) -> Any:
    """Today's value of a call if its share takes the path of this normal number, after Black and Scholes 1973."""
    spot, strike, rate, volatility, years = option
    growth = (rate - volatility**2 / 2) * years + volatility * functions.sqrt(years) * chance
    return functions.exp(-rate * years) * functions.relu(spot * functions.exp(growth) - strike)


def chances(paths: int) -> Any:
    return np.random.default_rng(42).standard_normal(paths)


def simulation(paths: int) -> tuple[Program, list[float]]:
    """The mean payoff, path by path."""
    numbers = chances(paths).tolist()

    def program(option: Sequence[Any], functions: Any) -> Any:
        return sum(payoff(chance, option, functions) for chance in numbers) / paths

    return program, [*OPTION]


class Batch(Repeated):
    """The mean payoff of all paths at once, and its gradient by the option's five numbers."""

    run: Callable[[], tuple[Any, Any]]

    def answer(self) -> list[float]:
        value, gradient = self.run()
        return [float(value), *map(float, gradient)]


class Mapped(Batch):
    """fastgrad: the payoff of one path, mapped over all of them in SIMD lanes, on one thread."""

    def __init__(self, paths: int) -> None:
        fastgrad: Any = import_module("fastgrad")
        self.option, self.chances = [fastgrad.Value(number) for number in OPTION], chances(paths)
        mean = partial(fastgrad.vmap, in_axes=(0, None), reduce="mean", threads=1)
        self.mean = mean(lambda chance, option: payoff(chance, option, fastgrad))

    def run(self) -> tuple[Any, Any]:
        for each in self.option:
            each.grad = 0.0
        value = self.mean(self.chances, self.option)
        value.backward()
        return value.data, [each.grad for each in self.option]


class Jax(Batch):
    """JAX: `jit(value_and_grad)` of the mean over an array."""

    def __init__(self, paths: int) -> None:
        self.jax = jax_in_float64()
        array = self.jax.numpy
        functions = Functions(array, relu=self.jax.nn.relu)
        self.option, self.chances = array.asarray(OPTION), array.asarray(chances(paths))
        self.function = self.jax.jit(
            self.jax.value_and_grad(lambda option, chance: array.mean(payoff(chance, option, functions)))
        )

    def run(self) -> tuple[Any, Any]:
        found: tuple[Any, Any] = self.jax.block_until_ready(self.function(self.option, self.chances))
        return found


class Torch(Batch):
    """PyTorch: the payoff of a tensor, `mean()` and `backward()`."""

    def __init__(self, paths: int) -> None:
        self.torch = one_thread_of_torch()
        self.option = [self.torch.tensor(each, dtype=self.torch.float64, requires_grad=True) for each in OPTION]
        self.chances = self.torch.from_numpy(chances(paths))

    def run(self) -> tuple[Any, Any]:
        for each in self.option:
            each.grad = None
        value = payoff(self.chances, self.option, self.torch).mean()
        value.backward()
        return value.detach(), [each.grad for each in self.option]


class Autograd(Batch):
    """autograd: `value_and_grad` of the mean over an array."""

    def __init__(self, paths: int) -> None:
        array: Any = import_module("autograd.numpy")
        functions, numbers = Functions(array, relu=lambda x: array.maximum(x, 0.0)), chances(paths)
        differentiated = import_module("autograd").value_and_grad(
            lambda option: array.mean(payoff(numbers, option, functions))
        )
        self.run = partial(differentiated, [*OPTION])


class Casadi(Batch):
    """CasADi: the payoff of SX scalars and its gradient, mapped over the paths; the map adds the results."""

    def __init__(self, paths: int) -> None:
        casadi: Any = import_module("casadi")
        chance, option = casadi.SX.sym("chance"), casadi.SX.sym("option", len(OPTION))
        functions = Functions(casadi, CASADI_NAMES, relu=lambda x: casadi.fmax(x, 0.0))
        value = payoff(chance, casadi.vertsplit(option), functions)
        one = casadi.Function("one", [chance, option], [value, casadi.gradient(value, option)], {"cse": True})
        self.paths, self.chances, self.option = paths, chances(paths), np.array(OPTION)
        self.value, self.gradient = np.zeros(1), np.zeros(len(OPTION))
        self.buffer, self.call = one.map("all", "serial", paths, [1], [0, 1]).buffer()
        for position, given in enumerate((self.chances, self.option)):
            self.buffer.set_arg(position, given.data)
        for position, found in enumerate((self.value, self.gradient)):
            self.buffer.set_res(position, found.data)

    def run(self) -> tuple[Any, Any]:
        self.call()
        return self.value[0] / self.paths, self.gradient / self.paths


class ByHand(Batch):
    """NumPy, with the hand-derived derivative of each path's payoff."""

    def __init__(self, paths: int) -> None:
        self.chances = chances(paths)

    def run(self) -> tuple[Any, Any]:
        spot, strike, rate, volatility, years = OPTION
        drift, root, discount = rate - volatility**2 / 2, sqrt(years), exp(-rate * years)
        shares = spot * np.exp(drift * years + volatility * root * self.chances)
        paid = shares > strike
        ends, share = np.where(paid, shares, 0.0), paid.mean()
        mean, tilted = ends.mean(), (ends * self.chances).mean()
        value = discount * (mean - strike * share)
        gradient = (
            discount * mean / spot,
            -discount * share,
            years * (discount * mean - value),
            discount * (root * tilted - volatility * years * mean),
            discount * (drift * mean + volatility / (2 * root) * tilted) - rate * value,
        )
        return value, gradient


WORKLOAD = Workload(
    name="greeks",
    title="Black-Scholes by simulation: the price of a call and its Greeks",
    about=(
        "The mean payoff of many paths of a share, and its gradient by price, strike, rate, volatility and time. "
        "Eager engines take one path after another; what has arrays or maps takes them at once, on one core."
    ),
    sizes=[10**power for power in range(3, 7)],
    quick=[1_000],
    size="paths",
    unit="path",
    entries=[
        Entry("fastgrad, batched", "fastgrad", Mapped),
        *entries(simulation, without=["fastgrad, captured", "CasADi SX", "JAX jit"]),
        Entry("JAX jit, arrays", "jax", Jax),
        Entry("PyTorch, arrays", "torch", Torch),
        Entry("autograd, arrays", "autograd", Autograd),
        Entry("CasADi SX, map", "casadi", Casadi),
        Entry("NumPy by hand", "numpy", ByHand, FLOOR),
    ],
)
