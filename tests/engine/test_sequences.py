"""Sequence operations: what they compute, their gradients, and that each is one node."""

from __future__ import annotations

import copy
import inspect
import math
import pickle
from collections.abc import Callable
from functools import partial
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastgrad
from fastgrad import Graph, Value, _core, jit, no_grad, reference, vmap
from support.checks import needs_checks
from support.operations import bits
from support.sequences import Sequenced, every_sequence

INF, NAN = math.inf, math.nan


#: Neither exponentials of numbers that differ by thousands nor squares that overflow.
numbers = st.one_of(st.floats(-700.0, 700.0), st.sampled_from([0.0, -0.0, 1.0, 1000.0, -1000.0]))


def listed(result: Any) -> list[Any]:
    return result if isinstance(result, list) else [result]


def total(results: list[Any]) -> Any:
    """A weighted sum of all results, added from the last to the first."""
    weighted = [result * (1.0 + 0.25 * i) for i, result in enumerate(results)]
    return sum(reversed(weighted))


def test_every_row_of_the_table_is_a_function_here_and_in_the_reference():
    for row in fastgrad.sequence_operations():
        for module in (fastgrad, reference):
            function = getattr(module, row.name)
            parameters = [*inspect.signature(function).parameters]
            assert parameters == [*row.parameters, *(["bias"] if row.layout == "pairs_and_bias" else [])]


@every_sequence
@settings(max_examples=60)
@given(data=st.data())
def test_values_and_gradients_are_those_of_the_ordinary_nodes_to_the_last_bit(row: Sequenced, data: st.DataObject):
    """Also if a Value is in a sequence several times, is an interior node, or is beside constants."""
    length = data.draw(st.sampled_from(row.lengths()))
    leaves = data.draw(st.lists(numbers, min_size=1, max_size=length))
    places = data.draw(st.lists(st.integers(-3, len(leaves)), min_size=length, max_size=length))

    def build(module: Any) -> tuple[list[Any], list[Any]]:
        values = [module.Value(x) for x in leaves]
        pool = [*values, values[0] * 2.0]
        xs = [pool[place] if place >= 0 else float(place) for place in places]
        if all(place < 0 for place in places):
            xs[0] = pool[-1]
        results = listed(row.call(module, xs))
        total(results).backward(0.75)
        total(results).backward(2.0)
        return results, values

    ours, our_leaves = build(fastgrad)
    theirs, their_leaves = build(reference)
    assert [bits(float(v)) for v in ours] == [bits(float(v)) for v in theirs]
    gradients, expected = [v.grad + 0.0 for v in our_leaves], [v.grad + 0.0 for v in their_leaves]
    assert [bits(g) for g in gradients] == [bits(g) for g in expected]


@every_sequence
@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_values_are_exact_to_1e_13(row: Sequenced, scale: float):
    xs = [scale * math.sin(7.0 * i + 0.3) for i in range(17)]
    for length in row.lengths():
        with mpmath.workdps(50):
            exact = listed(row.exact([mpmath.mpf(x) for x in xs[:length]]))
        for result, expected in zip(listed(row.call(fastgrad, xs[:length])), exact, strict=True):
            assert abs(result - expected) <= 1e-13 * max(1, abs(expected))


@every_sequence
def test_numbers_alone_give_floats_equal_to_the_values_data(row: Sequenced):
    xs = [0.5, -2, True, np.float64(0.25), np.float32(1.5), 3.0, 0.0, -1.0, *np.arange(0.1, 1.0, 0.1)]
    for length in row.lengths():
        plain = listed(row.call(fastgrad, xs[:length]))
        assert all(type(result) is float for result in plain)
        values = listed(row.call(fastgrad, [Value(x) for x in xs[:length]]))
        assert [bits(v.data) for v in values] == [bits(x) for x in plain]


@every_sequence
def test_a_result_is_one_node(row: Sequenced):
    length = row.lengths()[-1]
    xs = [Value(0.1 * i) for i in range(length)]
    results = listed(row.call(fastgrad, xs))
    if len(results) == 1:
        assert results[0]._op == row.name
        assert list(results[0]._operands()) == xs
        assert results[0]._node_count() == length + 1
        return
    node = results[0]._operands()[0]
    assert node._op == row.name
    assert list(node._operands()) == xs
    assert [result._op for result in results] == [f"[{i}]" for i in range(length)]
    assert all(result._operands() == (node,) for result in results)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_the_number_of_the_node_that_results_share_is_the_logsumexp(name: str):
    xs = [Value(0.1), Value(0.7)]
    node = getattr(fastgrad, name)(xs)[0]._operands()[0]
    assert node.data == fastgrad.logsumexp([x.data for x in xs])


