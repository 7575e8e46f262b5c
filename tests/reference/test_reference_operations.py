"""The table of the oracle: `fastgrad.reference` against mpmath at 50 digits, and Python's own `math`."""

from __future__ import annotations

import ast
import itertools
import math
import operator
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fastgrad import _core, reference
from fastgrad.reference import OPERATIONS, Operation
from support.exact import EXTREMES, INF, NAN, TOLERANCE, error, exact_function, exact_partial, exact_value, outcome
from support.operations import bits, every, every_operation, every_true_derivative

ERROR_KINDS = {row.name: row.error_kind for row in _core.operations()}


def test_an_operation_without_an_oracle_is_an_error() -> None:
    with pytest.raises(AssertionError, match="no oracle for 'frobnicate'"):
        exact_function("frobnicate")


# ---- the table -------------------------------------------------------------------------------------------------


@every_operation
def test_a_row_has_enough_points_and_edges(operation: Operation) -> None:
    arity = len(operation.partials)
    assert len(operation.points) >= 5
    assert all(len(arguments) == arity for arguments in operation.points + operation.edges)
    assert all(type(x) is float for arguments in operation.points + operation.edges for x in arguments)
    at_edges = {bits(x) for arguments in operation.edges for x in arguments}
    assert at_edges >= {bits(x) for x in (0.0, -0.0, 5e-324, 1e308, INF, -INF, NAN)}


# ---- values and partial derivatives ----------------------------------------------------------------------------


@every_operation
def test_value_is_exact(operation: Operation) -> None:
    for arguments in operation.points:
        exact = exact_value(operation.name, *arguments)
        assert error(operation.value(*arguments), exact) <= TOLERANCE, arguments


@every_true_derivative
def test_partials_are_exact(operation: Operation) -> None:
    for arguments in operation.points:
        result = operation.value(*arguments)
        for index, partial in enumerate(operation.partials):
            exact = exact_partial(operation.name, index, *arguments)
            assert error(partial(*arguments, result), exact) <= TOLERANCE, (arguments, index)


def test_the_derivative_of_polygamma_is_the_next_polygamma() -> None:
    row = OPERATIONS["polygamma"]
    for x, n in row.points:
        assert row.partials[0](x, n, NAN) == row.value(x, n + 1.0)
        assert error(row.value(x, n + 1.0), exact_value("polygamma", x, n + 1.0)) <= TOLERANCE, (x, n)
        assert row.partials[1](x, n, NAN) == 0.0


def test_the_derivative_of_a_power_of_a_negative_base() -> None:
    dx, dy = OPERATIONS["pow"].partials
    for x, y in ((-2.0, 3.0), (-2.0, -3.0), (-0.5, 4.0), (-3.0, 1.0)):
        assert error(dx(x, y, x**y), exact_partial("pow", 0, x, y)) <= TOLERANCE
        assert math.isnan(dy(x, y, x**y))


def real_power(x: float, y: float) -> Any:
    """Python's own, except for complex numbers, in which (-1e300) ** 1.5 would overflow."""
    if -INF < x < 0.0 and math.isfinite(y) and y != math.floor(y):
        raise ValueError
    return x**y


# Python's own spelling of an operation, if it is not `math.<name>`.
PYTHON: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "pow": real_power,
    "neg": operator.neg,
    "abs": abs,
    "floor": lambda x: math.floor(x) or math.copysign(0.0, x),
    "ceil": lambda x: math.ceil(x) or math.copysign(0.0, x),
    "less": lambda x, y: float(x < y),
    "less_equal": lambda x, y: float(x <= y),
    "keep_if": lambda x, y: x if y else -0.0,
    "drop_if": lambda x, y: -0.0 if y else x,
    "stop_gradient": operator.pos,
}
PYTHON |= {name: getattr(math, name) for name in OPERATIONS if hasattr(math, name) and name not in PYTHON}


