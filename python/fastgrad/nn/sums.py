"""The sums that layers are made of: one native operation for this engine's numbers, ordinary ones for any other's."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from operator import mul
from typing import Any

from fastgrad import _core
from fastgrad.engine import Value

#: What the native operations are fast for. Other numbers work as well, and another engine's Values only so.
_NATIVE = frozenset((Value, float, int))


def dot(weights: Sequence[Any], xs: Iterable[Any], bias: Any = 0.0) -> Any:
    """``bias + weights[0] * xs[0] + weights[1] * xs[1] + ...``, added from the left, in the weights' engine."""
    if isinstance(weights[0], _core.Value):
        return _core.dot(weights, xs, bias)
    return sum(map(mul, weights, xs), bias)


def mean(xs: Collection[Any]) -> Any:
    """The mean of one number or more."""
    return _core.mean(xs) if _NATIVE.issuperset(map(type, xs)) else sum(xs) / len(xs)


def mean_of_squares(xs: Collection[Any]) -> Any:
    """The mean of the squares of one number or more."""
    return (_core.dot(xs, xs) if _NATIVE.issuperset(map(type, xs)) else sum(map(mul, xs, xs))) / len(xs)