@every_sequence
@pytest.mark.parametrize("container", [list, tuple, partial(np.array, dtype=object)], ids=["list", "tuple", "array"])
def test_lists_tuples_and_arrays_are_sequences(row: Sequenced, container: Callable[[list[Any]], Any]):
    xs = [Value(0.5), 1.0, Value(-0.25), 2, Value(0.125), 3.0, Value(1.0), 0.0]
    xs = (xs + xs)[: row.lengths()[-1]] + ([Value(1.5)] if row.bias else [])
    xs = xs[: row.lengths()[-1]]
    expected = [result.data for result in listed(row.call(fastgrad, xs))]
    assert [result.data for result in listed(row.call(fastgrad, container(xs)))] == expected
    plain = np.array([float(x) for x in xs])
    assert listed(row.call(fastgrad, plain)) == expected


def test_a_generator_is_a_sequence():
    assert fastgrad.sum(Value(x) for x in (1.0, 2.0)).data == 3.0
    assert fastgrad.dot(iter([2.0, 3.0]), range(2)) == 3.0


# --- edges


def test_empty_sequences():
    assert fastgrad.sum([]) == 0.0
    assert fastgrad.dot([], []) == 0.0
    assert fastgrad.dot([], [], 2.5) == 2.5
    bias = Value(1.5)
    fastgrad.dot([], [], bias).backward()
    assert bias.grad == 1.0
    for name in ("mean", "max", "min", "norm", "logsumexp", "softmax", "log_softmax"):
        with pytest.raises(ValueError, match=rf"{name}\(\) of an empty sequence"):
            getattr(fastgrad, name)([])
    with pytest.raises(ValueError, match="empty sequence"):
        fastgrad.mse([], [])
    with pytest.raises(ValueError, match="empty sequence"):
        fastgrad.cross_entropy([], 0)


def test_exponentials_neither_overflow_nor_lose_what_matters():
    assert fastgrad.logsumexp([1000.0, 1000.0]) == 1000.0 + math.log(2.0)
    assert fastgrad.logsumexp([-1000.0, -1000.0]) == -1000.0 + math.log(2.0)
    assert fastgrad.softmax([1000.0, -1000.0]) == [1.0, 0.0]
    assert fastgrad.log_softmax([1000.0, -1000.0]) == [0.0, -2000.0]
    assert fastgrad.cross_entropy([-1000.0, 1000.0], 0) == 2000.0
    xs = [Value(1000.0), Value(-1000.0)]
    fastgrad.cross_entropy(xs, 1).backward()
    assert [x.grad for x in xs] == [1.0, -1.0]


def test_infinities_stay_what_they_are():
    assert fastgrad.logsumexp([-INF, -INF]) == -INF
    assert fastgrad.logsumexp([INF, 1.0]) == INF
    assert fastgrad.logsumexp([-INF, 0.0]) == 0.0
    assert fastgrad.softmax([-INF, 2.0, 2.0]) == [0.0, 0.5, 0.5]
    assert math.isnan(fastgrad.max([1.0, NAN, 2.0]))
    masked = [Value(-INF), Value(1.0), Value(3.0)]
    fastgrad.softmax(masked)[1].backward()
    assert masked[0].grad == 0.0
    assert masked[1].grad == pytest.approx(-masked[2].grad, rel=1e-15)
    assert masked[1].grad > 0.0


def test_norm_neither_overflows_nor_vanishes_and_has_no_gradient_at_the_origin():
    assert fastgrad.norm([3e200, 4e200]) == pytest.approx(5e200, rel=1e-15)
    assert fastgrad.norm([3e-200, 4e-200]) == pytest.approx(5e-200, rel=1e-15)
    origin = [Value(0.0), Value(-0.0), Value(0.0)]
    fastgrad.norm(origin).backward()
    assert [x.grad for x in origin] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("extremum", ["max", "min"])
def test_an_element_that_is_not_the_extreme_loses_the_gradient_of_an_earlier_sweep(extremum: str):
    xs = [Value(x) * 1.0 for x in (2.0, 1.0, 3.0)]
    fastgrad.sum(xs).backward()
    getattr(fastgrad, extremum)(xs).backward()
    assert [x.grad for x in xs] == ([0.0, 0.0, 1.0] if extremum == "max" else [0.0, 1.0, 0.0])


