"""Activations: operations by name, as modules with PyTorch's names, and the user's own functions."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from operator import methodcaller
from typing import Any, ClassVar

from fastgrad import _core
from fastgrad.engine import Value
from fastgrad.nn.module import Module
from fastgrad.nn.sums import log_softmax, softmax

__all__ = [
    "ELU", "GELU", "Activation", "Function", "Identity", "LeakyReLU", "LogSoftmax", "ReLU", "SiLU", "Sigmoid",
    "Softmax", "Softplus", "Tanh",
]  # fmt: skip

Function = str | Callable[[Any], Any]

_ROWS = {row.name: row for row in _core.operations() if row.arity == 1 or row.parameter is not None}
_NAMES = list(_ROWS)
_NAME_OF = {id(getattr(owner, name)): name for owner in (_core, Value) for name in _NAMES}
_OF_A_SEQUENCE = {"softmax": softmax, "log_softmax": log_softmax}


class Activation(Module):
    """A function as a module. `Sequential` wraps its steps that are not modules in one.

    Args:
        function: the name of an operation with one operand, such as ``"relu"``, or the operation itself, such as
            ``fastgrad.relu``, which is applied to each number; or ``"softmax"``, ``"log_softmax"``, or any other
            function, which is called with the whole input.

    Raises:
        ValueError: no operation has that name.
        TypeError: the function is neither a name nor callable.
    """

    def __init__(self, function: Function) -> None:
        self.function = function
        name = function if isinstance(function, str) else _NAME_OF.get(id(function))
        if name in _OF_A_SEQUENCE:
            self._apply: Callable[[Any], Any] = _OF_A_SEQUENCE[name]
        else:
            self._apply = partial(_to_each, name) if name in _NAMES else function_of(function)

    def forward(self, x: Any) -> Any:
        """The function's result; for an operation, the results for a list of numbers or Values, or for one."""
        return self._apply(x)

    __call__ = forward

    def __repr__(self) -> str:
        return f"Activation({_shown(self.function)})"


class _OfEachNumber(Module):
    """An operation of the table as a module; a subclass names it, and gets its docstring from the table."""

    _operation: ClassVar[str]
    _options: ClassVar[tuple[str, ...]] = ()  #: the attributes that are the operation's further arguments

    def __init_subclass__(cls, operation: str = "", options: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not operation:
            return  # a user's subclass
        cls._operation, cls._options = operation, options
        row = _ROWS[operation]
        arguments = f", with ``{options[0]}`` as {row.parameter}" if options else ""
        cls.__doc__ = f"`fastgrad.{operation}` of a number, or of each number of a list: {row.title}{arguments}."

    def forward(self, x: Any) -> Any:
        """The result for a number or Value, or the list of results for a list of them."""
        return _to_each(self._operation, x, *[getattr(self, name) for name in self._options])

    __call__ = forward

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={getattr(self, name)}" for name in self._options)
        return f"{type(self).__name__}({options})"


# fmt: off
class ReLU(_OfEachNumber, operation="relu"): ...
class Tanh(_OfEachNumber, operation="tanh"): ...
class Sigmoid(_OfEachNumber, operation="sigmoid"): ...
class GELU(_OfEachNumber, operation="gelu"): ...
class SiLU(_OfEachNumber, operation="silu"): ...
class Softplus(_OfEachNumber, operation="softplus"): ...
# fmt: on


class LeakyReLU(_OfEachNumber, operation="leaky_relu", options=("negative_slope",)):
    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = negative_slope


class ELU(_OfEachNumber, operation="elu", options=("alpha",)):
    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha


class Softmax(Module):
    """`fastgrad.softmax` of the numbers of one sample.

    Args:
        dim: accepted for PyTorch's sake; a sample has one dimension, which is 0 or -1.

    Raises:
        ValueError: ``dim`` is another dimension.
    """

    def __init__(self, dim: int | None = None) -> None:
        if dim not in (None, 0, -1):
            raise ValueError(
                f"{type(self).__name__} takes one sample, whose dimension is 0 or -1, got dim={dim!r}: map over "
                "samples with vmap or a loop"
            )

    def forward(self, x: Collection[Any]) -> list[Any]:
        """As many numbers as the sample has."""
        return softmax(x)

    __call__ = forward


class LogSoftmax(Softmax):
    """`fastgrad.log_softmax` of the numbers of one sample; the argument is that of `Softmax`."""

    def forward(self, x: Collection[Any]) -> list[Any]:
        """As many numbers as the sample has."""
        return log_softmax(x)

    __call__ = forward


class Identity(Module):
    """Returns its input unchanged."""

    def forward(self, x: Any) -> Any:
        """``x`` itself."""
        return x

    __call__ = forward


def function_of(activation: Function) -> Callable[[Any], Any]:
    """The activation as a function of a Value.

    Raises:
        ValueError: no operation has the activation's name.
        TypeError: the activation is neither a name nor callable.
    """
    if not isinstance(activation, str):
        if not callable(activation):
            raise TypeError(f"the activation must be an operation's name or a function, got {activation!r}")
        return activation
    if activation not in _NAMES:
        raise ValueError(f"unknown activation {activation!r}: choose one of {', '.join(_NAMES)}, or give a function")
    return methodcaller(activation)


def title_of(activation: Function) -> str:
    """The activation's name as part of a class name."""
    if activation == "relu":
        return "ReLU"
    return "".join(part[:1].upper() + part[1:] for part in _shown(activation).strip("<>").split("_"))


def _shown(activation: Function) -> str:
    if isinstance(activation, str):
        return activation
    return str(getattr(activation, "__name__", type(activation).__name__))


def _to_each(name: str, x: Any, *options: Any) -> Any:
    if hasattr(x, "__len__"):
        return [_to_each(name, each, *options) for each in x]
    method = getattr(x, name, None)  # of a Value of any engine
    return method(*options) if method else getattr(_core, name)(x, *options)
