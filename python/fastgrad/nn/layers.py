"""Layers: `Linear`, `Embedding`, `RMSNorm`, `LayerNorm`, `Dropout`.

Each takes one sample, a list, tuple or array of numbers or Values, and returns a list. In a recorded function they
are plain arithmetic, like everything else.
"""

from __future__ import annotations

import operator
import random
from collections.abc import Collection
from itertools import repeat
from operator import add, mul
from typing import Any

from fastgrad import _core
from fastgrad.compile.trees import is_array
from fastgrad.engine import Value
from fastgrad.nn.init import Initializer, normal, source_of, xavier_uniform
from fastgrad.nn.module import Module
from fastgrad.nn.sums import dot, mean, mean_of_squares

__all__ = ["Dropout", "Embedding", "LayerNorm", "Linear", "RMSNorm"]


class Linear(Module):
    """``weight @ x + bias``: ``nout`` sums of ``nin`` products.

    Args:
        nin: number of inputs.
        nout: number of outputs.
        bias: whether there is a bias, initially 0.
        init: the weights' initializer, any of `fastgrad.nn.init` or a function like them.
        generator: the source of random numbers, a ``random.Random``; by default Python's ``random`` module.

    Attributes:
        weight: ``nout`` rows of ``nin`` Values.
        bias: ``nout`` Values, or None.

    Raises:
        ValueError: ``nin`` or ``nout`` is below 1, or the initializer returns anything but ``nout`` rows of ``nin``
            numbers.
        TypeError: the generator is not a ``random.Random``.
    """

    def __init__(
        self,
        nin: int,
        nout: int,
        bias: bool = True,
        *,
        init: Initializer = xavier_uniform,
        generator: random.Random | None = None,
    ) -> None:
        _require_positive(self, nin=nin, nout=nout)
        self.nin = nin
        self.nout = nout
        self.weight = _matrix(init, nin, nout, generator)
        self.bias = _vector(0.0, nout) if bias else None

    def forward(self, x: Collection[Any]) -> list[Value]:
        """``nout`` Values for ``nin`` numbers or Values.

        Raises:
            ValueError: the length of ``x`` is not ``nin``.
        """
        x = _sample(self, x, self.nin)
        return [dot(row, x, b) for row, b in zip(self.weight, self.bias or repeat(0.0), strict=False)]

    __call__ = forward

    def __repr__(self) -> str:
        return f"Linear({self.nin}, {self.nout}{', bias=False' * (self.bias is None)})"


class Embedding(Module):
    """A table with one row of ``dim`` Values for each of ``count`` items, such as the letters of an alphabet.

    Args:
        count: number of rows.
        dim: length of each row.
        init: the rows' initializer, called with ``dim`` as ``nin`` and ``count`` as ``nout``; by default normal with
            standard deviation 1, as in PyTorch.
        generator: the source of random numbers, a ``random.Random``; by default Python's ``random`` module.

    Attributes:
        weight: ``count`` rows of ``dim`` Values.

    Raises:
        ValueError: ``count`` or ``dim`` is below 1, or the initializer returns anything but ``count`` rows of ``dim``
            numbers.
        TypeError: the generator is not a ``random.Random``.
    """

    def __init__(
        self, count: int, dim: int, *, init: Initializer = normal, generator: random.Random | None = None
    ) -> None:
        _require_positive(self, count=count, dim=dim)
        self.count = count
        self.dim = dim
        self.weight = _matrix(init, dim, count, generator)

    def forward(self, index: int) -> list[Value]:
        """The row with that index, 0 to ``count - 1``: ``dim`` Values.

        Raises:
            IndexError: the row does not exist; negative indices are not supported.
            TypeError: the index is not an integer. In a recorded function numbers are Values: look the row up outside
                and pass it as the argument, or name the index in ``static_argnames``.
        """
        try:
            position = operator.index(index)
        except TypeError:
            raise TypeError(
                f"{self} takes an integer, not {index!r} of type '{type(index).__name__}'; in a recorded function "
                "numbers are Values: look the row up outside and give it as the argument, or name the index in "
                "static_argnames"
            ) from None
        if not 0 <= position < self.count:
            raise IndexError(f"{self} has the rows 0 to {self.count - 1}, and no row {position}")
        return list(self.weight[position])

    __call__ = forward

    def __repr__(self) -> str:
        return f"Embedding({self.count}, {self.dim})"


