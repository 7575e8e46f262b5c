"""A step of micrograd's moons: the loss of 100 points and its gradient in the network's parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from ..comparison import EAGER, FLOOR, Entry, Workload
from ..harness import Repeated
from ..peers import Fastgrad, Problem, Program, entries
from ..targets.captured_moons import Arrays, Jax, Mapped, Torch
from ..targets.moons import ALPHA, SAMPLES, Training

Neuron = Callable[[Sequence[Any], Sequence[Any], Any, Any], Any]


def summed(weights: Sequence[Any], xs: Sequence[Any], bias: Any, _: Any) -> Any:
    """A neuron as micrograd computes it."""
    return sum((w * x for w, x in zip(weights, xs)), bias)  # noqa: B905


def dotted(weights: Sequence[Any], xs: Sequence[Any], bias: Any, functions: Any) -> Any:
    """The same as one operation of fastgrad."""
    return functions.dot(weights, xs, bias)


def layers(parameters: Iterator[Any], width: int) -> list[list[tuple[list[Any], Any]]]:
    """The weights and the bias of each neuron, taken from the parameters in micrograd's order."""
    shapes = ((2, width), (width, width), (width, 1))
    return [[(list(islice(parameters, n_in)), next(parameters)) for _ in range(n_out)] for n_in, n_out in shapes]


def moons(neuron: Neuron, width: int) -> tuple[Program, list[float]]:
    training = Training("fastgrad", True, SAMPLES, width)

    def program(inputs: Sequence[Any], functions: Any) -> Any:
        *hidden, last = layers(iter(inputs), width)
        losses = []
        for point, label in zip(training.points, training.labels):  # noqa: B905
            x: list[Any] = point
            for layer in hidden:
                x = [functions.relu(neuron(weights, x, bias, functions)) for weights, bias in layer]
            score = neuron(last[0][0], x, last[0][1], functions)
            losses.append(functions.relu(1 + -label * score))
        return sum(losses) * (1.0 / len(losses)) + ALPHA * sum(p * p for p in inputs)

    return program, [p.data for p in training.model.parameters()]


def problem(neuron: Neuron) -> Problem:
    return partial(moons, neuron)


class ByHand(Arrays):
    """NumPy: forwards and backwards through the layers, written by hand."""

    def run(self) -> tuple[Any, Any]:
        *hidden, (last, bias) = self.layers
        inputs = [self.points]
        for w, b in hidden:
            inputs.append(np.maximum(inputs[-1] @ w.T + b, 0.0))
        margins = 1.0 - self.labels * (inputs[-1] @ last.T + bias)[:, 0]
        loss = np.maximum(margins, 0.0).mean() + ALPHA * sum((w * w).sum() + (b * b).sum() for w, b in self.layers)

        slope = np.where(margins > 0.0, -self.labels / len(self.labels), 0.0)[:, None]
        gradients = []
        for (w, b), x in zip(reversed(self.layers), reversed(inputs), strict=True):
            gradients.append((slope.T @ x + 2 * ALPHA * w, slope.sum(axis=0) + 2 * ALPHA * b))
            slope = (slope @ w) * (x > 0.0)
        return loss, gradients[::-1]

    def answer(self) -> list[float]:
        return self.numbers(*self.run())


def mapped(width: int) -> Repeated:
    return Mapped(SAMPLES, 1, width=width)


WORKLOAD = Workload(
    name="moons",
    title=f"A step of micrograd's moons: {SAMPLES} points, two hidden layers",
    about=(
        "The loss with its regularization, and the gradient by all parameters. Eager engines build the step anew; "
        "what is captured or compiled has the scalars of all points, and what has arrays multiplies matrices, on one "
        "core. fastgrad's `vmap` has the loss of one point, written with scalars."
    ),
    sizes=[16, 64],
    quick=[16],
    labels={16: "16x16", 64: "64x64"},
    size="neurons a layer",
    unit="step",
    units=lambda _: 1.0,
    entries=[
        *entries(problem(summed), without=["JAX jit", "autograd"]),
        Entry("fastgrad, `dot`", "fastgrad", partial(Fastgrad, problem(dotted)), EAGER),
        Entry("fastgrad, vmap", "fastgrad", mapped),
        Entry("JAX jit, arrays", "jax", partial(Jax, False)),
        Entry("PyTorch, arrays", "torch", partial(Torch, False)),
        Entry("NumPy by hand", "numpy", ByHand, FLOOR),
    ],
)