@pytest.mark.parametrize("extremum", ["max", "min"])
def test_equal_extremes_share_the_gradient_as_nested_calls_do(extremum: str):
    xs = [Value(2.0), Value(2.0), Value(0.0), Value(2.0)]
    values = xs if extremum == "max" else [Value(-x.data) for x in xs]
    getattr(fastgrad, extremum)(values).backward()
    assert [x.grad for x in values] == [0.25, 0.25, 0.0, 0.5]


def test_maximum_and_minimum_take_one_sequence_too():
    xs = [Value(1.0), 5, Value(3.0)]
    assert fastgrad.maximum(xs).data == 5.0
    assert fastgrad.minimum(xs).data == 1.0
    assert fastgrad.maximum(xs)._op == "max"


# --- errors

ERRORS: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: fastgrad.sum(Value(1.0)), TypeError, r"sum\(\) needs a sequence of numbers, not Value\(data=1.0\)"),
    (lambda: fastgrad.softmax(3.0), TypeError, r"softmax\(\) needs a sequence of numbers, not 3.0"),
    (lambda: fastgrad.sum([1.0, "x"]), TypeError, r"an element of sum\(\) needs a real number, not 'x'"),
    (lambda: fastgrad.mean([Value(1.0), None]), TypeError, r"an element of mean\(\) needs a real number, not None"),
    (lambda: fastgrad.norm(np.zeros((2, 2))), TypeError, r"an element of norm\(\) .* not \[0.0, 0.0\]"),
    (lambda: fastgrad.dot([Value(1.0)], [1j]), TypeError, r"an element of dot\(\) .* not 1j"),
    (lambda: fastgrad.dot([1.0, 2.0], [1.0]), ValueError, r"as many ws as xs, got 2 and 1"),
    (lambda: fastgrad.dot([1.0], [1.0], bias="b"), TypeError, "needs a real number, not 'b'"),
    (lambda: fastgrad.dot([1.0]), TypeError, "takes ws, xs, and an optional bias"),
    (lambda: fastgrad.dot([1.0], [1.0], base=2), TypeError, "takes ws, xs, and an optional bias"),
    (lambda: fastgrad.mse([1.0], [1.0, 2.0]), ValueError, "as many predictions as targets, got 1 and 2"),
    (lambda: fastgrad.cross_entropy([1.0, 2.0], 2), IndexError, "one of 0 to 1 for 2 logits, not 2"),
    (lambda: fastgrad.cross_entropy([1.0, 2.0], -1), IndexError, "one of 0 to 1 for 2 logits, not -1"),
    (lambda: fastgrad.cross_entropy([1.0, 2.0], 1.0), TypeError, "the number of a class, an int, not 1.0"),
    (lambda: fastgrad.cross_entropy([1.0], Value(0)), TypeError, r"-dot\(distribution, log_softmax\(logits\)\)"),
]


@pytest.mark.parametrize(("function", "error", "message"), ERRORS, ids=[row[2] for row in ERRORS])
def test_errors_name_what_was_given(function: Callable[[], Any], error: type[Exception], message: str):
    with pytest.raises(error, match=message):
        function()


def test_a_failed_call_lets_go_of_the_operands_it_had_read(live_nodes: Callable[[], int]):
    for _ in range(3):
        with pytest.raises(TypeError):
            fastgrad.sum([Value(1.0), Value(2.0) * 3.0, "x"])
    assert live_nodes() == 0


def test_a_list_that_shrinks_while_it_is_read_is_an_error():
    class Shrinking:
        def __float__(self) -> float:
            xs.clear()
            return 1.0

    xs: list[Any] = [Value(1.0), Shrinking(), Value(2.0)]
    with pytest.raises(RuntimeError, match="changed its size"):
        fastgrad.sum(xs)


# --- in the graph


def test_a_second_backward_is_right():
    xs = [Value(0.1), Value(0.7)]
    p = fastgrad.softmax(xs)
    (p[0] * 2.0).backward()
    first = [x.grad for x in xs]
    (p[0] * 2.0).backward()
    p[1].backward(2.0)
    assert [x.grad for x in xs] == pytest.approx(first, rel=1e-15)  # p[0] + p[1] is 1: the last one takes half away


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_a_second_backward_is_right_where_the_number_that_results_share_is_used_too(name: str):
    xs = [Value(0.1), Value(0.7)]
    p = getattr(fastgrad, name)(xs)
    (node,) = p[0]._operands()
    loss = node * 2.0 + p[0] * 3.0
    loss.backward()
    first = [x.grad for x in xs]
    loss.backward()
    assert [x.grad for x in xs] == [2.0 * gradient for gradient in first]


