"""The table of operations on sequences: how tests call each, and what it is in mpmath."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import mpmath
import pytest


@dataclass
class Sequenced:
    """An operation as a function of one flat sequence, and what it is in mpmath."""

    name: str
    call: Callable[[Any, Sequence[Any]], Any]  # of fastgrad or the reference, and the numbers
    exact: Callable[[list[Any]], Any]
    step: int = 1  # how many numbers belong together
    bias: int = 0

    def lengths(self) -> list[int]:
        return [n * self.step + self.bias for n in (1, 2, 3, 8)]


def exact_softmax(xs: list[Any]) -> list[Any]:
    total = mpmath.fsum(map(mpmath.exp, xs))
    return [mpmath.exp(x) / total for x in xs]


def exact_dot(xs: list[Any]) -> Any:
    return mpmath.fsum(map(operator.mul, xs[0::2], xs[1::2])) + (xs[-1] if len(xs) % 2 else 0)


def exact_logsumexp(xs: list[Any]) -> Any:
    return mpmath.log(mpmath.fsum(map(mpmath.exp, xs)))


def call(name: str) -> Callable[[Any, Sequence[Any]], Any]:
    return lambda module, xs: getattr(module, name)(xs)


TABLE = [
    Sequenced("sum", call("sum"), mpmath.fsum),
    Sequenced("mean", call("mean"), lambda xs: mpmath.fsum(xs) / len(xs)),
    Sequenced("dot", lambda m, xs: m.dot(xs[0::2], xs[1::2]), exact_dot, step=2),
    Sequenced("dot", lambda m, xs: m.dot(xs[0:-1:2], xs[1::2], xs[-1]), exact_dot, step=2, bias=1),
    Sequenced("norm", call("norm"), mpmath.norm),
    Sequenced("max", call("max"), max),
    Sequenced("min", call("min"), min),
    Sequenced(
        "mse",
        lambda m, xs: m.mse(xs[0::2], xs[1::2]),
        lambda xs: mpmath.fsum((p - t) ** 2 for p, t in zip(xs[0::2], xs[1::2], strict=True)) * 2 / len(xs),
        step=2,
    ),
    Sequenced("logsumexp", call("logsumexp"), exact_logsumexp),
    Sequenced("cross_entropy", lambda m, xs: m.cross_entropy(xs, 0), lambda xs: exact_logsumexp(xs) - xs[0]),
    Sequenced("softmax", call("softmax"), exact_softmax),
    Sequenced("log_softmax", call("log_softmax"), lambda xs: list(map(mpmath.log, exact_softmax(xs)))),
]
IDS = [f"{row.name}{' and bias' if row.bias else ''}" for row in TABLE]

every_sequence = pytest.mark.parametrize("row", TABLE, ids=IDS)
