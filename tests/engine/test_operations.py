"""Every operation of the table against the reference: values, gradients, errors, and kinds of operands."""

from __future__ import annotations

import builtins
import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fastgrad
from fastgrad import Value, _core, reference
from fastgrad.reference import OPERATIONS, Operation
from support.operations import (
    EDGE_VALUES,
    OPERATORS,
    all_arguments,
    bits,
    every_binary_operation,
    every_operation,
    every_parametric_operation,
    every_true_derivative,
    outcome,
    same,
)

BINARY_OPERATORS = {name: OPERATORS[name] for name in ("add", "sub", "mul", "div", "pow")}

NUMBERS = {
    "int": 2,
    "float": 2.5,
    "bool": True,
    "numpy.float64": np.float64(2.5),
    "numpy.float32": np.float32(2.5),
    "numpy.int64": np.int64(2),
    "numpy.bool": np.bool_(True),
}
every_number = pytest.mark.parametrize("number", NUMBERS.values(), ids=NUMBERS)
every_operator = pytest.mark.parametrize("name", BINARY_OPERATORS)


def function_of(operation: Operation) -> Callable[..., Any]:
    return getattr(fastgrad, operation.name)


def gradients(module: Any, operation: Operation, arguments: tuple[float, ...]) -> list[float]:
    """What backward() adds to each operand's gradient, which starts at -0.0 so that the sign of a zero shows."""
    operands = [module.Value(argument) for argument in arguments]
    for operand in operands:
        operand.grad = -0.0
    getattr(module, operation.name)(*operands).backward()
    return [operand.grad for operand in operands]


def moderate_points(operation: Operation) -> list[tuple[float, ...]]:
    """Points where a step of a millionth crosses neither the end of the domain nor a kink at x = y."""
    return [
        point
        for point in operation.points
        if all(0.01 <= abs(x) <= 50.0 for x in point) and not 0.0 < abs(point[0] - point[-1]) < 1e-3
    ]


# ---- the table is complete


def test_every_row_of_the_table_is_specified_in_the_reference_in_the_same_order():
    specified = [(name, len(row.partials)) for name, row in OPERATIONS.items()]
    assert [(row.name, row.arity) for row in fastgrad.operations()] == specified


def test_every_operation_is_exported_and_nothing_else_is_by_the_core():
    sequences = [row.name for row in fastgrad.sequence_operations() if not hasattr(builtins, row.name)]
    assert _core.__all__ == [*OPERATIONS, *sequences]
    assert set(OPERATIONS) <= set(fastgrad.__all__)


@every_operation
def test_every_operation_is_a_documented_function_and_method(operation: Operation):
    for callable_ in (function_of(operation), getattr(Value, operation.name)):
        assert inspect.getdoc(callable_).startswith(operation.title)
        parameters = inspect.signature(callable_).parameters
        assert len(parameters) == len(operation.partials)
        if operation.parameter is not None:
            assert parameters[operation.parameter].default == operation.default


@every_operation
def test_every_operation_has_points_for_the_finite_differences(operation: Operation):
    assert moderate_points(operation)


# ---- values


@every_operation
def test_forward_values_and_errors_are_those_of_the_reference(operation: Operation):
    wrong = []
    for arguments in all_arguments(operation):
        ours = outcome(function_of(operation), *map(Value, arguments))
        expected = outcome(operation.value, *arguments)
        if not same(operation.name, ours, expected):
            wrong.append((arguments, ours, expected))
    assert wrong == []


@every_operation
def test_method_function_and_function_of_plain_numbers_agree(operation: Operation):
    for arguments in all_arguments(operation):
        of_values = outcome(function_of(operation), *map(Value, arguments))
        of_numbers = outcome(function_of(operation), *arguments)
        method = outcome(getattr(Value(arguments[0]), operation.name), *map(Value, arguments[1:]))
        assert same("", of_values, of_numbers), arguments
        assert same("", of_values, method), arguments


@every_operation
def test_function_of_plain_numbers_gives_a_plain_float(operation: Operation):
    assert type(function_of(operation)(*operation.points[0])) is float


@every_operation
def test_result_remembers_its_operands_and_its_symbol(operation: Operation):
    operands = [Value(x) for x in operation.points[0]]
    result = function_of(operation)(*operands)
    assert type(result) is Value
    assert result._op == operation.symbol
    assert result._prev == set(operands)


@pytest.mark.parametrize("name", OPERATORS)
def test_operator_is_the_function_of_the_same_name(name: str):
    for arguments in all_arguments(OPERATIONS[name]):
        values = list(map(Value, arguments))
        ours = outcome(OPERATORS[name], *values)
        assert same("", ours, outcome(getattr(fastgrad, name), *values)), arguments


def test_subnormal_numbers_are_not_flushed_to_zero():
    assert (Value(5e-324) * 1.0).data == 5e-324
    assert (Value(1e-308) / 1e10).data == 1e-308 / 1e10 > 0.0


# ---- gradients