def test_unused_results_contribute_nothing():
    xs = [Value(0.1), Value(0.7), Value(-0.3)]
    p = fastgrad.log_softmax(xs)
    p[2].backward()
    alone = [x.grad for x in xs]
    for x in xs:
        x.grad = 0.0
    p[0].backward()
    p[2].backward()
    q = fastgrad.log_softmax(ys := [Value(x.data) for x in xs])
    q[0].backward()
    assert [x.grad - y.grad for x, y in zip(xs, ys, strict=True)] == pytest.approx(alone, abs=1e-15)


def test_one_step_by_hand_reaches_the_operands():
    xs = [Value(0.1), Value(0.7)]
    p = fastgrad.softmax(xs)
    (node,) = p[0]._prev
    p[0].grad = 1.0
    p[0]._backward()
    node._backward()
    by_hand = [x.grad for x in xs]
    node.zero_grad()
    p[0].backward()
    assert [x.grad for x in xs] == by_hand


def test_a_sweep_inside_a_sweep_leaves_the_results_gradients_alone():
    """A callback starts a sweep through the softmax whose own gradients are only partly accumulated."""
    xs = [Value(0.1), Value(0.7)]

    def gradients(nested: bool) -> list[float]:
        p = fastgrad.softmax(xs)
        inner = p[0] * 3.0
        out = Value(p[0].data, (p[0],), "own")

        def backward() -> None:
            if nested:
                before = [x.grad for x in xs]
                inner.backward()
                for x, grad in zip(xs, before, strict=True):
                    x.grad = grad
            p[0].grad += out.grad

        out._backward = backward
        for x in xs:
            x.grad = 0.0
        (out + p[1] * 5.0).backward()
        return [x.grad for x in xs]

    assert gradients(nested=True) == gradients(nested=False)


@every_sequence
def test_copies_pickles_and_deepcopies(row: Sequenced):
    xs = [Value(0.1 * i, label=f"x{i}") if i % 3 else 0.5 for i in range(1, row.lengths()[-1] + 1)]
    result = total(listed(row.call(fastgrad, xs)))
    result.backward()
    expected = [x.grad for x in xs if isinstance(x, Value)]
    for twin in (pickle.loads(pickle.dumps(result)), copy.deepcopy(result)):
        assert twin.data == result.data
        twin.zero_grad()
        twin.backward()
        leaves = {v.label: v for v in twin.topological_order() if v.label}
        assert [leaves[x.label].grad for x in xs if isinstance(x, Value)] == expected
    original = listed(row.call(fastgrad, xs))[0]
    assert [v.data for v in copy.copy(original)._operands()] == [v.data for v in original._operands()]


@needs_checks
@pytest.mark.parametrize("function", [fastgrad.softmax, fastgrad.log_softmax])
def test_a_reverse_by_hand_gives_zeros_where_no_result_has_a_gradient(function: Callable[..., list[Value]]):
    results = function([Value(0.0), Value(1.0)])
    _core.check_reverse(results[0]._operands()[0], 0.0, [-0.0, -0.0])


@needs_checks
@every_sequence
@settings(max_examples=40)
@given(data=st.data())
def test_a_reverse_by_hand_gives_the_bits_of_the_derived_one(row: Sequenced, data: st.DataObject):
    length = data.draw(st.sampled_from(row.lengths()))
    values = [Value(x) for x in data.draw(st.lists(numbers, min_size=1, max_size=length))]
    places = data.draw(st.lists(st.integers(-3, len(values) - 1), min_size=length, max_size=length))
    xs = [values[max(place, 0)] if place >= 0 or i == 0 else float(place) for i, place in enumerate(places)]
    results = listed(row.call(fastgrad, xs))
    if not row.row.has_several_results:
        _core.check_reverse(results[0], data.draw(numbers), [])
        return
    cotangents = data.draw(st.lists(numbers, min_size=length, max_size=length))
    _core.check_reverse(results[0]._operands()[0], 0.0, cotangents)


def test_no_grad_gives_leaves():
    xs = [Value(1.0), Value(2.0)]
    with no_grad():
        assert fastgrad.dot(xs, xs)._prev == set()
        assert [p._prev for p in fastgrad.softmax(xs)] == [set(), set()]


