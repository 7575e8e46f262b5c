"""Initializers: the initial values of a layer's weights.

Each is a function of the layer's numbers of inputs and outputs, ``nin`` and ``nout``, and returns ``nout`` rows of
``nin`` floats, drawn row by row. ``nin`` is the fan-in and ``nout`` the fan-out of the formulas. ``generator`` is a
``random.Random``; by default it is Python's ``random`` module, as in micrograd, so that ``random.seed`` applies.

A layer takes any such function: ``Linear(64, 10, init=he_normal)``, or with options
``Linear(64, 10, init=functools.partial(he_normal, negative_slope=0.01))``.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Literal, Protocol, cast

__all__ = [
    "Initializer", "constant", "he_normal", "he_uniform", "normal", "ones", "uniform", "xavier_normal",
    "xavier_uniform", "zeros",
]  # fmt: skip

Generator = random.Random | None
Rows = list[list[float]]
Fan = Literal["fan_in", "fan_out"]


class Initializer(Protocol):
    """The type of a layer's ``init`` argument."""

    def __call__(self, nin: int, nout: int, *, generator: Generator) -> Sequence[Sequence[float]]:
        """``nout`` rows of ``nin`` numbers."""


def source_of(generator: Generator) -> random.Random:
    """The generator, or for None Python's ``random`` module.

    Raises:
        TypeError: it is neither a ``random.Random`` nor None.
    """
    if generator is None:
        return cast("random.Random", random)
    if not isinstance(generator, random.Random):
        raise TypeError(f"generator must be a random.Random, such as random.Random(0), not {generator!r}")
    return generator


def _rows(nin: int, nout: int, draw: Callable[[], float]) -> Rows:
    return [[draw() for _ in range(nin)] for _ in range(nout)]


def uniform(nin: int, nout: int, *, low: float = -1.0, high: float = 1.0, generator: Generator = None) -> Rows:
    """Uniform in [low, high); with the defaults, micrograd's weights. Variance (high - low)^2 / 12."""
    source = source_of(generator)
    return _rows(nin, nout, lambda: source.uniform(low, high))


def normal(nin: int, nout: int, *, mean: float = 0.0, std: float = 1.0, generator: Generator = None) -> Rows:
    """Normal with the given mean and standard deviation."""
    source = source_of(generator)
    return _rows(nin, nout, lambda: source.gauss(mean, std))


def constant(nin: int, nout: int, *, value: float, generator: Generator = None) -> Rows:
    """The same number everywhere; nothing is drawn."""
    return _rows(nin, nout, lambda: value)


def zeros(nin: int, nout: int, *, generator: Generator = None) -> Rows:
    """0 everywhere; nothing is drawn."""
    return constant(nin, nout, value=0.0)


def ones(nin: int, nout: int, *, generator: Generator = None) -> Rows:
    """1 everywhere; nothing is drawn."""
    return constant(nin, nout, value=1.0)


def xavier_uniform(nin: int, nout: int, *, gain: float = 1.0, generator: Generator = None) -> Rows:
    """Uniform in [-a, a) with a = gain * sqrt(6 / (nin + nout)). Variance 2 * gain^2 / (nin + nout).

    Keeps the variance of activations and of gradients about equal from layer to layer, for activations that are
    nearly linear around 0, such as tanh: Glorot and Bengio 2010, "Understanding the difficulty of training deep
    feedforward neural networks", equation 16.
    """
    bound = gain * math.sqrt(6.0 / (nin + nout))
    return uniform(nin, nout, low=-bound, high=bound, generator=generator)


def xavier_normal(nin: int, nout: int, *, gain: float = 1.0, generator: Generator = None) -> Rows:
    """Normal with mean 0 and standard deviation gain * sqrt(2 / (nin + nout)): see `xavier_uniform`, equation 12."""
    return normal(nin, nout, std=gain * math.sqrt(2.0 / (nin + nout)), generator=generator)


def he_uniform(
    nin: int, nout: int, *, negative_slope: float = 0.0, mode: Fan = "fan_in", generator: Generator = None
) -> Rows:
    """Uniform in [-a, a) with a = sqrt(3) * std, where std is that of `he_normal`; PyTorch's ``kaiming_uniform_``.

    Raises:
        ValueError: the mode is unknown.
    """
    bound = math.sqrt(3.0) * _he_std(nin, nout, negative_slope, mode)
    return uniform(nin, nout, low=-bound, high=bound, generator=generator)


def he_normal(
    nin: int, nout: int, *, negative_slope: float = 0.0, mode: Fan = "fan_in", generator: Generator = None
) -> Rows:
    """Normal with mean 0 and std = sqrt(2 / ((1 + negative_slope^2) * fan)); PyTorch's ``kaiming_normal_``.

    The fan is ``nin``, which preserves the variance of activations through relu, or ``nout``, which preserves that of
    the gradients: He et al. 2015, "Delving deep into rectifiers", equations 10, 14 and 15.

    Args:
        negative_slope: of the leaky_relu that follows; 0 for relu.
        mode: ``"fan_in"`` or ``"fan_out"``.

    Raises:
        ValueError: the mode is unknown.
    """
    return normal(nin, nout, std=_he_std(nin, nout, negative_slope, mode), generator=generator)


def _he_std(nin: int, nout: int, negative_slope: float, mode: Fan) -> float:
    fans = {"fan_in": nin, "fan_out": nout}
    if mode not in fans:
        raise ValueError(f"mode must be 'fan_in' or 'fan_out', not {mode!r}")
    return math.sqrt(2.0 / ((1.0 + negative_slope**2) * fans[mode]))
