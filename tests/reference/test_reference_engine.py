"""The engine of the oracle: the reverse sweep against forward-mode differentiation at 50 digits, which shares no
code with it, and the behavior of its Values."""

from __future__ import annotations

import math
import operator
import random
import sys
from collections.abc import Callable
from typing import Any

import mpmath
import pytest
from mpmath import mp, mpf

from fastgrad import reference
from fastgrad.reference import OPERATIONS, Operation, Value
from support.exact import TOLERANCE, error, exact_slope, exact_value
from support.operations import INTEGER_ORDERS, bits, every_operation

KINKED = {
    *("abs", "relu", "leaky_relu", "elu", "maximum", "minimum", "copysign", "floor", "ceil"),
    *("less", "less_equal", "keep_if", "drop_if", "sign"),
}
SMOOTH = sorted(set(OPERATIONS) - KINKED - {"stop_gradient", *INTEGER_ORDERS})
SEEDS = range(60)
Step = tuple[str, tuple[int, ...]]


def random_program(seed: int) -> tuple[list[float], list[Step]]:
    """Leaves, and steps that refer to their operands by position; each step is tame: no number in it is extreme."""
    rng = random.Random(seed)
    leaves = [rng.choice((-1.0, 1.0)) * rng.uniform(0.2, 2.0) for _ in range(4)]
    numbers, steps = list(leaves), list[Step]()
    while len(steps) < 25:
        operation = OPERATIONS[rng.choice(SMOOTH)]
        operands = tuple(rng.randrange(len(numbers)) for _ in operation.partials)
        arguments = [numbers[i] for i in operands]
        try:
            result = operation.value(*arguments)
        except (ArithmeticError, ValueError):
            continue
        slopes = [abs(partial(*arguments, result)) for partial in operation.partials]
        if 0.05 < abs(result) < 5.0 and all(slope < 5.0 for slope in slopes):
            numbers.append(result)
            steps.append((operation.name, operands))
    used = {i for _, operands in steps for i in operands}
    root = len(numbers) - 1
    for loose in sorted(set(range(len(leaves), root)) - used):
        steps.append(("add", (root, loose)))
        root = len(leaves) + len(steps) - 1
    return leaves, steps


def values_of(leaves: list[float], steps: list[Step]) -> list[Value]:
    values = [Value(x) for x in leaves]
    for name, operands in steps:
        values.append(getattr(reference, name)(*(values[i] for i in operands)))
    return values


def exact_gradients(leaves: list[float], steps: list[Step]) -> list[Any]:
    """The derivatives of the last step in every leaf, by dual numbers at 50 digits."""
    with mp.workdps(50):
        values = [mpf(x) for x in leaves]
        tangents = [[mpf(i == j) for j in range(len(leaves))] for i in range(len(leaves))]
        for name, operands in steps:
            arguments = [values[i] for i in operands]
            partials = [exact_slope(name, k, *arguments) for k in range(len(operands))]
            values.append(exact_value(name, *arguments))
            tangents.append(
                [
                    mpmath.fsum(p * tangents[i][j] for p, i in zip(partials, operands, strict=True))
                    for j in range(len(leaves))
                ]
            )
        return tangents[-1]


@pytest.mark.parametrize("seed", SEEDS)
def test_gradients_of_random_programs_are_exact(seed: int) -> None:
    leaves, steps = random_program(seed)
    values = values_of(leaves, steps)
    values[-1].backward()
    for leaf, exact in zip(values, exact_gradients(leaves, steps), strict=False):
        assert error(leaf.grad, exact) <= TOLERANCE


def test_the_random_programs_use_every_smooth_operation() -> None:
    assert {name for seed in SEEDS for name, _ in random_program(seed)[1]} == set(SMOOTH)


@pytest.mark.parametrize("seed", range(10))
def test_a_second_backward_doubles_the_leaves_and_repeats_the_rest(seed: int) -> None:
    leaves, steps = random_program(seed)
    values = values_of(leaves, steps)
    values[-1].backward()
    first = [value.grad for value in values]
    values[-1].backward()
    count = len(leaves)
    # One contribution after the other, so the sum may round differently from twice the first.
    assert [value.grad for value in values[:count]] == pytest.approx([2.0 * grad for grad in first[:count]], 1e-14)
    assert [bits(value.grad) for value in values[count:]] == [bits(grad) for grad in first[count:]]


