"""Sequence operations for layers: one native operation for this engine's numbers, ordinary ones for another's."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from operator import mul
from typing import Any

from fastgrad import _core


def dot(weights: Sequence[Any], xs: Collection[Any], bias: Any = 0.0) -> Any:
    """``bias + weights[0] * xs[0] + weights[1] * xs[1] + ...``, using the engine of the weights."""
    if isinstance(weights[0], _core.Value):
        return _core.dot(weights, xs, bias)
    return sum(map(mul, weights, xs), bias)


def total(xs: Collection[Any]) -> Any:
    """The sum of the numbers."""
    return sum(xs) if _of_another_engine(xs) else _core.sum(xs)


def mean(xs: Collection[Any]) -> Any:
    """The mean of one number or more."""
    return sum(xs) / len(xs) if _of_another_engine(xs) else _core.mean(xs)


def mean_of_squares(xs: Collection[Any]) -> Any:
    """The mean of the squares of one number or more."""
    return (sum(map(mul, xs, xs)) if _of_another_engine(xs) else _core.dot(xs, xs)) / len(xs)


def mse(xs: Collection[Any], targets: Collection[Any]) -> Any:
    """The mean of the squares of the differences."""
    if not _of_another_engine([*xs, *targets]):
        return _core.mse(xs, targets)
    return mean_of_squares([x - target for x, target in zip(xs, targets, strict=True)])


def cross_entropy(logits: Collection[Any], target: Any) -> Any:
    """The negative logarithm of the target's `softmax`."""
    return -log_softmax(logits)[target] if _of_another_engine(logits) else _core.cross_entropy(logits, target)


def softmax(xs: Collection[Any]) -> list[Any]:
    """``exp(xs[i]) / sum(exp(xs))`` for each i."""
    if not _of_another_engine(xs):
        return _core.softmax(xs)
    exponentials = [x.exp() for x in _shifted(xs)]
    total = sum(exponentials)
    return [exponential / total for exponential in exponentials]


def log_softmax(xs: Collection[Any]) -> list[Any]:
    """The logarithms of `softmax`."""
    if not _of_another_engine(xs):
        return _core.log_softmax(xs)
    shifted = _shifted(xs)
    log_total = sum(x.exp() for x in shifted).log()
    return [x - log_total for x in shifted]


def _shifted(xs: Collection[Any]) -> list[Any]:
    """The numbers minus the largest, so that no exponential overflows."""
    largest = max(getattr(x, "data", x) for x in xs)
    return [x - largest for x in xs]


def _of_another_engine(xs: Collection[Any]) -> bool:
    """Whether the numbers include Values that the native operations would take for plain numbers."""
    return any(hasattr(kind, "backward") and not issubclass(kind, _core.Value) for kind in {*map(type, xs)})