@every_operation
def test_gradients_are_those_of_the_reference(operation: Operation):
    wrong = []
    for arguments in all_arguments(operation):
        if not isinstance(outcome(operation.value, *arguments), float):
            continue
        ours = gradients(fastgrad, operation, arguments)
        expected = gradients(reference, operation, arguments)
        if not all(map(same, [operation.name] * len(ours), ours, expected)):
            wrong.append((arguments, ours, expected))
    assert wrong == []


@every_true_derivative
def test_gradients_are_near_central_differences(operation: Operation):
    function = function_of(operation)
    for point in moderate_points(operation):
        for i, gradient in enumerate(gradients(fastgrad, operation, point)):
            h = 1e-6 * abs(point[i])
            above, below = (function(*point[:i], point[i] + step, *point[i + 1 :]) for step in (h, -h))
            scale = max(1.0, abs(above))
            assert (above - below) / (2 * h) == pytest.approx(gradient, rel=1e-3, abs=1e-6 * scale), point


@every_binary_operation
def test_same_value_on_both_sides_gets_both_gradients(operation: Operation):
    for x in (0.3, 2.0):
        v = Value(x)
        function_of(operation)(v, v).backward()
        first, second = gradients(fastgrad, operation, (x, x))
        # The sweep adds the first operand's contribution before the second's.
        assert bits(v.grad) == bits(0.0 + first + second)


@every_binary_operation
def test_gradients_beside_a_constant_are_those_beside_a_value(operation: Operation):
    for x, y in operation.points:
        first, second = gradients(fastgrad, operation, (x, y))
        a, b = Value(x), Value(y)
        function_of(operation)(a, y).backward()
        function_of(operation)(x, b).backward()
        assert (bits(a.grad), bits(b.grad)) == (bits(0.0 + first), bits(0.0 + second))


KINKS = [
    ("relu", (0.0,), (0.0,)),
    ("relu", (-0.0,), (0.0,)),
    ("relu", (math.nan,), (0.0,)),
    ("abs", (0.0,), (0.0,)),
    ("abs", (-0.0,), (0.0,)),
    ("maximum", (2.0, 2.0), (0.5, 0.5)),
    ("maximum", (0.0, -0.0), (0.5, 0.5)),
    ("minimum", (2.0, 2.0), (0.5, 0.5)),
    ("sqrt", (0.0,), (math.inf,)),
    ("cbrt", (0.0,), (math.inf,)),
    ("pow", (0.0, 0.0), (0.0, 0.0)),
    ("pow", (0.0, 1.0), (1.0, 0.0)),
    ("pow", (0.0, 2.0), (0.0, 0.0)),
    ("pow", (0.0, 0.5), (math.inf, 0.0)),
    ("pow", (3.0, 0.0), (0.0, math.log(3.0))),
    ("pow", (-2.0, 3.0), (12.0, math.nan)),
    ("pow", (-2.0, 0.0), (0.0, math.nan)),
    ("hypot", (0.0, 0.0), (0.0, 0.0)),
    ("leaky_relu", (0.0, 0.25), (0.25, 0.0)),
    ("elu", (0.0, 2.0), (2.0, 0.0)),
    ("copysign", (0.0, -1.0), (-0.0, 0.0)),
    ("floor", (1.0,), (0.0,)),
    ("ceil", (1.0,), (0.0,)),
    ("asin", (1.0,), (math.inf,)),
    ("acos", (-1.0,), (-math.inf,)),
    ("acosh", (1.0,), (math.inf,)),
    ("less", (2.0, 2.0), (0.0, 0.0)),
    ("less_equal", (2.0, 2.0), (0.0, 0.0)),
    ("keep_if", (2.0, -0.0), (0.0, 0.0)),
    ("drop_if", (2.0, -0.0), (1.0, 0.0)),
    ("stop_gradient", (2.0,), (0.0,)),
]


@pytest.mark.parametrize(("name", "point", "expected"), KINKS, ids=[f"{name}{point}" for name, point, _ in KINKS])
def test_gradient_at_a_kink(name: str, point: tuple[float, ...], expected: tuple[float, ...]):
    assert list(map(bits, gradients(fastgrad, OPERATIONS[name], point))) == list(map(bits, expected))


@pytest.mark.parametrize("x", EDGE_VALUES)
def test_relu_is_pythons_conditional_expression(x: float):
    assert bits(Value(x).relu().data) == bits(0.0 if x < 0 else x)


@pytest.mark.parametrize("x", [-1e308, -1000.0, 1000.0, 1e308])
@pytest.mark.parametrize("name", ["tanh", "sigmoid", "softplus", "silu", "gelu", "erf"])
def test_activations_never_overflow(name: str, x: float):
    v = Value(x)
    result = getattr(v, name)()
    result.backward()
    assert math.isfinite(result.data)
    assert math.isfinite(v.grad)


# ---- errors


