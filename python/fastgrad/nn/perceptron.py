"""micrograd's networks of scalar neurons: `Neuron`, `Layer`, `MLP`.

Weights come from Python's ``random`` module in micrograd's order, so that ``random.seed`` gives micrograd's network.
Each class defines `parameters`, as in micrograd: finding them, as `Module` does, takes 20 times as long.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from typing import Any

from fastgrad.engine import Value
from fastgrad.nn.activations import Function, function_of, title_of
from fastgrad.nn.init import uniform
from fastgrad.nn.module import Module
from fastgrad.nn.sums import dot

__all__ = ["MLP", "Layer", "Neuron"]


class Neuron(Module):
    """``activation(w . x + b)``, or ``w . x + b`` when ``nonlin`` is false.

    Args:
        nin: number of inputs.
        nonlin: whether to apply the activation.
        activation: the name of an operation with one operand, such as ``"relu"`` or ``"tanh"``, or a function from a
            Value to a Value.
        generator: the source of the weights; by default Python's ``random`` module.

    Attributes:
        w: ``nin`` weights, uniform in [-1, 1).
        b: the bias, 0.

    Raises:
        ValueError: ``nin`` is below 1, or no operation has the activation's name.
        TypeError: the activation is neither a name nor callable, or the generator is not a ``random.Random``.
    """

    opens_scope = False  # it would cost as much as the neuron itself

    def __init__(
        self,
        nin: int,
        nonlin: bool = True,
        activation: Function = "relu",
        *,
        generator: random.Random | None = None,
    ) -> None:
        if nin < 1:
            raise ValueError(f"a neuron needs at least 1 input, got nin={nin}")
        self._activate = function_of(activation)
        self.w = [Value(number) for number in uniform(nin, 1, generator=generator)[0]]
        self.b = Value(0)
        self.nonlin = nonlin
        self.activation = activation

    def forward(self, x: Collection[Any]) -> Value:
        """The neuron's output for ``nin`` numbers or Values: a list, a tuple, a NumPy row.

        Raises:
            ValueError: the length of ``x`` is not ``nin``.
        """
        if len(x) != len(self.w):
            raise ValueError(f"the neuron takes {len(self.w)} inputs, got {len(x)}")
        out: Value = dot(self.w, x, self.b)
        return self._activate(out) if self.nonlin else out

    __call__ = forward

    def parameters(self) -> list[Value]:
        """The weights, then the bias: ``nin + 1`` Values."""
        return [*self.w, self.b]

    def __repr__(self) -> str:
        return f"{title_of(self.activation) if self.nonlin else 'Linear'}Neuron({len(self.w)})"


class Layer(Module):
    """``nout`` neurons with the same ``nin`` inputs; ``kwargs`` are passed to each `Neuron`.

    Raises:
        ValueError: ``nin`` or ``nout`` is below 1, or no operation has the activation's name.
    """

    def __init__(self, nin: int, nout: int, **kwargs: Any) -> None:
        if nout < 1:
            raise ValueError(f"a layer needs at least 1 neuron, got nout={nout}")
        self.neurons = [Neuron(nin, **kwargs) for _ in range(nout)]

    # The result is Any rather than a union: the user knows which of the two it is, but the type checker cannot.
    def forward(self, x: Any) -> Any:
        """The neurons' outputs for ``nin`` inputs: a list of ``nout`` Values, or the Value itself if ``nout`` is 1.

        A single number or Value counts as one input, so that a layer can follow a layer of one neuron.

        Raises:
            ValueError: the length of ``x`` is not ``nin``.
        """
        if not hasattr(x, "__len__"):
            x = (x,)
        out = [neuron(x) for neuron in self.neurons]
        return out[0] if len(out) == 1 else out

    __call__ = forward

    def parameters(self) -> list[Value]:
        """The neurons' parameters in order: ``nout * (nin + 1)`` Values."""
        return [p for neuron in self.neurons for p in neuron.parameters()]

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(map(str, self.neurons))}]"


class MLP(Module):
    """A multi-layer perceptron: ``nin`` inputs, then one layer for each size in ``nouts``, the last one linear.

    Args:
        nin: number of inputs.
        nouts: neurons in each layer.
        activation: of the hidden layers, as for `Neuron`.
        generator: the source of the weights; by default Python's ``random`` module.

    Raises:
        ValueError: ``nin`` or a size is below 1, ``nouts`` is empty, or no operation has the activation's name.
    """

    def __init__(
        self,
        nin: int,
        nouts: Sequence[int],
        *,
        activation: Function = "relu",
        generator: random.Random | None = None,
    ) -> None:
        if not len(nouts):
            raise ValueError(f"an MLP needs at least 1 layer, got nouts={nouts!r}")
        sizes, last = [nin, *nouts], len(nouts) - 1
        self.layers = [
            Layer(sizes[i], nout, nonlin=i != last, activation=activation, generator=generator)
            for i, nout in enumerate(nouts)
        ]

    def forward(self, x: Any) -> Any:
        """The last layer's outputs for ``nin`` inputs: a list of Values, or the Value itself if it has one neuron.

        Raises:
            ValueError: the length of ``x`` is not ``nin``.
        """
        for layer in self.layers:
            x = layer(x)
        return x

    __call__ = forward

    def parameters(self) -> list[Value]:
        """The layers' parameters in order."""
        return [p for layer in self.layers for p in layer.parameters()]

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(map(str, self.layers))}]"