def random_arguments(count: int, arity: int, seed: str) -> list[tuple[float, ...]]:
    """Half of them near 1, half of any size."""
    rng = random.Random(seed)
    near = [rng.uniform(-3.0, 3.0) for _ in range(count * arity // 2)]
    far = [rng.choice((-1.0, 1.0)) * 10.0 ** rng.uniform(-300.0, 300.0) for _ in near]
    numbers = near + far
    rng.shuffle(numbers)
    return list(zip(*(numbers[i::arity] for i in range(arity)), strict=True))


@pytest.mark.parametrize("name", PYTHON)
def test_values_and_errors_are_those_of_python(name: str) -> None:
    operation = OPERATIONS[name]
    arity = len(operation.partials)
    for arguments in (
        *operation.points,
        *operation.edges,
        *itertools.product(EXTREMES, repeat=arity),
        *random_arguments(2000, arity, name),
    ):
        assert outcome(operation.value, *arguments) == outcome(PYTHON[name], *arguments), arguments


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("div", (1.0, 0.0), "ZeroDivisionError"),
        ("div", (NAN, -0.0), "ZeroDivisionError"),
        ("pow", (0.0, -1.0), "ZeroDivisionError"),
        ("pow", (10.0, 400.0), "OverflowError"),
        ("pow", (-8.0, 1.0 / 3.0), "ValueError"),
        ("pow", (-1e300, 1.5), "ValueError"),
        ("exp", (710.0,), "OverflowError"),
        ("exp2", (1024.0,), "OverflowError"),
        ("log", (0.0,), "ValueError"),
        ("log1p", (-1.0,), "ValueError"),
        ("sqrt", (-5e-324,), "ValueError"),
        ("sin", (INF,), "ValueError"),
        ("cosh", (-711.0,), "OverflowError"),
        ("atanh", (1.0,), "ValueError"),
        ("lgamma", (-1.0,), "ValueError"),
        ("lgamma", (1e308,), "OverflowError"),
        ("floor", (NAN,), "ValueError"),
        ("ceil", (INF,), "OverflowError"),
        ("erfinv", (1.0,), "ValueError"),
        ("erfinv", (-1.0,), "ValueError"),
        ("erfinv", (1.1,), "ValueError"),
        ("erfinv", (-INF,), "ValueError"),
        ("digamma", (0.0,), "ValueError"),
        ("digamma", (-0.0,), "ValueError"),
        ("digamma", (-3.0,), "ValueError"),
        ("digamma", (-INF,), "ValueError"),
        ("logit", (0.0,), "ValueError"),
        ("logit", (-0.0,), "ValueError"),
        ("logit", (1.0,), "ValueError"),
        ("logit", (1.5,), "ValueError"),
        ("logit", (INF,), "ValueError"),
        ("logit", (-INF,), "ValueError"),
    ],
)
def test_errors(name: str, arguments: tuple[float, ...], expected: str) -> None:
    assert outcome(OPERATIONS[name].value, *arguments) == expected


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("add", (1e308, 1e308), INF),
        ("mul", (1e308, 10.0), INF),
        ("pow", (0.0, -INF), INF),
        ("pow", (-INF, 0.5), INF),
        ("hypot", (1e308, 1.7e308), INF),
        ("hypot", (INF, NAN), INF),
        ("exp", (-INF,), 0.0),
        ("tanh", (-INF,), -1.0),
        ("digamma", (INF,), INF),
        ("digamma", (NAN,), NAN),
        ("erfinv", (-0.0,), -0.0),
        ("erfinv", (NAN,), NAN),
        ("logit", (NAN,), NAN),
        ("sigmoid", (INF,), 1.0),
        ("sigmoid", (-INF,), 0.0),
        ("sigmoid", (-1e308,), 0.0),
        ("softplus", (INF,), INF),
        ("softplus", (-INF,), 0.0),
        ("relu", (-0.0,), -0.0),
        ("relu", (NAN,), NAN),
        ("relu", (-INF,), 0.0),
        ("leaky_relu", (-0.0, 0.01), -0.0),
        ("elu", (-INF, 2.0), -2.0),
        ("elu", (1e308, 1.0), 1e308),
        ("gelu", (INF,), INF),
        ("silu", (INF,), INF),
        ("silu", (-0.0,), -0.0),
        ("maximum", (0.0, -0.0), 0.0),
        ("maximum", (-0.0, 0.0), -0.0),
        ("maximum", (1.0, NAN), NAN),
        ("maximum", (NAN, 1.0), NAN),
        ("minimum", (0.0, -0.0), 0.0),
        ("minimum", (INF, NAN), NAN),
        ("minimum", (NAN, -INF), NAN),
        ("floor", (-0.0,), -0.0),
        ("floor", (0.5,), 0.0),
        ("ceil", (-0.5,), -0.0),
        ("ceil", (0.0,), 0.0),
        ("logaddexp", (-INF, -INF), -INF),
        ("logaddexp", (INF, -INF), INF),
        ("logaddexp", (1e308, -1e308), 1e308),
        ("less", (NAN, 1.0), 0.0),
        ("less", (-0.0, 0.0), 0.0),
        ("less_equal", (NAN, NAN), 0.0),
        ("less_equal", (0.0, -0.0), 1.0),
        ("keep_if", (NAN, -0.0), -0.0),
        ("keep_if", (3.0, NAN), 3.0),
        ("drop_if", (INF, 5e-324), -0.0),
        ("drop_if", (-0.0, 0.0), -0.0),
        ("stop_gradient", (NAN,), NAN),
    ],
)
def test_values_at_the_edges(name: str, arguments: tuple[float, ...], expected: float) -> None:
    assert outcome(OPERATIONS[name].value, *arguments) == bits(expected)


@every(lambda row: ERROR_KINDS[row.name] == "never")
def test_values_never_raise_where_the_table_says_so(operation: Operation) -> None:
    for arguments in (*operation.edges, *itertools.product(EXTREMES, repeat=len(operation.partials))):
        assert isinstance(operation.value(*arguments), float), arguments


