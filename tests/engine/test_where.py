"""`where(condition, x, y)`: which operand it chooses, to the last bit, and which one gets the gradient."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from fastgrad import Value, less, less_equal, no_grad, where
from support.operations import EDGE_VALUES, bits

TRUE = {"bool": True, "int": 2, "float": -0.5, "nan": math.nan, "numpy bool": np.True_, "numpy float": np.float32(1)}
FALSE = {"bool": False, "int": 0, "float": 0.0, "-0.0": -0.0, "numpy bool": np.False_, "numpy int": np.int64(0)}
CONDITIONS = [pytest.param(x, True, id=f"true {name}") for name, x in TRUE.items()]
CONDITIONS += [pytest.param(x, False, id=f"false {name}") for name, x in FALSE.items()]
every_condition = pytest.mark.parametrize(("condition", "holds"), CONDITIONS)


@every_condition
def test_a_plain_condition_gives_the_operand_itself(condition: Any, holds: bool):
    x, y = Value(2.0), Value(3.0)
    assert where(condition, x, y) is (x if holds else y)
    assert where(condition, 2.0, y) is (y if not holds else 2.0)


@every_condition
def test_a_value_as_condition_gives_a_new_value_of_all_three(condition: Any, holds: bool):
    c, x, y = Value(condition), Value(2.0), Value(3.0)
    result = where(c, x, y)
    assert result.data == (2.0 if holds else 3.0)
    assert {c, x, y} <= set(result.topological_order())
    result.backward(5.0)
    assert (c.grad, x.grad, y.grad) == (0.0, *((5.0, 0.0) if holds else (0.0, 5.0)))


def test_a_comparison_chooses_now_and_less_in_the_graph():
    a, b = Value(1.0), Value(2.0)
    assert where(a < b, a, b) is a
    smaller = where(less(a, b), a * 10.0, b * 10.0) + where(less_equal(b, a), a, b)
    assert smaller.data == 12.0
    smaller.backward()
    assert (a.grad, b.grad) == (10.0, 1.0)


def test_numbers_as_operands():
    c, x = Value(1.0), Value(2.0)
    assert where(c, 7.0, x).data == where(c, 7, 8).data == 7.0
    assert type(where(c, 7, 8)) is Value
    where(c, x, 7.0).backward()
    assert x.grad == 1.0


@pytest.mark.parametrize("other", EDGE_VALUES)
@pytest.mark.parametrize("chosen", EDGE_VALUES)
def test_the_chosen_operand_to_the_last_bit_whatever_the_other_holds(chosen: float, other: float):
    for condition, operands in ((1.0, (chosen, other)), (0.0, (other, chosen))):
        values = [Value(x) for x in operands]
        result = where(Value(condition), *values)
        assert bits(result.data) == bits(chosen)
        result.backward()
        assert [v.grad for v in values] == [float(condition == 1.0), float(condition == 0.0)]


def test_the_same_value_as_condition_and_as_both_operands():
    v = Value(3.0)
    where(v, v, v * 5.0).backward()
    assert v.grad == 1.0


def test_an_infinite_slope_in_the_branch_not_taken_gives_nan():
    x = Value(0.0)
    where(less(0.0, x), x.sqrt(), 0.0).backward()
    assert math.isnan(x.grad)
    x = Value(0.0)
    where(less(0.0, x), x.maximum(1e-300).sqrt(), 0.0).backward()
    assert x.grad == 0.0


def test_without_recording_the_result_is_a_leaf():
    with no_grad():
        result = where(Value(0.0), Value(2.0), Value(3.0))
    assert (result.data, result._prev) == (3.0, set())


@pytest.mark.parametrize("condition", ["yes", None, [True], 1j, np.array([True, False]), object()], ids=repr)
def test_anything_else_as_condition_is_an_error_that_names_it(condition: Any):
    with pytest.raises(TypeError) as raised:
        where(condition, Value(1.0), Value(2.0))
    expected = f"where() needs a bool, a number or a Value as its condition, not {condition!r} of type "
    assert str(raised.value).startswith(expected)
    assert "one element at a time" in str(raised.value)


def test_an_operand_that_is_not_a_number_is_an_error():
    with pytest.raises(TypeError, match=r"keep_if.*'x'"):
        where(Value(1.0), "x", 2.0)
