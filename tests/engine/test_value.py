"""Value as an object: construction, attributes, operators, conversions, identity, and the graph behind it."""

from __future__ import annotations

import gc
import math
import operator
import threading
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import fastgrad
import fastgrad.engine
from fastgrad import Value, no_grad

# ---- construction and attributes


def test_engine_and_package_export_the_same_class():
    assert fastgrad.engine.Value is Value
    assert Value.__module__ == "fastgrad.engine"


@pytest.mark.parametrize(
    "v",
    [Value(2), Value(data=2.0), Value(2.0, (), "", ""), Value(data=2, _children=(), _op="", label="")],
    ids=["int", "named", "positional", "all named"],
)
def test_leaf_has_data_and_otherwise_nothing(v: Value):
    assert (v.data, v.grad, v.label, v._op, v._prev) == (2.0, 0.0, "", "", set())
    assert type(v.data) is type(v.grad) is float


NUMBERS = [3, 3.0, np.float64(3), np.float32(3), np.int64(3), Fraction(3), Decimal(3)]


@pytest.mark.parametrize("number", NUMBERS, ids=type)
def test_data_may_be_any_real_number(number: Any):
    assert Value(number).data == 3.0
    assert (Value(1.0) + number).data == 4.0


def test_value_of_a_value_is_a_leaf_with_the_same_data():
    product = Value(2.0) * 3.0
    v = Value(product)
    assert v.data == 6.0
    assert v._prev == set()


@pytest.mark.parametrize(
    ("data", "text"),
    [(-6, "-6.0"), (0.88137358, "0.88137358"), (math.inf, "inf"), (math.nan, "nan"), (1e-300, "1e-300")],
)
def test_repr_is_micrograds(data: float, text: str):
    assert repr(Value(data)) == str(Value(data)) == f"Value(data={text})"


def test_data_and_grad_can_be_written_and_stay_floats():
    v = Value(1.0)
    v.data = 5
    v.grad = Value(7)
    v.grad += 1
    assert (v.data, v.grad) == (5.0, 8.0)
    assert type(v.data) is type(v.grad) is float


def test_gradient_uses_the_data_that_operands_have_when_backward_runs():
    a, b = Value(2.0), Value(3.0)
    product = a * b
    b.data = 10.0
    product.backward()
    assert (product.data, a.grad) == (6.0, 10.0)


def test_label_is_text_of_any_kind():
    v = Value(1.0, label="w₁ | {x} <\n\0>")
    assert v.label == "w₁ | {x} <\n\0>"
    v.label = ""
    assert v.label == ""


def test_label_outlives_its_python_object():
    a = Value(1.0)
    b = a * 2.0
    b.label = "twice"
    c = b + 1.0
    c.label = "more"
    del b
    gc.collect()
    assert {v.label for v in c._prev} == {"twice", ""}
    assert [v.label for v in c.topological_order() if v.label] == ["twice", "more"]


def test_instances_have_no_dict():
    with pytest.raises(AttributeError):
        Value(1.0).name = "w"


def test_init_called_again_makes_it_another_leaf():
    v = Value(1.0, label="old")
    result = v * 2.0
    v.__init__(5.0)  # type: ignore[misc]
    assert (v.data, v.label, result.data) == (5.0, "", 2.0)


# ---- operators


OPERATORS = {
    "+": (lambda a, b: a + b, 7.0, (1.0, 1.0)),
    "-": (lambda a, b: a - b, 3.0, (1.0, -1.0)),
    "*": (lambda a, b: a * b, 10.0, (2.0, 5.0)),
    "/": (lambda a, b: a / b, 2.5, (0.5, -1.25)),
    "**": (lambda a, b: a**b, 25.0, (10.0, 25.0 * math.log(5.0))),
}


@pytest.mark.parametrize("symbol", OPERATORS)
def test_binary_operator(symbol: str):
    function, expected, gradients = OPERATORS[symbol]
    a, b = Value(5.0), Value(2.0)
    result = function(a, b)
    result.backward()
    assert (result.data, result._op, result._prev) == (expected, symbol, {a, b})
    assert (a.grad, b.grad) == gradients


@pytest.mark.parametrize("symbol", OPERATORS)
def test_binary_operator_beside_a_number(symbol: str):
    function, expected, gradients = OPERATORS[symbol]
    a, b = Value(5.0), Value(2.0)
    left, right = function(a, 2), function(5, b)
    assert left.data == right.data == expected
    left.backward()
    right.backward()
    assert (a.grad, b.grad) == gradients


@pytest.mark.parametrize(("function", "symbol"), [(operator.neg, "neg"), (abs, "abs")])
def test_unary_operator_is_one_node(function: Callable[[Value], Value], symbol: str):
    a = Value(-3.0)
    result = function(a)
    result.backward()
    assert (result.data, result._op, result._prev, a.grad) == (3.0, symbol, {a}, -1.0)


def test_plus_is_the_value_itself():
    v = Value(1.0)
    assert +v is v


def test_augmented_assignment_makes_a_new_value():
    a = before = Value(1.0)
    a += 1
    a *= 3
    a -= 2
    a /= 4
    a **= 2
    assert (a.data, before.data) == (1.0, 1.0)
    a.backward()
    assert before.grad == 1.5


