"""The moons loss of one sample, mapped over a batch: against JAX and PyTorch, and two threads against one."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from importlib import import_module
from itertools import chain
from typing import Any

import numpy as np

from fastgrad import Value, vmap

from ..harness import (
    CORES,
    Entrant,
    Figure,
    Peer,
    Repeated,
    Report,
    jax_in_float64,
    race,
    race_peers,
    ratios,
)
from .moons import ALPHA, SAMPLES, WIDTH, Training

BATCH = 10_000
REPLAYS = {SAMPLES: 500, BATCH: 100}


class Mapped(Repeated):
    """fastgrad: the value and the gradients, which each run adds to those of the parameters."""

    def __init__(self, samples: int, threads: int, cores: Sequence[int] = (), width: int = WIDTH) -> None:
        if cores:
            os.sched_setaffinity(0, cores)
        training = Training("fastgrad", True, samples, width)
        self.model: Any = training.model
        self.points, self.labels = np.array(training.points), np.array(training.labels, dtype=float)
        self.loss: Any = vmap(self.loss_of_one, reduce="mean", threads=threads)

    def loss_of_one(self, x: Any, y: Any) -> Value:
        hinge = (1 - y * self.model(x)).relu()
        loss: Value = hinge + ALPHA * sum(p * p for p in self.model.parameters())
        return loss

    def run(self) -> Value:
        out: Value = self.loss(self.points, self.labels)
        out.backward()
        return out

    def answer(self) -> list[float]:
        self.model.zero_grad()
        return [self.run().data, *(p.grad for p in self.model.parameters())]


class Arrays(Repeated):
    """The batch and the layers as NumPy arrays, from which the two array libraries start."""

    def __init__(self, width: int = WIDTH) -> None:
        training = Training("fastgrad", True, SAMPLES, width)
        self.points, self.labels = np.array(training.points), np.array(training.labels, dtype=float)
        self.layers = [tuple(map(np.array, self.weights_and_biases(layer))) for layer in training.model.layers]

    @staticmethod
    def weights_and_biases(layer: Any) -> tuple[list[list[float]], list[float]]:
        return [[w.data for w in neuron.w] for neuron in layer.neurons], [neuron.b.data for neuron in layer.neurons]

    def numbers(self, loss: Any, layers: Any) -> list[float]:
        """The loss and the gradients of the layers' weights and biases, in the order of micrograd's parameters."""
        rows = (np.column_stack([np.asarray(w), np.asarray(b)]).ravel() for w, b in layers)
        return [float(loss), *map(float, chain.from_iterable(rows))]


class Jax(Arrays):
    """JAX: the parameters as the layers' arrays, or all in one vector, which costs less to pass."""

    def __init__(self, vector: bool, width: int = WIDTH) -> None:
        super().__init__(width)
        self.jax = jax_in_float64()
        relu = self.jax.nn.relu

        def loss(layers: Any, points: Any, labels: Any) -> Any:
            x = points
            for w, b in layers[:-1]:
                x = relu(x @ w.T + b)
            w, b = layers[-1]
            scores = (x @ w.T + b)[:, 0]
            return relu(1 - labels * scores).mean() + ALPHA * sum((w * w).sum() + (b * b).sum() for w, b in layers)

        layers, self.batch = self.jax.device_put((self.layers, (self.points, self.labels)))
        flat, unravel = import_module("jax.flatten_util").ravel_pytree(layers)
        self.parameters: Any = flat if vector else layers
        self.restore: Callable[[Any], Any] = unravel if vector else lambda same: same
        self.function = self.jax.jit(self.jax.value_and_grad(lambda p, *batch: loss(self.restore(p), *batch)))

    def run(self) -> Any:
        return self.jax.block_until_ready(self.function(self.parameters, *self.batch))

    def answer(self) -> list[float]:
        loss, gradients = self.run()
        return self.numbers(loss, self.restore(gradients))


class Torch(Arrays):
    """Eager PyTorch: the squares of each parameter summed separately, or of all in one vector: fewer operations."""

    def __init__(self, vector: bool, width: int = WIDTH) -> None:
        super().__init__(width)
        self.torch: Any = import_module("torch")
        self.torch.set_num_threads(1)
        self.x, self.y = map(self.torch.tensor, (self.points, self.labels))
        self.tensors = [tuple(self.torch.tensor(a, requires_grad=True) for a in layer) for layer in self.layers]
        self.parameters = list(chain.from_iterable(self.tensors))
        self.vector = vector

    def squares(self) -> Any:
        if not self.vector:
            return sum((p * p).sum() for p in self.parameters)
        joined = self.torch.cat([p.view(-1) for p in self.parameters])
        return joined.dot(joined)

    def run(self) -> Any:
        linear, x = self.torch.nn.functional.linear, self.x
        for w, b in self.tensors[:-1]:
            x = linear(x, w, b).relu()
        scores = linear(x, *self.tensors[-1])[:, 0]
        loss = (1 - self.y * scores).relu().mean() + ALPHA * self.squares()
        loss.backward()
        return loss

    def answer(self) -> list[float]:
        for p in self.parameters:
            p.grad = None
        loss = self.run()
        return self.numbers(loss.item(), [(w.grad, b.grad) for w, b in self.tensors])


PEERS = {
    "JAX": Peer("jax", Entrant(Jax, (False,), 200), 1.0),
    "JAX, parameters in one vector": Peer("jax", Entrant(Jax, (True,), 200), 1.0),
    "PyTorch tensors": Peer("torch", Entrant(Torch, (False,), 50), 10.0),
    "PyTorch tensors, regularized as one vector": Peer("torch", Entrant(Torch, (True,), 50), None),
}


def against_one_thread(report: Report, rounds: int) -> None:
    title = f"{BATCH:,} samples: one thread / two"
    if len(CORES) < 2:
        report.figures.append(Figure(title, [], text="there is one core"))
        return
    entrants = {
        f"{BATCH:,} samples, threads={threads}": Entrant(Mapped, (BATCH, threads, CORES[-2:]), REPLAYS[BATCH])
        for threads in (1, 2)
    }
    costs = race(entrants, Training("fastgrad", True, BATCH).answer(), rounds, f"captured moons, {BATCH:,} samples")
    report.figures.append(Figure(title, ratios(*costs.values()), "x", "at least", 1.8))
    report.figures += [Figure(name, [each / 1e3 for each in cost], " ms") for name, cost in costs.items()]


def run(quick: bool) -> Report:
    report = Report('Captured moons: `out = vmap(loss, reduce="mean")(X, y)`, then `out.backward()`')
    rounds = 5 if quick else 15
    ours, expected = Entrant(Mapped, (SAMPLES, 1), REPLAYS[SAMPLES]), Training("fastgrad", True).answer()
    report.figures += race_peers(ours, PEERS, expected, rounds, f"captured moons, {SAMPLES} samples")
    against_one_thread(report, rounds)
    report.notes.append(
        f"{SAMPLES} samples: every contender on one core and thread, in float64. {BATCH:,} samples: both "
        "processes may use two cores, which must be idle."
    )
    return report