def test_two_losses_share_nodes() -> None:
    x = Value(3.0)
    shared = x * x
    one, two = shared * 2.0, reference.sin(shared)
    one.backward()
    assert (x.grad, shared.grad) == (12.0, 2.0)
    two.backward()
    assert (x.grad, shared.grad) == (12.0 + 6.0 * math.cos(9.0), math.cos(9.0))
    assert one.grad == 1.0


def test_backward_takes_a_gradient() -> None:
    x = Value(3.0)
    (x * x).backward(-0.5)
    assert x.grad == -3.0


def test_the_gradient_of_a_leaf_root_is_set() -> None:
    x = Value(3.0)
    for _ in range(2):
        x.backward(2.0)
        assert x.grad == 2.0


def test_the_first_contribution_to_an_interior_value_is_stored() -> None:
    x = Value(1.0)
    inner = x * 1.0
    (inner * -0.0).backward()
    assert bits(inner.grad) == bits(-0.0)
    assert bits(x.grad) == bits(0.0)  # 0.0 + -0.0: a leaf accumulates


def test_contributions_are_added_from_the_newest_node_to_the_oldest() -> None:
    inner = Value(1.0) * 1.0
    parts = [inner * 1e16, inner * 1.0, inner * -1e16]
    ((parts[2] + parts[0]) + parts[1]).backward()
    assert inner.grad == (-1e16 + 1.0) + 1e16


def test_an_operand_used_twice_gets_both_contributions() -> None:
    x = Value(3.0)
    y = x * 2.0
    (y * y).backward()
    assert (y.grad, x.grad) == (12.0, 24.0)


def test_zero_grad_clears_the_whole_graph() -> None:
    x = Value(3.0)
    y = x * x
    z = y + x
    z.backward()
    z.zero_grad()
    assert (x.grad, y.grad, z.grad) == (0.0, 0.0, 0.0)


def test_topological_order_is_the_order_of_creation() -> None:
    a, b, unrelated = Value(1.0), Value(2.0), Value(3.0)
    c = b * a
    d = c + a
    assert d.topological_order() == [a, b, c, d]
    assert unrelated.topological_order() == [unrelated]


def test_a_deep_graph_needs_no_recursion() -> None:
    depth = 10 * sys.getrecursionlimit()
    x = Value(1.0)
    y = x
    for _ in range(depth):
        y = y + x
    y.backward()
    assert x.grad == depth + 1.0


# ---- custom operations -----------------------------------------------------------------------------------------


def own_tanh(x: Value) -> Value:
    """micrograd's idiom: a closure that adds to the operand's gradient."""
    t = math.tanh(x.data)
    out = Value(t, (x,), "tanh")

    def _backward() -> None:
        x.grad += (1.0 - t * t) * out.grad

    out._backward = _backward  # type: ignore[method-assign]
    return out


def microgpt_tanh(x: Value) -> Value:
    """microgpt's idiom: the local derivatives instead of the name."""
    t = math.tanh(x.data)
    return Value(t, (x,), (1.0 - t * t,))


@pytest.mark.parametrize("tanh", [own_tanh, microgpt_tanh])
def test_a_custom_operation_equals_the_built_in_one(tanh: Callable[[Value], Value]) -> None:
    def leaf_gradients(function: Callable[[Value], Value]) -> list[float]:
        x, w = Value(0.3), Value(-0.7)
        inner = x * w
        root = function(inner) * function(w) + inner * function(function(inner))
        root.backward()
        root.backward()
        return [x.grad, w.grad]

    assert leaf_gradients(tanh) == pytest.approx(leaf_gradients(Value.tanh), rel=1e-15)  # type: ignore[attr-defined]


def test_a_custom_operation_of_several_operands() -> None:
    a, b = Value(2.0), Value(5.0)
    inner = a * 3.0
    out = Value(inner.data * b.data, [inner, b, b], [5.0, 2.0, 4.0])
    out.backward()
    assert (inner.grad, a.grad, b.grad) == (5.0, 15.0, 6.0)
    assert out._prev == {inner, b}


def test_a_custom_operation_without_a_step_reaches_its_children() -> None:
    a = Value(2.0)
    inner = a * 3.0
    inner.grad = 7.0
    Value(0.0, (inner,), "stop").backward()
    assert (inner.grad, a.grad) == (0.0, 0.0)


def test_a_default_step_can_be_called_by_hand() -> None:
    a, b = Value(2.0), Value(5.0)
    out = a * b
    out.grad = 1.0
    out._backward()
    a._backward()
    assert (a.grad, b.grad) == (5.0, 2.0)


