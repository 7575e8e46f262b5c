"""The sums that layers are made of, over the numbers of any engine."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from operator import mul
from typing import Any

# sum and map stay in C: a generator expression costs more for each product than the product itself.


def dot(weights: Iterable[Any], xs: Iterable[Any], bias: Any = 0) -> Any:
    """``bias + weights[0] * xs[0] + weights[1] * xs[1] + ...``, added from the left."""
    return sum(map(mul, weights, xs), bias)


def mean(xs: Collection[Any]) -> Any:
    """The mean of one number or more."""
    return sum(xs) / len(xs)


def mean_of_squares(xs: Collection[Any]) -> Any:
    """The mean of the squares of one number or more."""
    return dot(xs, xs) / len(xs)