class RMSNorm(Module):
    """``x / sqrt(mean(x^2) + eps) * gain``.

    Zhang and Sennrich 2019, "Root mean square layer normalization", equation 4, with PyTorch's ``eps``.

    Args:
        dim: number of inputs and outputs.
        eps: added so that the root is not 0.
        gain: whether each output has a trainable factor, initially 1.

    Attributes:
        gain: ``dim`` Values, or None.

    Raises:
        ValueError: ``dim`` is below 1, or ``eps`` is negative.
    """

    def __init__(self, dim: int, eps: float = 1e-5, *, gain: bool = True) -> None:
        _require_positive(self, dim=dim)
        self.dim = dim
        self.eps = _checked_eps(eps)
        self.gain = _vector(1.0, dim) if gain else None

    def forward(self, x: Collection[Any]) -> list[Value]:
        """``dim`` Values for ``dim`` numbers or Values.

        Raises:
            ValueError: the length of ``x`` is not ``dim``.
        """
        x = _sample(self, x, self.dim)
        out = _scaled(x, mean_of_squares(x) + self.eps)
        return list(map(mul, out, self.gain)) if self.gain else out

    __call__ = forward

    def __repr__(self) -> str:
        return f"RMSNorm({self.dim}, eps={self.eps}{', gain=False' * (self.gain is None)})"


class LayerNorm(Module):
    """``(x - mean) / sqrt(variance + eps) * gain + bias``.

    Mean and variance are those of the ``dim`` inputs; the variance is the mean of the squared deviations: Ba, Kiros
    and Hinton 2016, "Layer normalization", equations 3 and 4, with PyTorch's ``eps``.

    Args:
        dim: number of inputs and outputs.
        eps: added so that the root is not 0.
        gain: whether each output has a trainable factor, initially 1.
        bias: whether each output has a trainable offset, initially 0.

    Attributes:
        gain: ``dim`` Values, or None.
        bias: ``dim`` Values, or None.

    Raises:
        ValueError: ``dim`` is below 1, or ``eps`` is negative.
    """

    def __init__(self, dim: int, eps: float = 1e-5, *, gain: bool = True, bias: bool = True) -> None:
        _require_positive(self, dim=dim)
        self.dim = dim
        self.eps = _checked_eps(eps)
        self.gain = _vector(1.0, dim) if gain else None
        self.bias = _vector(0.0, dim) if bias else None

    def forward(self, x: Collection[Any]) -> list[Value]:
        """``dim`` Values for ``dim`` numbers or Values.

        Raises:
            ValueError: the length of ``x`` is not ``dim``.
        """
        x = _sample(self, x, self.dim)
        middle = mean(x)
        deviations = [each - middle for each in x]
        out = _scaled(deviations, mean_of_squares(deviations) + self.eps)
        if self.gain:
            out = list(map(mul, out, self.gain))
        return list(map(add, out, self.bias)) if self.bias else out

    __call__ = forward

    def __repr__(self) -> str:
        options = ", gain=False" * (self.gain is None) + ", bias=False" * (self.bias is None)
        return f"LayerNorm({self.dim}, eps={self.eps}{options})"


