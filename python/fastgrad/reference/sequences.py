"""The sequence operations as ordinary operations: what a fused node computes, and its gradient.

Each takes sequences of Values, of numbers, or of both, and returns Values, or floats if there are only numbers.
Additions run from left to right.
"""

from __future__ import annotations

import functools
import math
import operator
import sys
from collections.abc import Sequence
from typing import Any

from fastgrad.reference import engine

Number = Any  #: a float or a Value

__all__ = [
    "cross_entropy", "dot", "log_softmax", "logsumexp", "max", "mean", "min", "mse", "norm", "softmax", "sum",
]  # fmt: skip


def arguments(layout: str, operands: Sequence[Number], target: int = 0) -> tuple[Any, ...]:
    """The arguments of a call whose node has these operands: the inverse of the table's column `layout`."""
    if layout == "sequence":
        return (operands,)
    if layout == "sequence_and_target":
        return operands, target
    pairs = len(operands) // 2 * 2
    return operands[0:pairs:2], operands[1:pairs:2], *operands[pairs:]


def sum(xs: Sequence[Number]) -> Number:
    """The sum; 0.0 for an empty sequence."""
    return functools.reduce(operator.add, xs) if len(xs) else 0.0


def mean(xs: Sequence[Number]) -> Number:
    """The arithmetic mean."""
    return sum(xs) / float(len(xs))


def dot(ws: Sequence[Number], xs: Sequence[Number], bias: Number | None = None) -> Number:
    """``bias + ws[0] * xs[0] + ws[1] * xs[1] + ...``"""
    products = map(operator.mul, ws, xs)
    if bias is not None:
        return functools.reduce(operator.add, products, bias)
    return functools.reduce(operator.add, products) if len(ws) else 0.0


def max(xs: Sequence[Number]) -> Number:
    """The largest element."""
    return functools.reduce(engine.maximum, xs)


def min(xs: Sequence[Number]) -> Number:
    """The smallest element."""
    return functools.reduce(engine.minimum, xs)


def norm(xs: Sequence[Number]) -> Number:
    """The Euclidean length."""
    return functools.reduce(engine.hypot, xs[1:], engine.abs(xs[0]))


def mse(predictions: Sequence[Number], targets: Sequence[Number]) -> Number:
    """The mean squared error."""
    differences = (prediction - target for prediction, target in zip(predictions, targets, strict=True))
    return mean([difference * difference for difference in differences])


def logsumexp(xs: Sequence[Number]) -> Number:
    """``log(exp(xs[0]) + exp(xs[1]) + ...)``, shifted so that nothing overflows."""
    shift, _, _, total = _exponentials(xs)
    return _log(total) + shift


def cross_entropy(logits: Sequence[Number], target: int) -> Number:
    """``logsumexp(logits) - logits[target]``"""
    _, shifted, _, total = _exponentials(logits)
    return _log(total) - shifted[target]


def softmax(xs: Sequence[Number]) -> list[Number]:
    """``exp(xs[i]) / sum(exp(xs))`` for each i."""
    _, _, exponentials, total = _exponentials(xs)
    return [exponential / total for exponential in exponentials]


def log_softmax(xs: Sequence[Number]) -> list[Number]:
    """``xs[i] - logsumexp(xs)`` for each i."""
    _, shifted, _, total = _exponentials(xs)
    log_total = _log(total)
    return [x - log_total for x in shifted]


def _exponentials(xs: Sequence[Number]) -> tuple[float, list[Number], list[Number], Number]:
    """The shift, a number, then the shifted numbers, their exponentials, and the sum of these."""
    most = sys.float_info.max
    shift = -most
    for x in xs:
        shift = engine.maximum(float(x), shift)
    shift = engine.minimum(shift, most)
    shifted = [x - shift for x in xs]
    exponentials = [engine.exp(x) for x in shifted]
    return shift, shifted, exponentials, sum(exponentials)


def _log(total: Number) -> Number:
    """The logarithm, with -inf for 0, where `math.log` raises: the exponentials of -inf add up to 0."""
    if float(total) != 0.0:
        return engine.log(total)
    return -math.inf if isinstance(total, float) else engine.Value(-math.inf, (total,), (math.inf,))