@pytest.mark.parametrize(
    "function", [operator.mod, operator.floordiv, operator.matmul, operator.and_, lambda a, b: pow(a, b, 3)]
)
def test_other_operators_are_type_errors(function: Callable[[Any, Any], Any]):
    with pytest.raises(TypeError, match="unsupported operand"):
        function(Value(3.0), Value(2.0))


# ---- conversions, comparisons, identity


def test_conversions_are_those_of_the_data():
    v = Value(-2.75)
    assert (float(v), int(v), bool(v), bool(Value(0.0)), bool(Value(-0.0))) == (-2.75, -2, True, False, False)
    assert (round(v), round(v, 1), math.floor(v), math.ceil(v), math.trunc(v)) == (-3, -2.8, -3, -2, -2)
    assert type(round(v)) is type(int(v)) is int
    assert type(round(v, 1)) is float
    assert math.sqrt(Value(4.0)) == 2.0


def test_format_is_that_of_the_data():
    assert f"{Value(3.14159):.2f} {Value(2.0):>6} {Value(0.25):%}" == "3.14    2.0 25.000000%"
    with pytest.raises(ValueError, match="format"):
        f"{Value(1.0):d}"


def test_format_is_that_of_the_data_also_without_a_specification():
    v = Value(-6.0)
    assert (f"{v}", f"{v!s}", f"{v!r}") == ("-6.0", "Value(data=-6.0)", "Value(data=-6.0)")


@pytest.mark.parametrize("data", [math.nan, math.inf])
def test_int_of_a_non_integer_raises_as_float_does(data: float):
    with pytest.raises((ValueError, OverflowError), match="cannot convert float"):
        int(Value(data))


@pytest.mark.parametrize("compare", [operator.lt, operator.le, operator.gt, operator.ge], ids=lambda f: f.__name__)
@pytest.mark.parametrize("other", [1.0, 2.0, 3.0, math.nan])
def test_order_is_by_data(compare: Callable[[Any, Any], bool], other: float):
    v = Value(2.0)
    expected = compare(2.0, other)
    assert compare(v, Value(other)) is compare(v, other) is compare(v, np.float64(other)) is expected
    assert compare(other, Value(2.0)) is compare(other, 2.0)


def test_equality_is_identity():
    a, b = Value(1.0), Value(1.0)
    assert a == a
    assert a != b
    assert a != 1.0
    assert len({a, b, a}) == 2
    assert [a, b].index(b) == 1


def test_hash_stays_while_data_changes():
    a = Value(1.0)
    found = {a: "a"}
    a.data, a.grad = 5.0, 3.0
    (a * 2.0).backward()
    assert found[a] == "a"


def test_builtins_on_values():
    values = [Value(x) for x in (3.0, -1.0, 2.0)]
    a, b, c = values
    assert max(values) is a
    assert min(values) is b
    assert sorted(values) == [b, c, a]
    total, product = sum(values), math.prod(values)
    assert (total.data, product.data) == (4.0, -6.0)
    (total + product).backward()
    assert [v.grad for v in values] == [-1.0, 7.0, -2.0]


# ---- the graph


def test_operands_are_the_very_objects():
    a, b = Value(1.0), Value(2.0)
    result = a * b
    assert a in result._prev
    assert b in result._prev
    assert next(iter((-a)._prev)) is a
    assert (a + a)._prev == {a}


def test_unnamed_intermediate_has_one_object_while_it_is_looked_at():
    a, b, c = Value(2.0), Value(-3.0), Value(10.0)
    result = a * b + c
    (product,) = (v for v in result._prev if v._op == "*")
    (again,) = (v for v in result._prev if v._op == "*")
    assert product is again
    assert product in result.topological_order()
    assert product._prev == {a, b}


def test_constants_appear_as_leaves_and_stay_the_same():
    v = Value(2.0)
    result = 3.0 * v
    (constant,) = result._prev - {v}
    assert (constant.data, constant._op, constant._prev, constant.grad) == (3.0, "", set(), 0.0)
    assert result._prev == {constant, v}
    constant.label = "three"
    address = id(constant)
    assert {id(operand) for operand in result._prev} == {address, id(v)}
    result.backward()
    assert (v.grad, constant.grad) == (3.0, 2.0)


def test_constant_that_was_seen_can_be_changed():
    v = Value(2.0)
    result = v * 3.0
    (constant,) = result._prev - {v}
    constant.data = 5.0
    result.backward()
    assert v.grad == 5.0


def test_topological_order_has_operands_before_results_and_each_value_once():
    a, b = Value(2.0), Value(3.0)
    c = a * b
    d = c + a
    e = c * d - 1.0
    order = e.topological_order()
    assert [v for v in order if v._op] == [c, d, next(v for v in e._prev if v._op), e]
    assert len(order) == len(set(order)) == 7
    assert {v.data for v in order if not v._op} == {1.0, 2.0, 3.0}
    assert Value(1.0).topological_order()[0].data == 1.0


