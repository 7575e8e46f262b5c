"""The results of a recorded function: nodes of the eager graph, their gradients, and how the graph shows them."""

from __future__ import annotations

import copy
import itertools
import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from fastgrad import Value, draw, jit
from support.recordings import assert_same_as_eager

# ---- one result


def test_the_result_is_one_node_whose_operands_are_the_values_that_it_was_given():
    def product(xs: Any, y: Any) -> Any:
        return xs[0] * xs[1] * y + 1.0

    a, b = Value(2.0, label="a"), Value(3.0, label="b")
    result = jit(product)([a, 5.0], b)
    assert (result._op, result._prev, result._operands()) == ("product", {a, b}, (a, b))
    assert result.topological_order()[-1] is result
    assert set(result.topological_order()) == {a, b, result}
    assert repr(result) == "Value(data=31.0)"
    assert result.detach()._prev == set()


def test_the_order_has_the_leaves_that_the_function_is_bound_to_and_the_operands_have_not():
    w, x = Value(3.0), Value(2.0)
    result = jit(lambda x: x * w)(x)
    result.backward()
    assert set(result.topological_order()) == {w, x, result}
    assert result._prev == {x}
    assert result._node_count() == 3
    result.zero_grad()
    assert (w.grad, x.grad) == (0.0, 0.0)


def test_the_chain_continues_behind_interior_values():
    w = Value(0.5)

    def f(x: Any, y: Any) -> Any:
        return (x * w).tanh() * y

    def program(f: Callable[..., Any]) -> Callable[..., Any]:
        return lambda a, b: f(f(a * b, a + 1.0).exp(), a - b) * 3.0

    assert_same_as_eager(program(jit(f)), program(f), (Value(0.3), Value(-0.7)), [w])


def test_the_same_value_twice_among_the_arguments_and_as_a_leaf_from_outside():
    x = Value(3.0)

    def cube(a: Any, b: Any) -> Any:
        return a * b * x

    assert_same_as_eager(jit(cube), cube, (x, x))


def test_the_argument_itself_a_leaf_from_outside_and_a_number_as_results():
    w = Value(2.0)
    f = jit(lambda x: (x, w, 7.0, x))
    x = Value(3.0)
    results = f(x)
    assert [r.data for r in results] == [3.0, 2.0, 7.0, 3.0]
    sum(results, Value(0.0)).backward()
    assert (x.grad, w.grad) == (2.0, 1.0)
    result = jit(lambda x: x)(x)
    assert result is not x
    result.backward(5.0)
    assert x.grad == 7.0


def test_a_result_used_twice_and_in_a_bigger_expression():
    w = Value(1.5)

    def f(x: Any) -> Any:
        return x * w

    def program(f: Callable[..., Any]) -> Callable[..., Any]:
        def run(x: Value) -> Value:
            y = f(x)
            return y * y + y.sin() * x + f(y)

        return run

    assert_same_as_eager(program(jit(f)), program(f), (Value(0.5),), [w])


def test_one_result_in_two_losses():
    x, w = Value(2.0), Value(3.0)
    y = jit(lambda x: x * w)(x)
    first, second = y * 2.0, y * y
    first.backward()
    assert (x.grad, w.grad, y.grad) == (6.0, 4.0, 2.0)
    second.backward()
    assert (x.grad, w.grad, y.grad) == (6.0 + 36.0, 4.0 + 24.0, 12.0)


def test_a_second_backward_adds_to_leaves_and_to_nothing_else():
    x, w = Value(2.0), Value(3.0)
    inner = x * 1.0
    result = jit(lambda x: x * w)(inner) * 10.0
    for times in (1.0, 2.0, 3.0):
        result.backward()
        assert (x.grad, w.grad, inner.grad) == (times * 30.0, times * 20.0, 30.0)


@pytest.mark.parametrize("seed", [0.0, 2.5, -1.0])
def test_backward_from_any_gradient(seed: float):
    x, w = Value(2.0), Value(3.0)
    jit(lambda x: x * w)(x).backward(seed)
    jit(lambda x: (x, x * w))(x)[1].backward(seed)
    assert (x.grad, w.grad) == (2 * seed * 3.0, 2 * seed * 2.0)


def test_steps_by_hand_give_the_same_gradients():
    """As in the micrograd lectures: each Value's _backward(), from the last to the first."""
    x, w = Value(2.0), Value(3.0)
    several = jit(lambda x: (x * w, x + w))
    first, second = several(x)
    root = first * jit(lambda x: x * x)(second)
    root.backward()
    expected = x.grad, w.grad
    for v in [w, *root.topological_order()]:
        v.grad = 0.0
    root.grad = 1.0
    for v in reversed(root.topological_order()):
        v._backward()
    assert (x.grad, w.grad) == expected


# ---- several results


class Split(NamedTuple):
    total: Any
    parts: Any


STRUCTURES: dict[str, Callable[..., Any]] = {
    "tuple": lambda x, y: (x * y, x + y, x),
    "list of one": lambda x, y: [x * y],
    "dict": lambda x, y: {"product": x * y, "sum": x + y},
    "named tuple": lambda x, y: Split(x * y, [x, y * 2.0]),
    "array": lambda x, y: np.array([[x * y, x], [y, x - y]]),
    "array of one": lambda x, y: np.array([x * y]),
    "with constants": lambda x, y: (x * y, 2.0, "name", None, True, [], y),
}


