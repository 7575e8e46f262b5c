"""A wide sum of products, as in a neuron."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from ..comparison import EAGER, FLOOR, Entry, Workload
from ..harness import Repeated, jax_in_float64
from ..peers import Fastgrad, Program, entries, one_thread_of_torch


def numbers(size: int) -> list[float]:
    """The weights, followed by their factors."""
    chance = random.Random(42)
    return [chance.gauss(0.0, 1.0) for _ in range(2 * size)]


def products(size: int) -> tuple[Program, list[float]]:
    def program(inputs: Sequence[Any], _: Any) -> Any:
        return sum(w * x for w, x in zip(inputs[:size], inputs[size:]))  # noqa: B905

    return program, numbers(size)


def dot(size: int) -> tuple[Program, list[float]]:
    return lambda inputs, functions: functions.dot(inputs[:size], inputs[size:]), numbers(size)


class Arrays(Repeated):
    """The weights and the factors as two arrays; the gradient in both."""

    def __init__(self, size: int) -> None:
        self.w, self.x = np.array(numbers(size)).reshape(2, size)

    def run(self) -> tuple[Any, Any]:
        """The value, and the gradients."""
        raise NotImplementedError

    def answer(self) -> list[float]:
        value, gradients = self.run()
        return [float(value), *map(float, np.concatenate([np.asarray(g) for g in gradients]))]


class ByHand(Arrays):
    """NumPy: the gradients are copies of the other array."""

    def run(self) -> tuple[Any, Any]:
        return self.w @ self.x, (self.x.copy(), self.w.copy())


class Jax(Arrays):
    """JAX: `jit(value_and_grad)` of `w @ x`."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.jax = jax_in_float64()
        self.inputs = self.jax.device_put((self.w, self.x))
        self.function = self.jax.jit(self.jax.value_and_grad(lambda w, x: w @ x, argnums=(0, 1)))

    def run(self) -> tuple[Any, Any]:
        found: tuple[Any, Any] = self.jax.block_until_ready(self.function(*self.inputs))
        return found


class Torch(Arrays):
    """PyTorch: `w @ x` and `backward()`."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        torch = one_thread_of_torch()
        self.inputs = [torch.tensor(each, requires_grad=True) for each in (self.w, self.x)]

    def run(self) -> tuple[Any, Any]:
        for each in self.inputs:
            each.grad = None
        value = self.inputs[0] @ self.inputs[1]
        value.backward()
        return value.detach(), [each.grad for each in self.inputs]


class Autograd(Arrays):
    """autograd: `value_and_grad` of `w @ x`."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        matmul = import_module("autograd.numpy").matmul
        self.function = import_module("autograd").value_and_grad(matmul, (0, 1))

    def run(self) -> tuple[Any, Any]:
        found: tuple[Any, Any] = self.function(self.w, self.x)
        return found


WORKLOAD = Workload(
    name="products",
    title="Wide sum of products: `sum(w * x for w, x in zip(ws, xs))`",
    about=(
        "The value, and the gradient by all of both. Scalars of an eager engine are summed as a user writes it; "
        "`dot` is fastgrad's operation on sequences. What has arrays multiplies them."
    ),
    sizes=[10**power for power in range(1, 6)],
    quick=[10, 1_000],
    size="products",
    unit="product",
    entries=[
        *entries(products, without=["JAX jit"], largest={"autograd": 1_000}),
        Entry("fastgrad, `dot`", "fastgrad", partial(Fastgrad, dot), EAGER),
        Entry("JAX jit, arrays", "jax", Jax),
        Entry("PyTorch, arrays", "torch", Torch),
        Entry("autograd, arrays", "autograd", Autograd),
        Entry("NumPy by hand", "numpy", ByHand, FLOOR),
    ],
)
