"""NumPy: its scalars as operands, its functions on Values, and arrays of Values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from fastgrad import Value

SCALARS = [np.float64(2), np.float32(2), np.float16(2), np.int8(2), np.uint64(2), np.longdouble(2)]


def values(*numbers: float) -> Any:
    return np.array([Value(x) for x in numbers], dtype=object)


@pytest.mark.parametrize("scalar", SCALARS, ids=lambda s: type(s).__name__)
def test_scalars_are_operands_on_either_side(scalar: Any):
    v = Value(3.0)
    results = [scalar * v, v * scalar, scalar + v, scalar - v, scalar / v, scalar**v, v**scalar]
    assert all(type(result) is Value for result in results)
    assert [result.data for result in results] == [6.0, 6.0, 5.0, -1.0, 2.0 / 3.0, 8.0, 9.0]
    (scalar * v).backward()
    assert v.grad == 2.0


@pytest.mark.parametrize("scalar", SCALARS, ids=lambda s: type(s).__name__)
def test_scalars_compare_by_data(scalar: Any):
    v = Value(3.0)
    assert v > scalar
    assert scalar < v
    assert not v <= scalar


@pytest.mark.parametrize(
    "name",
    [
        "exp",
        "exp2",
        "expm1",
        "log",
        "log1p",
        "log2",
        "log10",
        "sqrt",
        "cbrt",
        "sin",
        "cos",
        "tan",
        "sinh",
        "cosh",
        "tanh",
    ],
)
def test_functions_of_one_value_call_the_method(name: str):
    v = Value(0.5)
    result = getattr(np, name)(v)
    assert type(result) is Value
    assert result._op == name
    assert result.data == getattr(v, name)().data


def test_functions_of_object_arrays_work_by_element():
    array = values(0.1, 0.2, 0.3)
    total = np.tanh(array).sum()
    total.backward()
    assert [v.grad for v in array] == [1.0 - math.tanh(v.data) ** 2 for v in array]


def test_arithmetic_of_arrays_broadcasts():
    array = values(1.0, 2.0, 3.0)
    v = Value(10.0)
    for result in (array * v, v * array, np.array([1.0, 2.0, 3.0]) * v, v * np.array([1.0, 2.0, 3.0])):
        assert result.dtype == object
        assert [x.data for x in result] == [10.0, 20.0, 30.0]
    table = values(1.0, 2.0)[:, None] + np.arange(3)
    assert [[x.data for x in row] for row in table] == [[1.0, 2.0, 3.0], [2.0, 3.0, 4.0]]


def test_sum_mean_and_product_are_values():
    array = values(1.0, 2.0, 6.0)
    assert (np.sum(array).data, np.mean(array).data, np.prod(array).data) == (9.0, 3.0, 12.0)
    np.mean(array).backward()
    assert [v.grad for v in array] == [1.0 / 3.0] * 3


def test_matrix_products():
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    w = values(0.5, -1.0)
    result = x @ w
    assert [v.data for v in result] == [-1.5, -2.5]
    loss = result @ result
    loss.backward()
    assert [v.grad for v in w] == list(2.0 * x.T @ np.array([-1.5, -2.5]))
    assert (w @ w).data == np.dot(w, w).data == 1.25


def test_reordering_by_data():
    array = values(3.0, 1.0, 2.0)
    assert [v.data for v in np.sort(array)] == [1.0, 2.0, 3.0]
    assert array.max() is array[0]
    assert array.argmin() == 1


def test_arrays_of_data():
    array = values(3.0, 1.0)
    assert array.astype(float).tolist() == [3.0, 1.0]
    assert np.array([float(v) for v in array]).dtype == np.float64


def test_elements_of_arrays_are_data():
    assert [Value(x).data for x in np.arange(3)] == [0.0, 1.0, 2.0]


def test_zero_dimensional_array_is_an_operand_of_numpys_own():
    result = np.asarray(Value(3.0) * np.array(2.0)).item()
    assert (type(result), result.data) == (Value, 6.0)


@pytest.mark.parametrize("data", [np.array([1.0]), np.array(1.0), np.array([[1, 2]]), np.zeros(0)], ids=str)
def test_an_array_is_not_data(data: Any):
    with pytest.raises(TypeError, match=r"Value\(\) needs a real number, not .*array.*take one element at a time"):
        Value(data)


@pytest.mark.parametrize("number", [1j, np.complex64(1), np.complex128(1)], ids=lambda x: type(x).__name__)
def test_complex_numbers_are_refused_even_where_they_convert_to_float(number: Any):
    with pytest.raises(TypeError, match="needs a real number"):
        Value(number)
    for operation in (lambda: Value(1.0) * number, lambda: number * Value(1.0), lambda: Value(1.0).hypot(number)):
        with pytest.raises(TypeError):
            operation()


def test_unsupported_numpy_operations_raise_its_own_type_error():
    with pytest.raises(TypeError):
        np.arctan(Value(1.0))
