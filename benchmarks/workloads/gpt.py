"""A step of a GPT that is built from scalars: the loss of a name and its gradient in all weights."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib import import_module
from itertools import islice
from typing import Any

import numpy as np

from ..comparison import EAGER, Entry, Workload
from ..harness import Repeated, jax_in_float64
from ..peers import Fastgrad, Functions, Problem, Program, entries, one_thread_of_torch
from ..targets.gpt import CONTEXT, HEADS, LETTERS, NAME

WIDTHS = {1: 16, 2: 32}  # by the number of layers
PLACES = len(NAME) - 1

Vector = list[Any]
Matrix = list[Vector]
Product = Callable[[Sequence[Any], Sequence[Any], Any], Any]


def shapes(layers: int) -> dict[str, tuple[int, int]]:
    """The shapes of the weights, in order."""
    width = WIDTHS[layers]
    square = (width, width)
    block = {"queries": square, "keys": square, "values": square, "mix": square}
    block |= {"widen": (4 * width, width), "narrow": (width, 4 * width)}
    blocks = {f"{name} {layer}": shape for layer in range(layers) for name, shape in block.items()}
    return {"letters": (LETTERS, width), "places": (CONTEXT, width), **blocks, "unembed": (LETTERS, width)}


def numbers(layers: int) -> list[float]:
    chance = random.Random(42)
    return [chance.gauss(0.0, 0.08) for rows, columns in shapes(layers).values() for _ in range(rows * columns)]


# --- over scalars


def summed(ws: Sequence[Any], xs: Sequence[Any], _: Any) -> Any:
    return sum(w * x for w, x in zip(ws, xs))  # noqa: B905


def dotted(ws: Sequence[Any], xs: Sequence[Any], functions: Any) -> Any:
    """The same as one operation of fastgrad."""
    return functions.dot(ws, xs)


def gpt(product: Product, layers: int) -> tuple[Program, list[float]]:
    """The step, in the style of microgpt."""
    root = (WIDTHS[layers] // HEADS) ** 0.5

    def program(inputs: Sequence[Any], functions: Any) -> Any:
        def linear(weights: Matrix, x: Vector) -> Vector:
            return [product(row, x, functions) for row in weights]

        def normalized(x: Vector) -> Vector:
            scale = (product(x, x, functions) / len(x) + 1e-5) ** -0.5
            return [xi * scale for xi in x]

        def softmax(scores: Vector) -> Vector:
            powers = [functions.exp(score) for score in scores]
            total = sum(powers)
            return [power / total for power in powers]

        def attention(x: Vector, layer: int, past: tuple[Matrix, Matrix]) -> Vector:
            query = linear(w[f"queries {layer}"], x)
            for name, memory in zip(("keys", "values"), past):  # noqa: B905
                memory.append(linear(w[f"{name} {layer}"], x))
            keys, values = past
            found: Vector = []
            for start in range(0, len(x), len(x) // HEADS):
                head = slice(start, start + len(x) // HEADS)
                fits = softmax([product(query[head], key[head], functions) / root for key in keys])
                columns = zip(*(value[head] for value in values))  # noqa: B905
                found += [product(fits, column, functions) for column in columns]
            return linear(w[f"mix {layer}"], found)

        w = weights(iter(inputs), layers)
        pasts: list[tuple[Matrix, Matrix]] = [([], []) for _ in range(layers)]
        losses = []
        for place, token in enumerate(NAME[:-1]):
            x = normalized([a + b for a, b in zip(w["letters"][token], w["places"][place])])  # noqa: B905
            for layer, past in enumerate(pasts):
                x = [a + b for a, b in zip(x, attention(normalized(x), layer, past))]  # noqa: B905
                hidden = [functions.relu(h) for h in linear(w[f"widen {layer}"], normalized(x))]
                x = [a + b for a, b in zip(x, linear(w[f"narrow {layer}"], hidden))]  # noqa: B905
            losses.append(-functions.log(softmax(linear(w["unembed"], x))[NAME[place + 1]]))
        return sum(losses) * (1 / len(losses))

    return program, numbers(layers)


def weights(inputs: Iterator[Any], layers: int) -> dict[str, Matrix]:
    return {
        name: [list(islice(inputs, columns)) for _ in range(rows)] for name, (rows, columns) in shapes(layers).items()
    }


def problem(product: Product) -> Problem:
    return partial(gpt, product)


class Jitted(Fastgrad):
    """fastgrad: the step under `jit`, with Values as weights, whose gradients accumulate."""

    def __init__(self, layers: int) -> None:
        super().__init__(problem(dotted), layers)
        self.jitted = import_module("fastgrad").jit(super().build)

    def build(self) -> Any:
        return self.jitted()


# --- over arrays


def loss_of_arrays(w: Mapping[str, Any], layers: int, array: Any, relu: Callable[[Any], Any], mask: Any) -> Any:
    """The same with matrices: `array` is a library with NumPy's names."""

    def normalized(x: Any) -> Any:
        return x * ((x * x).mean(-1) + 1e-5)[..., None] ** -0.5

    def softmax(scores: Any) -> Any:
        powers = array.exp(scores)
        return powers / powers.sum(-1)[..., None]

    width = WIDTHS[layers]
    heads = (PLACES, HEADS, width // HEADS)
    x = normalized(w["letters"][np.array(NAME[:-1])] + w["places"][:PLACES])
    for layer in range(layers):
        normal = normalized(x)
        query, key, value = (
            (normal @ w[f"{name} {layer}"].T).reshape(heads) for name in ("queries", "keys", "values")
        )
        fits = softmax(array.einsum("ihd,jhd->hij", query, key) / (width // HEADS) ** 0.5 + mask)
        found = array.einsum("hij,jhd->ihd", fits, value).reshape((PLACES, width))
        x = x + found @ w[f"mix {layer}"].T
        x = x + relu(normalized(x) @ w[f"widen {layer}"].T) @ w[f"narrow {layer}"].T
    chosen = softmax(x @ w["unembed"].T)[np.arange(PLACES), np.array(NAME[1:])]
    return -array.log(chosen).mean()


class Arrays(Repeated):
    """The weights as arrays, and the mask that hides later letters."""

    def __init__(self, layers: int) -> None:
        self.layers, self.mask = layers, np.triu(np.full((PLACES, PLACES), -np.inf), 1)
        flat = iter(numbers(layers))
        self.weights: dict[str, Any] = {
            name: np.array(list(islice(flat, rows * columns))).reshape(rows, columns)
            for name, (rows, columns) in shapes(layers).items()
        }

    def run(self) -> tuple[Any, Mapping[str, Any]]:
        """The loss, and the gradients by weight name."""
        raise NotImplementedError

    def answer(self) -> list[float]:
        loss, gradients = self.run()
        return [
            float(loss),
            *(float(x) for name in shapes(self.layers) for x in np.asarray(gradients[name]).reshape(-1)),
        ]


class Jax(Arrays):
    """JAX: `jit(value_and_grad)`."""

    def __init__(self, layers: int) -> None:
        super().__init__(layers)
        self.jax = jax_in_float64()
        relu = self.jax.nn.relu
        self.function = self.jax.jit(
            self.jax.value_and_grad(lambda w: loss_of_arrays(w, layers, self.jax.numpy, relu, self.mask))
        )
        self.weights = self.jax.device_put(self.weights)

    def run(self) -> tuple[Any, Mapping[str, Any]]:
        found: tuple[Any, Mapping[str, Any]] = self.jax.block_until_ready(self.function(self.weights))
        return found


class Torch(Arrays):
    """PyTorch, eager."""

    def __init__(self, layers: int) -> None:
        super().__init__(layers)
        self.torch = one_thread_of_torch()
        self.mask = self.torch.tensor(self.mask)
        self.weights = {name: self.torch.tensor(w, requires_grad=True) for name, w in self.weights.items()}

    def run(self) -> tuple[Any, Mapping[str, Any]]:
        for w in self.weights.values():
            w.grad = None
        loss = loss_of_arrays(self.weights, self.layers, self.torch, self.torch.relu, self.mask)
        loss.backward()
        return loss.detach(), {name: w.grad for name, w in self.weights.items()}


class Autograd(Arrays):
    """autograd: `value_and_grad`."""

    def __init__(self, layers: int) -> None:
        super().__init__(layers)
        array: Any = import_module("autograd.numpy")
        relu = Functions(None, relu=lambda x: array.maximum(x, 0.0)).relu
        self.function = import_module("autograd").value_and_grad(
            lambda w: loss_of_arrays(w, layers, array, relu, self.mask)
        )

    def run(self) -> tuple[Any, Mapping[str, Any]]:
        found: tuple[Any, Mapping[str, Any]] = self.function(self.weights)
        return found


WORKLOAD = Workload(
    name="gpt",
    title="A step of a GPT from scalars",
    about=(
        f"Embedding, causal attention with {HEADS} heads, a network of four times the width, RMS norms, and the mean "
        "surprise at the letters of a name of 7: the loss, and its gradient by all weights. With `dot`, each sum of "
        "products is one operation; `jit` has recorded that. What has arrays multiplies matrices."
    ),
    sizes=[*WIDTHS],
    quick=[1],
    labels={layers: f"{layers} layer{'s' * (layers > 1)}, width {width}" for layers, width in WIDTHS.items()},
    size="layers",
    unit="step",
    units=lambda _: 1.0,
    entries=[
        *entries(problem(summed), without=["JAX jit", "autograd"]),
        Entry("fastgrad, `dot`", "fastgrad", partial(Fastgrad, problem(dotted)), EAGER),
        Entry("fastgrad, jit", "fastgrad", Jitted),
        Entry("JAX jit, arrays", "jax", Jax),
        Entry("PyTorch, arrays", "torch", Torch),
        Entry("autograd, arrays", "autograd", Autograd),
    ],
)
