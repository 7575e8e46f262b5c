"""Activations: operations by name, and the user's own functions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from operator import methodcaller
from typing import Any

from fastgrad import _core
from fastgrad.engine import Value
from fastgrad.nn.module import Module
from fastgrad.nn.sums import log_softmax, softmax

__all__ = ["Activation", "Function"]

Function = str | Callable[[Any], Any]

_NAMES = [row.name for row in _core.operations() if row.arity == 1 or row.parameter is not None]
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


def _to_each(name: str, x: Any) -> Any:
    if hasattr(x, "__len__"):
        return [_to_each(name, each) for each in x]
    method = getattr(x, name, None)  # of a Value of any engine
    return method() if method else getattr(_core, name)(x)
