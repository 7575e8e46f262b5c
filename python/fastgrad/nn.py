"""Networks of scalar neurons, as in micrograd: `Module`, `Neuron`, `Layer`, `MLP`.

Weights come from Python's ``random`` module in micrograd's order, so that ``random.seed`` gives micrograd's network.
Parameters need only be numbers with a ``grad``: a network whose parameters were replaced by another engine's
Values computes with that engine.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence
from operator import methodcaller, mul
from typing import Any

from fastgrad import _core
from fastgrad.engine import Value

__all__ = ["MLP", "Layer", "Module", "Neuron"]

Activation = str | Callable[[Any], Any]


class Module:
    """Something with parameters."""

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to 0."""
        for p in self.parameters():
            p.grad = 0.0

    def parameters(self) -> list[Value]:
        """The Values to train, in a fixed order; none here, subclasses say more."""
        return []


class Neuron(Module):
    """``activation(w . x + b)``, or ``w . x + b`` when ``nonlin`` is false.

    Args:
        nin: number of inputs.
        nonlin: whether to apply the activation.
        activation: the name of an operation with one operand, such as ``"relu"`` or ``"tanh"``, or a function
            from a Value to a Value.

    Attributes:
        w: ``nin`` weights, uniform in [-1, 1).
        b: the bias, 0.

    Raises:
        ValueError: ``nin`` is below 1, or no operation has the activation's name.
        TypeError: the activation is neither a name nor callable.
    """

    def __init__(self, nin: int, nonlin: bool = True, activation: Activation = "relu") -> None:
        if nin < 1:
            raise ValueError(f"a neuron needs at least 1 input, got nin={nin}")
        self._activate = _function_of(activation)
        self.w = [Value(random.uniform(-1, 1)) for _ in range(nin)]
        self.b = Value(0)
        self.nonlin = nonlin
        self.activation = activation

    def __call__(self, x: Collection[Any]) -> Value:
        """The neuron's output for ``nin`` numbers or Values: a list, a tuple, a NumPy row.

        Raises:
            ValueError: ``x`` has another length than ``nin``.
        """
        if len(x) != len(self.w):
            raise ValueError(f"the neuron takes {len(self.w)} inputs, got {len(x)}")
        # sum and map stay in C: a generator expression costs more for each product than the product itself.
        out: Value = sum(map(mul, self.w, x), self.b)
        return self._activate(out) if self.nonlin else out

    def parameters(self) -> list[Value]:
        """The weights, then the bias: ``nin + 1`` Values."""
        return [*self.w, self.b]

    def __repr__(self) -> str:
        return f"{_title(self.activation) if self.nonlin else 'Linear'}Neuron({len(self.w)})"


class Layer(Module):
    """``nout`` neurons that read the same ``nin`` inputs; ``kwargs`` go to each `Neuron`.

    Raises:
        ValueError: ``nin`` or ``nout`` is below 1, or no operation has the activation's name.
    """

    def __init__(self, nin: int, nout: int, **kwargs: Any) -> None:
        if nout < 1:
            raise ValueError(f"a layer needs at least 1 neuron, got nout={nout}")
        self.neurons = [Neuron(nin, **kwargs) for _ in range(nout)]

    # The result is Any rather than a union: which of the two it is, the type checker cannot know, but the user does.
    def __call__(self, x: Any) -> Any:
        """The neurons' outputs for ``nin`` inputs: a list of ``nout`` Values, or the Value itself if ``nout`` is 1.

        A single number or Value counts as one input, so that a layer can follow a layer of one neuron.

        Raises:
            ValueError: ``x`` has another length than ``nin``.
        """
        if not hasattr(x, "__len__"):
            x = (x,)
        out = [neuron(x) for neuron in self.neurons]
        return out[0] if len(out) == 1 else out

    def parameters(self) -> list[Value]:
        """The neurons' parameters in their order: ``nout * (nin + 1)`` Values."""
        return [p for neuron in self.neurons for p in neuron.parameters()]

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(map(str, self.neurons))}]"


class MLP(Module):
    """A multi-layer perceptron: ``nin`` inputs, then one layer for each size in ``nouts``, the last one linear.

    Args:
        nin: number of inputs.
        nouts: neurons in each layer.
        activation: of the hidden layers, as for `Neuron`.

    Raises:
        ValueError: ``nin`` or a size is below 1, ``nouts`` is empty, or no operation has the activation's name.
    """

    def __init__(self, nin: int, nouts: Sequence[int], *, activation: Activation = "relu") -> None:
        if not len(nouts):
            raise ValueError(f"an MLP needs at least 1 layer, got nouts={nouts!r}")
        sizes, last = [nin, *nouts], len(nouts) - 1
        self.layers = [Layer(sizes[i], nout, nonlin=i != last, activation=activation) for i, nout in enumerate(nouts)]

    def __call__(self, x: Any) -> Any:
        """The last layer's outputs for ``nin`` inputs: a list of Values, or the Value itself if it has one neuron.

        Raises:
            ValueError: ``x`` has another length than ``nin``.
        """
        for layer in self.layers:
            x = layer(x)
        return x

    def parameters(self) -> list[Value]:
        """The layers' parameters in their order."""
        return [p for layer in self.layers for p in layer.parameters()]

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(map(str, self.layers))}]"


def _function_of(activation: Activation) -> Callable[[Any], Any]:
    if not isinstance(activation, str):
        if not callable(activation):
            raise TypeError(f"the activation must be an operation's name or a function, got {activation!r}")
        return activation
    names = [row.name for row in _core.operations() if row.arity == 1 or row.parameter is not None]
    if activation not in names:
        raise ValueError(f"unknown activation {activation!r}: choose one of {', '.join(names)}, or give a function")
    return methodcaller(activation)


def _title(activation: Activation) -> str:
    if activation == "relu":
        return "ReLU"
    name = activation if isinstance(activation, str) else getattr(activation, "__name__", type(activation).__name__)
    return "".join(part[:1].upper() + part[1:] for part in name.strip("<>").split("_"))