def test_local_gradients_must_match_the_children() -> None:
    with pytest.raises(ValueError, match="2 children, but 1 local gradients"):
        Value(1.0, (Value(1.0), Value(2.0)), (1.0,))


# ---- the Python side of a Value --------------------------------------------------------------------------------


def test_attributes() -> None:
    a = Value(2, label="a")
    b = a * 3
    assert (a.data, a.grad, a.label, a._op, a._prev) == (2.0, 0.0, "a", "", set())
    assert type(a.data) is float
    assert b._op == "*"
    assert a in b._prev
    assert sorted(child.data for child in b._prev) == [2.0, 3.0]


def test_repr_is_the_one_of_micrograd() -> None:
    assert repr(Value(2.0) * Value(-3.0)) == "Value(data=-6.0)"


@pytest.mark.parametrize(
    "symbol", [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow], ids=lambda f: f.__name__
)
def test_operators_take_numbers_on_either_side(symbol: Callable[[Any, Any], Any]) -> None:
    for x, y in ((Value(2.0), Value(3.0)), (Value(2.0), 3), (2, Value(3.0)), (Value(2.0), 3.0), (2.0, Value(3.0))):
        result = symbol(x, y)
        assert isinstance(result, Value)
        assert result.data == symbol(2.0, 3.0)
        assert len(result._prev) == 2
    for bad in ("x", None, [1.0], 1j):
        with pytest.raises(TypeError):
            symbol(Value(1.0), bad)
        with pytest.raises(TypeError):
            symbol(bad, Value(1.0))


def test_unary_operators() -> None:
    x = Value(-2.0)
    assert ((-x).data, (-x)._op, abs(x).data, abs(x)._op) == (2.0, "neg", 2.0, "abs")
    assert +x is x
    assert bits((-Value(0.0)).data) == bits(-0.0)


def test_subtraction_and_division_are_separate_nodes() -> None:
    x, y = Value(7.0), Value(3.0)
    assert (x - y)._prev == {x, y} == (x / y)._prev
    assert ((x - y)._op, (x / y)._op) == ("-", "/")


def test_conversions_are_by_data_and_equality_by_identity() -> None:
    x = Value(-2.75)
    assert (float(x), int(x), round(x), round(x, 1), f"{x:.1f}") == (-2.75, -2, -3, -2.8, "-2.8")
    assert (bool(x), bool(Value(0.0))) == (True, False)
    assert x == x
    assert x != Value(-2.75)
    assert len({x, Value(-2.75), x}) == 2


def test_comparisons_are_by_data() -> None:
    small, large = Value(1.0), Value(2.0)
    assert small < large
    assert small <= 1
    assert large > small
    assert large <= 2.0
    assert not small > large
    assert max(small, large) is large
    assert sorted([large, small]) == [small, large]
    with pytest.raises(TypeError):
        operator.lt(small, "x")


@pytest.mark.parametrize("data", ["1", b"1", None, [1.0], 1j], ids=repr)
def test_a_value_holds_a_number(data: Any) -> None:
    with pytest.raises(TypeError):
        Value(data)


def test_a_value_of_a_value_is_a_leaf() -> None:
    inner = Value(2.0) * 3.0
    assert Value(inner).data == 6.0
    assert Value(inner)._prev == set()


@every_operation
def test_an_operation_is_a_function_and_a_method(operation: Operation) -> None:
    function = getattr(reference, operation.name)
    numbers = operation.points[0]
    values = [Value(x) for x in numbers]
    expected = bits(operation.value(*numbers))
    assert type(function(*numbers)) is float
    assert bits(function(*numbers)) == expected
    for node in (function(*values), getattr(values[0], operation.name)(*values[1:])):
        assert (bits(node.data), node._op, node._prev) == (expected, operation.symbol, set(values))
    if len(numbers) == 2:
        assert function(values[0], numbers[1])._op == operation.symbol
        assert function(numbers[0], values[1])._op == operation.symbol
    with pytest.raises(TypeError, match=operation.name):
        function(*numbers, 1.0)


def test_a_parameter_may_be_left_out_or_named() -> None:
    x = Value(-2.0)
    assert x.leaky_relu().data == -0.02  # type: ignore[attr-defined]
    assert x.leaky_relu(0.5).data == x.leaky_relu(slope=0.5).data == -1.0  # type: ignore[attr-defined]
    assert reference.elu(-2.0, alpha=2.0) == 2.0 * reference.elu(-2.0) == 2.0 * math.expm1(-2.0)
    with pytest.raises(TypeError, match="alpha"):
        x.leaky_relu(alpha=0.5)  # type: ignore[attr-defined]