class Dropout(Module):
    """In training, sets each number to 0 with probability ``p`` and multiplies the others by ``1 / (1 - p)``.

    In evaluation it is the identity. Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from
    overfitting", in the form that scales during training, so that evaluation needs no scaling.

    A recording would reuse one mask forever. So in a function that `jit` or `vmap` records, the mask is an argument:
    ``dropout(x, mask)``, with a mask that the caller draws by ``dropout.mask(len(x))``. In evaluation that mask is
    all 1.

    Args:
        p: the probability, 0 to 1.
        generator: the source of masks, a ``random.Random``; by default Python's ``random`` module. Its state is not
            part of ``state_dict()``.

    Raises:
        ValueError: ``p`` is not between 0 and 1.
        TypeError: the generator is not a ``random.Random``.
    """

    def __init__(self, p: float = 0.5, *, generator: random.Random | None = None) -> None:
        if not 0.0 <= p <= 1.0:
            raise ValueError(f"a probability is between 0 and 1, got p={p!r}")
        source_of(generator)
        self.p = p
        self.generator = generator

    def mask(self, count: int) -> list[float]:
        """A factor for each of ``count`` numbers: in training 0 with probability ``p``, else ``1 / (1 - p)``; else 1.

        Raises:
            TypeError: in training, a function is being recorded.
        """
        if not self.training:
            return [1.0] * count
        if _core.is_tracing():
            raise TypeError(
                f"{self} would draw one mask for all calls of a recorded function: draw it outside, by "
                "dropout.mask(n), give it to the function as an argument, and use it as dropout(x, mask=mask)"
            )
        draw = source_of(self.generator).random
        kept = 1.0 / (1.0 - self.p) if self.p < 1.0 else 0.0
        return [0.0 if draw() < self.p else kept for _ in range(count)]

    def forward(self, x: Collection[Any], mask: Collection[Any] | None = None) -> list[Any]:
        """The numbers or Values of ``x``, each multiplied by its factor.

        Args:
            x: any number of numbers or Values.
            mask: a factor for each, from `mask`; by default a new one is drawn.

        Raises:
            ValueError: the length of the mask differs from that of ``x``.
            TypeError: in training, a function is being recorded and no mask is given.
        """
        if mask is None:
            if not self.training:
                return list(x)
            mask = self.mask(len(x))
        elif len(mask) != len(x):
            raise ValueError(f"{self} was given {len(x)} numbers and a mask for {len(mask)}")
        return list(map(mul, x, mask))

    __call__ = forward

    def __repr__(self) -> str:
        return f"Dropout({self.p})"


def _require_positive(layer: Module, **sizes: int) -> None:
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{type(layer).__name__} needs {name} of at least 1, got {name}={size}")


def _checked_eps(eps: float) -> float:
    if not eps >= 0.0:
        raise ValueError(f"eps must be 0 or more, got eps={eps!r}")
    return eps


def _vector(number: float, length: int) -> list[Value]:
    return [Value(number) for _ in range(length)]


def _matrix(init: Initializer, nin: int, nout: int, generator: random.Random | None) -> list[list[Value]]:
    rows = [[Value(number) for number in row] for row in init(nin, nout, generator=generator)]
    if len(rows) != nout or any(len(row) != nin for row in rows):
        lengths = sorted({len(row) for row in rows})
        raise ValueError(f"the initializer must give {nout} rows of {nin} numbers, not {len(rows)} of {lengths}")
    return rows


def _sample(layer: Module, x: Any, length: int) -> Collection[Any]:
    """The numbers or Values of one sample.

    Raises:
        ValueError: there are more or fewer than `length`, or it is an array of samples.
        TypeError: it is a single number.
    """
    if not hasattr(x, "__len__"):
        raise TypeError(f"{layer} takes a list of {length} inputs, not {x!r} of type '{type(x).__name__}'")
    if is_array(x):
        if x.ndim > 1:
            raise ValueError(
                f"{layer} takes one sample of {length} inputs, got an array of shape {x.shape}: map over it with vmap"
            )
        x = x.tolist()  # Python's numbers: the squares of small integer types would overflow
    if len(x) != length:
        raise ValueError(f"{layer} takes {length} inputs, got {len(x)}")
    out: Collection[Any] = x
    return out


def _scaled(xs: Collection[Any], square: Any) -> list[Any]:
    """The numbers divided by the root of `square`."""
    scale = square**-0.5
    return [x * scale for x in xs]