@pytest.mark.parametrize("function", STRUCTURES.values(), ids=STRUCTURES)
def test_results_come_in_the_structure_that_the_function_returns(function: Callable[..., Any]):
    def shape(tree: Any) -> Any:
        if isinstance(tree, dict):
            return {key: shape(item) for key, item in tree.items()}
        if isinstance(tree, np.ndarray):
            return tree.shape, tree.dtype, [shape(item) for item in tree.flat]
        if isinstance(tree, (list, tuple)):
            return type(tree), [shape(item) for item in tree]
        return Value if isinstance(tree, (Value, float)) else tree

    arguments = (Value(2.0), Value(3.0))
    f = jit(function)
    for _ in range(2):
        assert shape(f(*arguments)) == shape(function(*arguments))
    assert_same_as_eager(f, function, arguments)


def three(x: Any, y: Any) -> Any:
    return x * y, x.exp() - y, (x * y).tanh()


def gradients_in_order(f: Callable[..., Any], order: tuple[int, ...], together: bool) -> list[tuple[float, float]]:
    x, y = Value(0.5), Value(-0.25)
    results = f(x * 2.0, y)
    if together:
        sum((results[i] * (i + 1.0) for i in order), Value(0.0)).backward()
        return [(x.grad, y.grad)]
    seen = []
    for i in order:
        results[i].backward()
        seen.append((x.grad, y.grad))
    return seen


@pytest.mark.parametrize("together", [True, False], ids=["in one sum", "one by one"])
def test_any_of_several_results_in_any_order(together: bool):
    f = jit(three)
    for order in (o for count in (1, 2, 3) for o in itertools.permutations(range(3), count)):
        expected = gradients_in_order(three, order, together)
        for ours, plain in zip(gradients_in_order(f, order, together), expected, strict=True):
            assert ours == pytest.approx(plain, rel=1e-12)


def test_one_of_several_results_alive_is_enough():
    x = Value(2.0)
    result = jit(lambda x: (x * 2.0, x * x, x))(x)[1]
    result.backward()
    assert x.grad == 4.0


def test_one_result_as_the_argument_that_gives_another():
    def both(x: Any, y: Any) -> Any:
        return x * y, x - y

    def program(f: Callable[..., Any]) -> Callable[..., Any]:
        def run(x: Any, y: Any) -> Any:
            a, b = f(x, y)
            c, d = f(b, a)
            return c * a, d

        return run

    assert_same_as_eager(program(jit(both)), program(both), (Value(2.0), Value(5.0)))


def test_backward_inside_the_backward_of_a_custom_operation():
    x = Value(1.0)
    a, b = jit(lambda x: (x * 2.0, x * 3.0))(x)
    own = Value(0.0, (a,), "own")

    def step() -> None:
        b.backward()
        a.grad += own.grad

    own._backward = step
    (own + a * 10.0).backward()
    assert x.grad == 3.0 + 11.0 * 2.0


# ---- the visible graph


def test_zero_grad_reaches_arguments_and_leaves_from_outside():
    x, w = Value(2.0), Value(3.0)
    for result in (jit(lambda x: x * w)(x), sum(jit(lambda x: [x * w, w])(x), Value(0.0))):
        result.backward()
        assert x.grad != 0.0 != w.grad
        result.zero_grad()
        assert (x.grad, w.grad, result.grad) == (0.0, 0.0, 0.0)


def test_several_results_share_one_node_for_the_call():
    x = Value(2.0)
    first, second = jit(three)(x, 1.0)[:2]
    (call,) = first._prev
    assert second._prev == {call}
    assert call._prev == {x}
    assert call._op == first._op == "three"
    order = (first + second).topological_order()
    assert order.index(x) < order.index(call) < min(order.index(first), order.index(second))


def test_a_drawing_shows_the_call_as_one_operation_with_the_functions_name():
    def my_loss(x: Any) -> Any:
        return (x * 3.0).tanh() + x

    x = Value(2.0, label="x")
    source = draw.draw_dot(jit(my_loss)(x) * 2.0).source
    assert source.count("label=my_loss") == 1
    assert "tanh" not in source
    nodes, edges = draw.trace(jit(my_loss)(x))
    assert (len(nodes), len(edges)) == (2, 1)
    assert 'label="<lambda>"' in draw.draw_dot(jit(lambda x: x * 2.0)(x)).source
    assert '"operation": "my_loss"' in jit(my_loss)(x).to_json()


@pytest.mark.parametrize("several", [False, True], ids=["one result", "several results"])
@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps, lambda v: copy.deepcopy(v * 2.0)])
def test_copying_is_an_error_that_names_the_function(duplicate: Callable[[Value], Any], several: bool):
    def my_loss(x: Any) -> Any:
        return [x * 2.0, x] if several else x * 2.0

    result = jit(my_loss)(Value(1.0))
    with pytest.raises(TypeError, match=r"result of the recorded function my_loss\(\) cannot be copied or pickled"):
        duplicate(result[0] if several else result)


def test_a_graph_above_a_result_cannot_be_captured_again():
    from fastgrad import Graph

    with pytest.raises(TypeError, match="custom operation"):
        Graph(jit(lambda x: x * 2.0)(Value(1.0)) + 1.0)