def test_topological_order_stops_at_what_the_root_does_not_reach():
    a = Value(2.0)
    used, unused = a * 2.0, a * 3.0
    assert unused not in used.topological_order()


# ---- gradients


def test_backward_gives_none_and_sets_the_roots_gradient():
    root = Value(2.0) * 3.0
    assert root.backward() is None
    assert root.grad == 1.0


@pytest.mark.parametrize("gradient", [2, 2.0, np.float64(2), Value(2.0)], ids=type)
def test_backward_takes_the_roots_gradient(gradient: Any):
    a = Value(3.0)
    root = a * a
    root.backward(gradient)
    assert (root.grad, a.grad) == (2.0, 12.0)
    root.backward(gradient=gradient)
    assert a.grad == 24.0


def test_backward_of_a_leaf_sets_its_gradient():
    a = Value(3.0)
    a.backward()
    a.backward()
    assert a.grad == 1.0


def test_leaves_accumulate_and_interior_values_start_again():
    a = Value(2.0)
    b = a * 3.0
    c = b * b
    for times in (1, 2, 3):
        c.backward()
        assert (a.grad, b.grad, c.grad) == (36.0 * times, 12.0, 1.0)


def test_losses_that_share_nodes_do_not_count_twice():
    a = Value(2.0)
    shared = a * a
    first, second = shared * 3.0, shared * 5.0
    first.backward()
    second.backward()
    assert (a.grad, shared.grad) == (4.0 * 8.0, 5.0)


def test_value_that_reaches_the_root_by_many_ways_gets_the_sum():
    a = Value(3.0)
    b = a + a
    c = b * a + b
    c.backward()
    assert a.grad == 4 * 3.0 + 2


def test_interior_gradients_are_writable():
    a = Value(2.0)
    b = a * 3.0
    b.grad = 7.0
    assert b.grad == 7.0
    b._backward()
    assert a.grad == 21.0


def test_steps_by_hand_in_reverse_order_as_in_the_lecture():
    a, b, c = Value(2.0), Value(-3.0), Value(10.0)
    e = a * b
    d = e + c
    loss = d.tanh()
    loss.grad = 1.0
    for value in (loss, d, e):
        assert value._backward() is None
    slope = 1.0 - math.tanh(4.0) ** 2
    assert (a.grad, b.grad, c.grad) == (-3.0 * slope, 2.0 * slope, slope)


def test_step_by_hand_adds_each_time_and_does_nothing_on_a_leaf():
    a = Value(2.0)
    b = a * 3.0
    b.grad = 1.0
    step = b._backward
    step()
    step()
    a._backward()
    assert a.grad == 6.0


def test_zero_grad_covers_the_graph_and_nothing_else():
    a, other = Value(2.0), Value(1.0)
    b = a * 3.0
    loss = b * b
    aside = b * other
    loss.backward()
    aside.grad = other.grad = 5.0
    loss.zero_grad()
    assert (a.grad, b.grad, loss.grad, aside.grad, other.grad) == (0.0, 0.0, 0.0, 5.0, 5.0)


def test_detach_gives_a_leaf_that_passes_no_gradient():
    a = Value(2.0)
    b = a * 3.0
    cut = b.detach()
    (b * cut).backward()
    assert (cut.data, cut._prev, cut._op) == (6.0, set(), "")
    assert (a.grad, cut.grad) == (18.0, 6.0)


# ---- no_grad


def test_results_under_no_grad_are_leaves():
    a = Value(2.0)
    with no_grad():
        values = [a * 3.0, -a, a.exp(), fastgrad.hypot(a, 1.0), Value(4.0, (a,), "square")]
    assert all(v._prev == set() and v._op == "" for v in values)
    assert (a * 3.0)._prev != set()


def test_no_grad_nests_and_ends_with_an_exception():
    a = Value(2.0)
    with no_grad():
        with no_grad():
            pass
        assert (a * a)._prev == set()
    with pytest.raises(ZeroDivisionError), no_grad():
        a / 0
    assert (a * a)._prev == {a}


def test_no_grad_is_a_decorator():
    @no_grad()
    def evaluate(v: Value, depth: int) -> Value:
        """Evaluates."""
        return v * v if depth == 0 else evaluate(v, depth - 1)

    a = Value(2.0)
    assert evaluate(a, 3)._prev == set()
    assert (evaluate.__name__, evaluate.__doc__) == ("evaluate", "Evaluates.")
    assert (a * a)._prev == {a}


def test_no_grad_is_thread_local():
    a = Value(2.0)
    inside, checked = threading.Event(), threading.Event()
    seen = {}

    def evaluate() -> None:
        with no_grad():
            inside.set()
            checked.wait(10)
            seen["evaluating"] = (a * 3.0)._prev

    thread = threading.Thread(target=evaluate)
    thread.start()
    inside.wait(10)
    seen["training"] = (a * a)._prev
    checked.set()
    thread.join()
    assert seen == {"training": {a}, "evaluating": set()}


def test_backward_works_under_no_grad():
    a = Value(2.0)
    loss = a * a
    with no_grad():
        loss.backward()
        a.data -= 0.1 * a.grad
    assert (a.grad, a.data) == (4.0, 1.6)
