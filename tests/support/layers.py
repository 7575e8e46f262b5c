"""The tables of fastgrad.nn: how each module is created, an input for it, and its formula in NumPy."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from fastgrad import nn
from fastgrad.nn import (
    MLP,
    Activation,
    Dropout,
    Embedding,
    Layer,
    LayerNorm,
    Linear,
    Module,
    ModuleList,
    Neuron,
    RMSNorm,
    Sequential,
)

X = [0.5, -1.25, 2.0]
Y = [1.0, -1.0, 0.25]


def shaken(layer: Any, seed: int = 0) -> Any:
    """The layer with random parameters, so that gains are not 1 and offsets not 0."""
    chance = random.Random(seed)
    for p in layer.parameters():
        p.data = chance.uniform(-2.0, 2.0)
    return layer


def data(values: Any) -> list[float]:
    return [v.data for v in values]


def numbers(layer: Any, name: str) -> Any:
    return np.array([n for key, n in layer.state_dict().items() if key.split(".")[0] == name])


def linear(layer: Linear, x: Any) -> Any:
    weight = numbers(layer, "weight").reshape(layer.nout, layer.nin)
    return weight @ x + (numbers(layer, "bias") if layer.bias else 0.0)


def rms_norm(layer: RMSNorm, x: Any) -> Any:
    return x / np.sqrt((x * x).mean() + layer.eps) * (numbers(layer, "gain") if layer.gain else 1.0)


def layer_norm(layer: LayerNorm, x: Any) -> Any:
    out = (x - x.mean()) / np.sqrt(x.var() + layer.eps)
    return out * (numbers(layer, "gain") if layer.gain else 1.0) + (numbers(layer, "bias") if layer.bias else 0.0)


def neuron(one: Neuron, x: Any) -> Any:
    total = np.array([w.data for w in one.w]) @ x + one.b.data
    return np.tanh(total) if one.nonlin else total


def normal_distribution(x: Any) -> Any:
    return np.array([0.5 * math.erfc(-each / math.sqrt(2.0)) for each in x])


def layer(neurons: Layer, x: Any) -> Any:
    return np.array([neuron(each, x) for each in neurons.neurons])


#: A layer with three inputs, and its formula in NumPy.
LAYERS: dict[str, tuple[Callable[[], Module], Callable[[Any, Any], Any]]] = {
    "Linear": (lambda: Linear(3, 4), linear),
    "Linear without bias": (lambda: Linear(3, 2, bias=False), linear),
    "RMSNorm": (lambda: RMSNorm(3), rms_norm),
    "RMSNorm without gain": (lambda: RMSNorm(3, eps=0.5, gain=False), rms_norm),
    "LayerNorm": (lambda: LayerNorm(3), layer_norm),
    "LayerNorm without gain": (lambda: LayerNorm(3, eps=0.5, gain=False), layer_norm),
    "LayerNorm without gain and bias": (lambda: LayerNorm(3, gain=False, bias=False), layer_norm),
    "Activation": (lambda: Activation("tanh"), lambda _, x: np.tanh(x)),
    "softmax": (lambda: Activation("softmax"), lambda _, x: np.exp(x) / np.exp(x).sum()),
    "log_softmax": (lambda: Activation("log_softmax"), lambda _, x: x - np.logaddexp.reduce(x)),
    "ReLU": (nn.ReLU, lambda _, x: np.maximum(x, 0.0)),
    "Tanh": (nn.Tanh, lambda _, x: np.tanh(x)),
    "Sigmoid": (nn.Sigmoid, lambda _, x: 1 / (1 + np.exp(-x))),
    "GELU": (nn.GELU, lambda _, x: x * normal_distribution(x)),
    "SiLU": (nn.SiLU, lambda _, x: x / (1 + np.exp(-x))),
    "Softplus": (nn.Softplus, lambda _, x: np.logaddexp(x, 0.0)),
    "LeakyReLU": (nn.LeakyReLU, lambda _, x: np.where(x > 0, x, 0.01 * x)),
    "LeakyReLU with a slope": (lambda: nn.LeakyReLU(0.3), lambda _, x: np.where(x > 0, x, 0.3 * x)),
    "ELU": (nn.ELU, lambda _, x: np.where(x > 0, x, np.expm1(x))),
    "ELU with an alpha": (lambda: nn.ELU(alpha=0.3), lambda _, x: np.where(x > 0, x, 0.3 * np.expm1(x))),
    "Softmax": (lambda: nn.Softmax(dim=-1), lambda _, x: np.exp(x) / np.exp(x).sum()),
    "LogSoftmax": (nn.LogSoftmax, lambda _, x: x - np.logaddexp.reduce(x)),
    "Sequential": (lambda: Sequential(Linear(3, 3), "tanh"), lambda net, x: np.tanh(linear(net[0], x))),
    "Layer": (lambda: Layer(3, 4, activation="tanh"), layer),
    "MLP": (lambda: MLP(3, [4, 2], activation="tanh"), lambda net, x: layer(net.layers[1], layer(net.layers[0], x))),
}
every_layer = pytest.mark.parametrize("name", LAYERS)


def made(name: str) -> tuple[Any, Callable[[Any, Any], Any]]:
    make, formula = LAYERS[name]
    layer = make()
    if name != "Sequential":
        shaken(layer)
    return layer, formula


@dataclass(frozen=True)
class Sample:
    """Any module, an input for it, and its formula."""

    make: Callable[[], Module]
    formula: Callable[[Any, Any], Any]
    x: Any = tuple(X)
    call: Callable[[Any, Any], Any] = lambda module, x: module(x)

    def results(self, module: Module) -> list[float]:
        results = self.call(module, self.x)
        return [float(each) for each in (results if isinstance(results, list) else [results])]


#: All modules. Those that are not layers take something other than numbers, return something other than a list, or
#: have two modes.
MODULES: dict[str, Sample] = {
    **{name: Sample(*row) for name, row in LAYERS.items()},
    "Neuron": Sample(lambda: Neuron(3, activation="tanh"), neuron),
    "Embedding": Sample(lambda: Embedding(4, 2), lambda table, i: numbers(table, "weight").reshape(4, 2)[i], x=2),
    "Dropout": Sample(lambda: Dropout(0.5).eval(), lambda _, x: x),
    "Identity": Sample(nn.Identity, lambda _, x: x, call=lambda module, x: list(module(x))),
    "MSELoss": Sample(nn.MSELoss, lambda _, x: ((x - Y) ** 2).mean(), call=lambda module, x: module(x, Y)),
    "CrossEntropyLoss": Sample(
        nn.CrossEntropyLoss, lambda _, x: np.logaddexp.reduce(x) - x[2], call=lambda module, x: module(x, 2)
    ),
    "ModuleList": Sample(
        lambda: ModuleList([Linear(3, 2), RMSNorm(3)]),
        lambda both, x: [*linear(both[0], x), *rms_norm(both[1], x)],
        call=lambda both, x: [v for each in both for v in each(x)],
    ),
}
every_module = pytest.mark.parametrize("sample", MODULES.values(), ids=MODULES)
