"""Helpers for tests of recorded functions: counting runs, and comparing with the eager engine."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from fastgrad import Value
from fastgrad.compile.trees import flatten

TOLERANCE = 1e-12


class Counted:
    """A function that counts how often Python runs it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.runs = 0

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        self.runs += 1
        return self.function(*arguments, **named)


def values_in(tree: Any) -> list[Value]:
    """The Values of a nested argument or result, in order; its plain numbers are left out."""
    leaves: list[Any] = []
    flatten(tree, leaves)
    return [leaf for leaf in leaves if isinstance(leaf, Value)]


def differentiated(function: Callable[..., Any], arguments: Any, parameters: list[Value]) -> tuple[Any, ...]:
    """The results' numbers, and the gradients of all arguments and parameters for a weighted sum of the results."""
    for leaf in [*values_in(arguments), *parameters]:
        leaf.grad = 0.0
    leaves: list[Any] = []
    flatten(function(*arguments), leaves)
    results = [leaf if isinstance(leaf, Value) else Value(leaf) for leaf in leaves]
    weighted: Any = sum((i + 1.0) * result for i, result in enumerate(results))
    weighted.backward()
    gradients = [leaf.grad for leaf in [*values_in(arguments), *parameters]]
    return [result.data for result in results], gradients


def assert_same_as_eager(
    recorded: Callable[..., Any], function: Callable[..., Any], arguments: Any, parameters: list[Value] | None = None
) -> None:
    """Two calls of the recorded function (one may record, one replays) give the plain function's results."""
    expected = differentiated(function, arguments, parameters or [])
    for _ in range(2):
        numbers, gradients = differentiated(recorded, arguments, parameters or [])
        assert numbers == pytest.approx(expected[0], rel=TOLERANCE, abs=TOLERANCE)
        assert gradients == pytest.approx(expected[1], rel=TOLERANCE, abs=TOLERANCE)


def random_rows(rows: int, columns: int, seed: int = 0) -> list[list[float]]:
    listed: list[list[float]] = np.random.default_rng(seed).uniform(-1.0, 1.0, (rows, columns)).tolist()
    return listed


def each_parameter(model: Any) -> Iterator[tuple[float, float]]:
    for p in model.parameters():
        yield p.data, p.grad
