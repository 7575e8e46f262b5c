"""The table of operations, `fastgrad.reference.OPERATIONS`, expanded into test cases, and bits compared."""

from __future__ import annotations

import math
import operator
import struct
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import pytest

from fastgrad.reference import INEXACT, OPERATIONS, Operation

#: Operations that Python spells with an operator.
OPERATORS: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "pow": operator.pow,
    "neg": operator.neg,
    "abs": abs,
}

#: Zeros, the smallest and the largest subnormal numbers, both sides of pi, large numbers, infinities, nan.
EDGE_VALUES = (
    *(0.0, -0.0, 5e-324, -5e-324, 2.225073858507201e-308, -2.225073858507201e-308, 0.001, -0.001),
    *(math.pi - 1e-5, math.pi + 1e-5, -math.pi - 1e-5, -math.pi + 1e-5),
    *(1e20, -1e20, math.inf, -math.inf, math.nan),
)

#: Rows whose second operand is an integer: properties that hold for real numbers are not tested there.
INTEGER_ORDERS = ("polygamma",)


def every(belongs: Callable[[Operation], bool]) -> pytest.MarkDecorator:
    rows = [pytest.param(row, id=name) for name, row in OPERATIONS.items() if belongs(row)]
    return pytest.mark.parametrize("operation", rows)


every_operation = every(lambda row: True)
#: stop_gradient declares its derivative to be 0, which is not that of its value.
every_true_derivative = every(lambda row: row.name not in ("stop_gradient", *INTEGER_ORDERS))
every_binary_operation = every(lambda row: len(row.partials) == 2 and row.name not in INTEGER_ORDERS)
every_parametric_operation = every(lambda row: row.parameter is not None and row.name not in INTEGER_ORDERS)

Outcome = float | type[Exception]


def all_arguments(operation: Operation) -> Iterator[tuple[float, ...]]:
    """Every point, every edge, and all combinations of edge values."""
    yield from operation.points
    yield from operation.edges
    yield from product(EDGE_VALUES, repeat=len(operation.partials))


def outcome(function: Callable[..., Any], *arguments: Any) -> Outcome:
    """The float that a call returns, or the type of the error that it raises."""
    try:
        return float(function(*arguments))
    except (ArithmeticError, ValueError) as error:
        return type(error)


def bits(x: float) -> str:
    """The 64 bits of a float, with one spelling for all nans."""
    return "nan" if math.isnan(x) else struct.pack(">d", x).hex()


def same(operation: str, x: Outcome, y: Outcome) -> bool:
    """Equal bits; for the functions that this Python's `math` lacks, 4 units in the last place."""
    if not (isinstance(x, float) and isinstance(y, float)):
        return x is y
    return bits(x) == bits(y) or (operation in INEXACT and math.isclose(x, y, rel_tol=1e-15, abs_tol=5e-324))