@every_operation
def test_partials_never_raise(operation: Operation) -> None:
    """For any result, even one that the value function would refuse to return."""
    for arguments in (
        *itertools.product(EXTREMES, repeat=len(operation.partials) + 1),
        *((*edge, result) for edge in operation.edges for result in EXTREMES),
    ):
        for partial in operation.partials:
            assert isinstance(partial(*arguments), float), arguments


# ---- kinks and poles -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("relu", (0.0,), [0.0]),
        ("relu", (-0.0,), [0.0]),
        ("relu", (NAN,), [0.0]),
        ("relu", (5e-324,), [1.0]),
        ("abs", (0.0,), [0.0]),
        ("abs", (-0.0,), [0.0]),
        ("abs", (-5e-324,), [-1.0]),
        ("abs", (NAN,), [NAN]),
        ("maximum", (2.0, 2.0), [0.5, 0.5]),
        ("maximum", (0.0, -0.0), [0.5, 0.5]),
        ("maximum", (1.0, 2.0), [0.0, 1.0]),
        ("minimum", (2.0, 2.0), [0.5, 0.5]),
        ("minimum", (1.0, 2.0), [1.0, 0.0]),
        ("sqrt", (0.0,), [INF]),
        ("cbrt", (0.0,), [INF]),
        ("pow", (0.0, 0.0), [0.0, 0.0]),
        ("pow", (-3.0, 0.0), [0.0, NAN]),
        ("pow", (INF, 0.0), [0.0, INF]),
        ("pow", (0.0, 1.0), [1.0, 0.0]),
        ("pow", (0.0, 2.0), [0.0, 0.0]),
        ("pow", (0.0, 0.5), [INF, 0.0]),
        ("hypot", (0.0, 0.0), [0.0, 0.0]),
        ("hypot", (-2.0, 0.0), [-1.0, 0.0]),
        ("asin", (1.0,), [INF]),
        ("acos", (-1.0,), [-INF]),
        ("acosh", (1.0,), [INF]),
        ("leaky_relu", (0.0, 0.01), [0.01, 0.0]),
        ("elu", (0.0, 2.0), [2.0, 0.0]),
        ("copysign", (0.0, -1.0), [-0.0, 0.0]),
        ("copysign", (-3.0, -0.0), [1.0, 0.0]),
        ("floor", (2.0,), [0.0]),
        ("ceil", (2.0,), [0.0]),
        ("keep_if", (2.0, 0.0), [0.0, 0.0]),
        ("keep_if", (2.0, NAN), [1.0, 0.0]),
        ("drop_if", (2.0, -0.0), [1.0, 0.0]),
        ("drop_if", (2.0, NAN), [0.0, 0.0]),
        ("stop_gradient", (2.0,), [0.0]),
    ],
)
def test_partials_at_kinks(name: str, arguments: tuple[float, ...], expected: list[float]) -> None:
    operation = OPERATIONS[name]
    result = operation.value(*arguments)
    assert [bits(partial(*arguments, result)) for partial in operation.partials] == [bits(x) for x in expected]


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("div", (1.0, 0.0, INF), [INF, -INF]),
        ("div", (1.0, -0.0, -INF), [-INF, -INF]),
        ("div", (0.0, 0.0, NAN), [INF, NAN]),
        ("pow", (0.0, -1.0, INF), [-INF, -INF]),
        ("pow", (-0.0, -2.0, INF), [INF, -INF]),
        ("pow", (-8.0, 1.0 / 3.0, NAN), [NAN, NAN]),
        ("pow", (-1e200, 3.0, -INF), [INF, NAN]),
        ("log", (0.0, -INF), [INF]),
        ("log", (-0.0, -INF), [-INF]),
        ("sin", (INF, NAN), [NAN]),
        ("cos", (-INF, NAN), [NAN]),
        ("sinh", (-1000.0, -INF), [INF]),
        ("cosh", (-1000.0, INF), [-INF]),
        ("acosh", (0.5, NAN), [NAN]),
        ("atanh", (-1.0, -INF), [INF]),
        ("erfinv", (1.0, INF), [INF]),
        ("lgamma", (-2.0, INF), [NAN]),
        ("digamma", (-2.0, NAN), [INF]),
        ("logit", (1.0, INF), [INF]),
    ],
)
def test_partials_beyond_the_domain_are_those_of_ieee_754(
    name: str, arguments: tuple[float, ...], expected: list[float]
) -> None:
    assert [bits(partial(*arguments)) for partial in OPERATIONS[name].partials] == [bits(x) for x in expected]


# ---- independence ----------------------------------------------------------------------------------------------


def test_the_reference_takes_nothing_but_words_from_the_rest_of_the_package() -> None:
    imports = set()
    for path in Path(reference.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imports |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imports |= {f"{node.module or '.' * node.level}.{alias.name}" for alias in node.names}
    assert "math" in imports
    foreign = {name for name in imports if name.partition(".")[0] not in sys.stdlib_module_names}
    assert {name for name in foreign if not name.startswith("fastgrad.reference")} == {"fastgrad._core.operations"}