@every_operation
def test_errors_name_the_operation_and_the_numbers(operation: Operation):
    for arguments in all_arguments(operation):
        error = outcome(operation.value, *arguments)
        if isinstance(error, float):
            continue
        with pytest.raises(error) as raised:
            function_of(operation)(*map(Value, arguments))
        message = str(raised.value)
        assert operation.symbol in message
        assert all(repr(argument) in message for argument in arguments), message


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Value(1) / 0, ZeroDivisionError, "1.0 / 0.0: division by zero"),
        (lambda: 1 / Value(0), ZeroDivisionError, "1.0 / 0.0: division by zero"),
        (lambda: Value(0) ** -1, ZeroDivisionError, "0.0 ** -1.0: division by zero"),
        (lambda: Value(10.0) ** 400, OverflowError, "10.0 ** 400.0: the result is too large for a float"),
        (lambda: Value(710).exp(), OverflowError, "exp(710.0): the result is too large for a float"),
        (lambda: Value(0).log(), ValueError, "log(0.0): outside the function's domain, or at a pole"),
        (lambda: fastgrad.sqrt(-1), ValueError, "sqrt(-1.0): outside the function's domain, or at a pole"),
        (lambda: Value(math.inf).sin(), ValueError, "sin(inf): outside the function's domain, or at a pole"),
        (
            lambda: Value(-8) ** (1 / 3),
            ValueError,
            "-8.0 ** 0.3333333333333333: the result would be complex; take abs() of the base, or an integer power",
        ),
    ],
)
def test_message(call: Callable[[], Any], error: type[Exception], message: str):
    with pytest.raises(error) as raised:
        call()
    assert str(raised.value) == message


def test_overflow_of_sums_and_products_is_infinite_as_with_floats():
    assert (Value(1e308) * 10).data == math.inf
    assert (Value(1e308) + 1e308).data == math.inf
    assert (Value(1e308) / 0.1).data == math.inf


# ---- operands


@every_operator
@every_number
def test_operator_takes_every_kind_of_number_on_the_right(name: str, number: Any):
    v = Value(1.75)
    result = BINARY_OPERATORS[name](v, number)
    assert type(result) is Value
    assert bits(result.data) == bits(BINARY_OPERATORS[name](1.75, float(number)))
    result.backward()
    assert bits(v.grad) == bits(gradients(fastgrad, OPERATIONS[name], (1.75, float(number)))[0])


@every_operator
@every_number
def test_operator_takes_every_kind_of_number_on_the_left(name: str, number: Any):
    v = Value(1.75)
    result = BINARY_OPERATORS[name](number, v)
    assert type(result) is Value
    assert bits(result.data) == bits(BINARY_OPERATORS[name](float(number), 1.75))
    result.backward()
    assert bits(v.grad) == bits(gradients(fastgrad, OPERATIONS[name], (float(number), 1.75))[1])


@every_binary_operation
@every_number
def test_binary_function_takes_every_kind_of_number_on_either_side(operation: Operation, number: Any):
    function = function_of(operation)
    assert bits(function(Value(1.75), number).data) == bits(operation.value(1.75, float(number)))
    assert bits(function(number, Value(1.75)).data) == bits(operation.value(float(number), 1.75))
    assert bits(getattr(Value(1.75), operation.name)(number).data) == bits(operation.value(1.75, float(number)))
    assert bits(function(number, 1.75)) == bits(operation.value(float(number), 1.75))


@every_operation
@every_number
def test_function_of_one_number_takes_every_kind(operation: Operation, number: Any):
    arguments = (number, 0.5)[: len(operation.partials)]
    expected = outcome(operation.value, *map(float, arguments))
    assert same(operation.name, outcome(function_of(operation), *arguments), expected)


@every_parametric_operation
def test_parameter_has_a_default_and_a_name(operation: Operation):
    function, name = function_of(operation), operation.parameter
    for x in (-1.5, 1.5):
        expected = operation.value(x, operation.default)
        assert function(x) == function(Value(x)).data == getattr(Value(x), operation.name)().data == expected
        expected = operation.value(x, 0.3)
        assert function(x, 0.3) == function(x, **{name: 0.3}) == function(Value(x), **{name: 0.3}).data == expected
        assert getattr(Value(x), operation.name)(**{name: 0.3}).data == expected


def test_order_of_polygamma_is_an_integer_and_1_if_left_out():
    for x in (0.3, Value(0.3)):
        trigamma, zeta_3 = fastgrad.polygamma(x), fastgrad.polygamma(1.0, n=2) / -2
        assert float(trigamma) == float(fastgrad.polygamma(x, 1)) == float(fastgrad.polygamma(x, n=True))
        assert zeta_3 == pytest.approx(1.2020569031595942, rel=1e-15)
    for order in (0.5, -1, 171, math.inf):
        with pytest.raises(ValueError, match="outside the function's domain"):
            Value(0.3).polygamma(order)


@every_parametric_operation
def test_parameter_may_be_a_value_and_gets_a_gradient(operation: Operation):
    parameter = Value(0.3)
    function_of(operation)(Value(-1.5), parameter).backward()
    assert parameter.grad == operation.partials[1](-1.5, 0.3, operation.value(-1.5, 0.3))
