"""`fastgrad.Graph`: inputs and bound leaves, the numbers it accepts, and its results."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fastgrad import Graph, Value, _core, no_grad
from fastgrad.compile import PASSES
from support.replays import all_bits

BATCHES = (0, 1, 2, 7, 8, 9, 31, 32, 33, 100, 1000)


def hypotenuse() -> tuple[Value, list[Value]]:
    legs = [Value(3.0), Value(4.0)]
    return (legs[0] * legs[0] + legs[1] * legs[1]).sqrt(), legs


def samples(batch: int, columns: int = 2) -> np.ndarray:
    return np.random.default_rng(batch).uniform(0.5, 2.0, (batch, columns))


# ---- shapes


def test_one_sample_gives_one_row_of_outputs():
    output, legs = hypotenuse()
    graph = Graph([output, output * 2.0, -legs[0]], legs)
    outputs = graph([6.0, 8.0])
    assert (outputs.dtype, outputs.shape) == (np.float64, (3,))
    assert outputs.tolist() == [10.0, 20.0, -6.0]


@pytest.mark.parametrize("batch", BATCHES)
def test_a_batch_gives_a_row_for_each_sample(batch: int):
    output, legs = hypotenuse()
    x = samples(batch)
    outputs = Graph([output, output * 2.0], legs)(x)
    assert (outputs.dtype, outputs.shape) == (np.float64, (batch, 2))
    assert outputs[:, 0] == pytest.approx(np.hypot(*x.T), rel=1e-15)
    assert outputs[:, 1].tolist() == (2.0 * outputs[:, 0]).tolist()


@pytest.mark.parametrize("batch", BATCHES)
def test_value_and_grad_of_a_batch(batch: int):
    output, legs = hypotenuse()
    x = samples(batch)
    values, gradients = Graph(output, legs).value_and_grad(x)
    assert (values.shape, gradients.shape) == ((batch,), (batch, 2))
    assert gradients == pytest.approx(x / values[:, None], rel=1e-15)


def test_value_and_grad_of_one_sample_gives_a_float():
    value, gradients = Graph(*hypotenuse()).value_and_grad([6.0, 8.0])
    assert type(value) is float
    assert (value, gradients.tolist()) == (10.0, [pytest.approx(0.6), pytest.approx(0.8)])


@pytest.mark.parametrize("batch", BATCHES)
def test_vjp_weighs_the_outputs_of_each_sample(batch: int):
    a, b = Value(1.0), Value(2.0)
    x, cotangents = samples(batch), samples(batch, 2)
    outputs, gradients = Graph([a * b, a + b], [a, b]).vjp(x, cotangents)
    assert outputs.tolist() == np.stack([x[:, 0] * x[:, 1], x[:, 0] + x[:, 1]], axis=1).tolist()
    assert gradients == pytest.approx(cotangents[:, :1] * x[:, ::-1] + cotangents[:, 1:], rel=1e-15)


@pytest.mark.parametrize("x", [None, [], np.zeros(0)], ids=["left out", "a list", "an array"])
def test_without_inputs_there_is_one_sample_of_no_numbers(x: Any):
    w = Value(3.0)
    graph = Graph(w * w)
    assert graph(*() if x is None else (x,)).tolist() == [9.0]
    value, gradients = graph.value_and_grad() if x is None else graph.value_and_grad(x)
    assert (value, gradients.shape, w.grad) == (9.0, (0,), 6.0)


@pytest.mark.parametrize("batch", BATCHES)
def test_without_inputs_a_batch_counts_each_bound_gradient_once_a_sample(batch: int):
    w = Value(3.0)
    graph = Graph(w * w)
    values, gradients = graph.value_and_grad(np.zeros((batch, 0)))
    assert (values.tolist(), gradients.shape, w.grad) == ([9.0] * batch, (batch, 0), 6.0 * batch)


# ---- numbers other than a contiguous array of float64

GIVEN: dict[str, Callable[[np.ndarray], Any]] = {
    "nested lists": lambda x: x.tolist(),
    "tuples": lambda x: tuple(map(tuple, x.tolist())),
    "rows of a list": list,
    "int64": lambda x: x.astype(np.int64),
    "float32": lambda x: x.astype(np.float32),
    "float16": lambda x: x.astype(np.float16),
    "bool": lambda x: x.astype(bool),
    "every other column": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "reversed rows": lambda x: x[::-1].copy()[::-1],
    "columns first": np.asfortranarray,
    "big endian": lambda x: x.astype(">f8"),
    "not aligned": lambda x: np.frombuffer(b"-" + x.tobytes(), np.uint8)[1:].view(np.float64).reshape(x.shape),
    "not writable": lambda x: np.broadcast_to(x, x.shape),
}


@pytest.mark.parametrize("batch", [3, 40])
@pytest.mark.parametrize("convert", GIVEN.values(), ids=GIVEN)
def test_numbers_are_converted_from_any_container(convert: Callable[[np.ndarray], Any], batch: int):
    x = np.random.default_rng(0).integers(0, 2, (batch, 2)).astype(float)
    given = convert(x)
    output, legs = hypotenuse()
    graph = Graph([output, legs[0]], legs)
    assert graph(given).tolist() == graph(x).tolist()
    assert graph(given[0]).tolist() == graph(x[0]).tolist()
    for ours, theirs in zip(graph.vjp(x, given), graph.vjp(x, x), strict=True):
        assert all_bits(ours) == all_bits(theirs)


def test_the_given_array_is_left_alone():
    x = samples(40)
    before = x.copy()
    Graph(*hypotenuse()).value_and_grad(x)
    assert x.tolist() == before.tolist()


# ---- what is recorded


def test_outputs_may_be_nested_and_generated():
    a, b = Value(2.0), Value(3.0)
    nested = [a + b, (a * b, [[a - b], []]), (v for v in (a, -b))]
    assert Graph(nested, [a, b])([2.0, 3.0]).tolist() == [5.0, 6.0, -1.0, 2.0, -3.0]
    assert Graph(np.array([[a, b], [b, a]]), [a, b])([2.0, 3.0]).tolist() == [2.0, 3.0, 3.0, 2.0]


@pytest.mark.parametrize("passes", [(), PASSES], ids=["without passes", "with all passes"])
@pytest.mark.parametrize("batch", [1, 8, 33])
def test_outputs_may_be_inputs_or_bound_leaves_and_the_same_several_times(passes: tuple[str, ...], batch: int):
    a, unused, w = Value(1.0), Value(2.0), Value(5.0)
    total = a * w
    graph = Graph([a, w, total, unused, w, a, total, w], [a, unused], passes=passes)
    x = np.arange(2.0 * batch).reshape(batch, 2)
    weights = np.tile([1.0, 10.0, 100.0, 1000.0, 20.0, 2.0, 200.0, 30.0], (batch, 1))
    outputs, gradients = graph.vjp(x, weights)
    for (p, q), row, gradient in zip(x, outputs, gradients, strict=True):
        assert row.tolist() == [p, 5.0, 5.0 * p, q, 5.0, p, 5.0 * p, 5.0]
        assert gradient.tolist() == [3.0 + 300.0 * 5.0, 1000.0]
    assert w.grad == 60.0 * batch + 300.0 * x[:, 0].sum()


@pytest.mark.parametrize("passes", [(), PASSES], ids=["without passes", "with all passes"])
@pytest.mark.parametrize("batch", [None, 1, 8, 33])
def test_inputs_that_no_output_needs_get_no_gradient(passes: tuple[str, ...], batch: int | None):
    a, b, c = Value(1.0), Value(2.0), Value(3.0)
    x = [1.0, 2.0, 3.0] if batch is None else np.tile([1.0, 2.0, 3.0], (batch, 1))
    _, gradients = Graph(b * 3.0, [a, b, c], passes=passes).value_and_grad(x)
    assert {tuple(all_bits(row)) for row in np.atleast_2d(gradients)} == {tuple(all_bits([0.0, 3.0, 0.0]))}


def test_a_graph_is_frozen_the_eager_nodes_stay_as_they_were():
    output, legs = hypotenuse()
    graph = Graph(output, legs)
    graph.value_and_grad([6.0, 8.0])
    assert (output.data, legs[0].data, legs[0].grad, output.grad) == (5.0, 3.0, 0.0, 0.0)
    legs[0].data = 100.0
    assert graph([6.0, 8.0]).tolist() == [10.0]
    output.backward()
    assert legs[1].grad == 0.8


def test_without_recording_an_output_is_a_bound_leaf():
    a = Value(2.0)
    with no_grad():
        square = a * a
    graph = Graph(square * a, [a])
    assert graph.parameters == (square,)
    assert graph([5.0]).tolist() == [20.0]


# ---- bound leaves


@pytest.mark.parametrize("passes", [(), PASSES], ids=["without passes", "with all passes"])
def test_bound_leaves_are_read_at_each_run(passes: tuple[str, ...]):
    x, w, b = Value(1.0), Value(2.0), Value(3.0)
    graph = Graph(w * x + b, [x], passes=passes)
    for batch in (1, 40):
        w.data, b.data = 2.0, 3.0
        assert graph(np.full((batch, 1), 10.0)).ravel().tolist() == [23.0] * batch
        w.data, b.data = -1.0, 0.5
        assert graph(np.full((batch, 1), 10.0)).ravel().tolist() == [-9.5] * batch


@pytest.mark.parametrize("passes", [(), PASSES], ids=["without passes", "with all passes"])
@pytest.mark.parametrize("batch", BATCHES)
def test_bound_gradients_are_summed_over_the_batch_and_added(passes: tuple[str, ...], batch: int):
    x, w, b = Value(1.0), Value(2.0), Value(3.0)
    w.grad, b.grad = 0.5, -1.0
    graph = Graph(w * x + b, [x], passes=passes)
    graph(np.ones((batch, 1)))
    assert (w.grad, b.grad) == (0.5, -1.0)  # computing outputs leaves gradients unchanged
    graph.value_and_grad(np.arange(float(batch))[:, None])
    assert (w.grad, b.grad) == (0.5 + batch * (batch - 1) / 2, -1.0 + batch)
    graph.vjp(np.ones((batch, 1)), np.full((batch, 1), 2.0))
    assert (w.grad, b.grad) == (0.5 + batch * (batch - 1) / 2 + 2.0 * batch, -1.0 + 3.0 * batch)


def test_parameters_are_the_bound_leaves_themselves_each_once():
    x, w, b = Value(1.0), Value(2.0), Value(3.0)
    graph = Graph([w * x + b, w * b], [x])
    assert sorted(map(id, graph.parameters)) == sorted(map(id, (w, b)))
    assert Graph(w * b, [b, w]).parameters == ()


class Parameter(Value):
    pass


def test_a_bound_leaf_of_a_users_class_comes_back_unchanged():
    w = Parameter(2.0)
    w.name = "weight"
    graph = Graph(w * 3.0)
    del w
    gc.collect()
    (again,) = graph.parameters
    assert (type(again), again.name, again.data) == (Parameter, "weight", 2.0)


def test_a_graph_keeps_its_bound_leaves_and_nothing_else_alive(live_nodes: Callable[[], int]):
    def make() -> Graph:
        x, *weights = (Value(float(i)) for i in range(5))
        return Graph(sum((x * w).tanh() for w in weights), [x])

    graph = make()
    assert live_nodes() == 4
    graph.value_and_grad(np.ones((40, 1)))
    assert sorted(leaf.data for leaf in graph.parameters) == [1.0, 2.0, 3.0, 4.0]
    assert live_nodes() == 4
    parameters = graph.parameters
    del graph
    assert live_nodes() == 4
    del parameters
    assert live_nodes() == 0


# ---- other


def test_the_best_instruction_set_is_the_default():
    a = Value(1.0)
    best, *_ = _core.instruction_sets()
    assert Graph(a, [a]).stats()["instruction_set"] == best
    for name in _core.instruction_sets():
        assert Graph(a, [a], instruction_set=name).stats()["instruction_set"] == name


def test_repr_counts_what_there_is():
    x, w = Value(1.0), Value(2.0)
    graph = Graph(w * x + x, [x], passes=())
    assert repr(graph) == "Graph(1 inputs, 1 outputs, 1 bound leaves, 2 instructions of 4 nodes)"
    assert (graph.inputs_count, graph.outputs_count, list(graph.passes)) == (1, 1, [])


@pytest.mark.parametrize("cotangents", [[0.0, 0.0], [math.nan, 1.0], [math.inf, 0.0], [-0.0, 2.0]], ids=repr)
@pytest.mark.parametrize("batch", [None, 8, 32])
def test_cotangents_may_be_zero_infinite_or_nan(cotangents: list[float], batch: int | None):
    a, b = Value(2.0), Value(3.0)
    graph = Graph([a * b, a], [a, b])
    x, weights = ([2.0, 3.0], cotangents)
    if batch is not None:
        x, weights = np.tile(x, (batch, 1)), np.tile(weights, (batch, 1))
    outputs, gradients = graph.vjp(x, weights)
    first, second = cotangents
    for row, gradient in zip(np.atleast_2d(outputs), np.atleast_2d(gradients), strict=True):
        assert row.tolist() == [6.0, 2.0]
        assert all_bits(gradient) == all_bits([0.0 + second + first * 3.0, 0.0 + first * 2.0])
