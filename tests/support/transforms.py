"""Shared by the tests of fastgrad.functional: the transforms, and functions to transform."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fastgrad import Value
from fastgrad.functional import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp

POINT = [0.5, -1.5, 2.0]
TRANSFORMS: dict[str, Callable[[Callable[[Any], Any]], Callable[[Any], Any]]] = {
    "grad": grad,
    "value_and_grad": value_and_grad,
    "jacobian": jacobian,
    "hessian": hessian,
    "jvp": lambda f: lambda x: jvp(f, (x,), (x,)),
    "vjp": lambda f: lambda x: vjp(f, x)[1](1.0),
    "hvp": lambda f: lambda x: hvp(f, x, x),
}
every_transform = pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)


def rosenbrock(x: Any) -> Any:
    return sum(100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (1.0 - x[i]) ** 2 for i in range(len(x) - 1))


def rosenbrock_hessian(x: list[float]) -> Any:
    n = len(x)
    expected = np.zeros((n, n))
    for i in range(n - 1):
        expected[i, i] += 1200.0 * x[i] ** 2 - 400.0 * x[i + 1] + 2.0
        expected[i + 1, i + 1] += 200.0
        expected[i, i + 1] = expected[i + 1, i] = -400.0 * x[i]
    return expected


def cube(x: Value) -> Value:
    """A custom operation with a closure, as in micrograd."""
    out = Value(x.data**3, (x,), "cube")

    def backward() -> None:
        x.grad += 3.0 * x.data**2 * out.grad

    out._backward = backward
    return out


def data_of(tree: Any) -> Any:
    """Nested Values as nested floats."""
    if isinstance(tree, (list, tuple)):
        return type(tree)(map(data_of, tree))
    return np.vectorize(float)(tree) if isinstance(tree, np.ndarray) else tree.data