def test_operands_live_as_long_as_the_result(live_nodes: Callable[[], int]):
    result = fastgrad.dot([Value(2.0), Value(3.0)], [Value(5.0), Value(7.0)])
    p = fastgrad.softmax([result, Value(31.0)])[0]
    assert live_nodes() == 4 + 1 + 1 + 1 + 1
    del result
    p.backward()
    assert live_nodes() == 8
    del p


def test_an_instance_of_a_subclass_is_kept_with_its_attributes():
    class Weight(Value):
        pass

    def build() -> Value:
        w = Weight(2.0)
        w.name = "w"
        return fastgrad.dot([w], [3.0])

    result = build()
    assert result._operands()[0].name == "w"


def test_constants_become_leaves_once_they_are_looked_at():
    x = Value(2.0)
    result = fastgrad.dot([x, 3.0], [4.0, x], 1.0)
    assert [operand.data for operand in result._operands()] == [2.0, 4.0, 3.0, 2.0, 1.0]
    assert result._node_count() == 5  # x counts once
    result.backward()
    assert x.grad == 7.0


def test_deep_chains_of_sequences_need_no_recursion():
    x = total_ = Value(1.0)
    for _ in range(100_000):
        total_ = fastgrad.dot([total_], [1.0], 0.0)
    total_.backward()
    assert x.grad == 1.0
    del total_


# --- expanded


@every_sequence
def test_expanded_graphs_have_ordinary_nodes_and_equal_bits(row: Sequenced):
    xs = [Value(0.3 * i, label=f"x{i}") for i in range(1, row.lengths()[-1] + 1)]
    scaled = [x * 1.5 for x in xs]
    result = total(listed(row.call(fastgrad, scaled)))
    result.label = "loss"
    twin = _core.expanded(result)
    names = {operation.symbol for operation in fastgrad.operations()}
    assert {v._op for v in twin.topological_order() if v._prev} <= names
    assert twin.label == "loss"
    assert bits(twin.data) == bits(result.data)
    result.backward()
    expected = [bits(x.grad + 0.0) for x in xs]
    for x in xs:
        x.grad = 0.0
    twin.backward()
    assert [bits(x.grad + 0.0) for x in xs] == expected


def test_a_graph_without_sequences_expands_to_itself():
    result = (Value(2.0) * 3.0).tanh()
    assert _core.expanded(result) is result


@every_sequence
def test_captured_graphs_give_the_same_bits_without_passes(row: Sequenced):
    length = row.lengths()[-1]
    numbers = [0.3 * i - 1.0 for i in range(length)]
    xs = [Value(x) for x in numbers]
    result = total(listed(row.call(fastgrad, xs)))
    value, gradient = Graph(result, xs, passes=()).value_and_grad(numbers)
    assert bits(value) == bits(result.data)
    result.backward()
    assert [bits(g + 0.0) for g in gradient] == [bits(x.grad + 0.0) for x in xs]
    fast, near = Graph(result, xs).value_and_grad(numbers)
    assert fast == pytest.approx(result.data, rel=1e-12)
    assert near == pytest.approx(gradient, rel=1e-12, abs=1e-12)


@every_sequence
def test_recorded_functions_agree(row: Sequenced):
    length = row.lengths()[-1]
    rows = [[0.1 * i + 0.01 * i * i - 0.3 * j for i in range(length)] for j in range(3)]

    def f(xs: Any) -> Any:
        return total(listed(row.call(fastgrad, list(xs))))

    fast = jit(f)
    for numbers in rows:
        xs, ys = [Value(x) for x in numbers], [Value(x) for x in numbers]
        slow_result, fast_result = f(xs), fast(ys)
        slow_result.backward()
        fast_result.backward()
        assert fast_result.data == pytest.approx(slow_result.data, rel=1e-12)
        assert [y.grad for y in ys] == pytest.approx([x.grad for x in xs], rel=1e-12, abs=1e-12)
    assert fast.recordings == 1
    batch = vmap(f)(np.array(rows))
    assert [v.data for v in batch] == pytest.approx([f(numbers) for numbers in rows], rel=1e-12)


def test_a_fused_value_from_outside_a_recorded_function_is_refused():
    outside = fastgrad.dot([Value(1.0)], [2.0])
    with pytest.raises(TypeError, match="computed outside"):
        jit(lambda x: x * outside)(1.0)
