"""The reverse of a graph as a graph, `Graph.gradient`, against the interpreter's reverse and fastgrad.functional."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastgrad
from fastgrad import Graph, Value, functional
from fastgrad.reference import OPERATIONS
from support.recipes import Recipe, cook, recipes
from support.replays import all_bits

EDGES = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -3.0, 5e-324, -5e-324, 1e-310, 1e300, -1e300, 709.0, -745.0, math.inf,
         -math.inf, math.nan]  # fmt: skip


def assert_gradient_program_gives_the_bits_of_the_reverse(graph: Graph, points: list[list[float]]) -> None:
    ones = [1.0] if graph.outputs_count > 1 else []
    gradient = graph.gradient(values=True, parameters=True, passes=())
    for point in points:
        for parameter in graph.parameters:
            parameter.grad = 0.0
        cotangents = ones * graph.outputs_count
        outputs, slopes = graph.vjp(point, cotangents or [1.0])
        expected = [*outputs, *slopes, *(parameter.grad + 0.0 for parameter in graph.parameters)]
        assert all_bits(gradient([*point, *cotangents])) == all_bits(expected), point


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_derivative_at_the_edges(name: str):
    arity = len(OPERATIONS[name].partials)
    graph = Graph.from_text(
        f"%0 = input 0\n%1 = {name} %0\noutput %1"
        if arity == 1
        else f"%0 = input 0\n%1 = input 1\n%2 = {name} %0, %1\noutput %2"
    )
    points = [[x] for x in EDGES] if arity == 1 else [[x, y] for x in EDGES for y in EDGES]
    assert_gradient_program_gives_the_bits_of_the_reverse(graph, points)


@given(recipe=recipes(list(OPERATIONS)), outputs=st.sets(st.integers(0, 30), min_size=1, max_size=3),
       is_input=st.lists(st.booleans(), min_size=4, max_size=4))  # fmt: skip
def test_random_graphs(recipe: Recipe, outputs: set[int], is_input: list[bool]):
    nodes, _ = cook(recipe, fastgrad)
    leaves = nodes[: len(recipe.leaves)]
    inputs = [leaf for leaf, chosen in zip(leaves, is_input, strict=False) if chosen]
    graph = Graph([nodes[i % len(nodes)] for i in outputs], inputs, passes=())
    assert_gradient_program_gives_the_bits_of_the_reverse(graph, [[leaf.data for leaf in inputs]])


def rosenbrock(xs: list[Value]) -> Value:
    return sum((100.0 * (b - a * a) ** 2 + (1.0 - a) ** 2 for a, b in pairwise(xs)), Value(0.0))


def test_the_gradient_of_the_gradient_is_the_hessian():
    point = [0.3, -0.7, 1.1, 0.2]
    xs = [Value(x) for x in point]
    hessian = np.array(functional.hessian(rosenbrock)(point))
    gradient = Graph(rosenbrock(xs), xs).gradient()
    second = gradient.gradient()  # of sum(cotangents * gradient): a Hessian-vector product
    for vector, column in zip(np.eye(4), hessian.T, strict=True):
        np.testing.assert_allclose(gradient.vjp(point, vector)[1], column, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(second([*point, *vector]), column, rtol=1e-12, atol=1e-12)


def test_a_batch_and_every_pass():
    xs, w = [Value(0.0) for _ in range(3)], [Value(0.1 * i - 0.3) for i in range(12)]
    hidden = [sum(a * b for a, b in zip(xs, w[3 * i : 3 * i + 3], strict=True)).tanh() for i in range(4)]
    graph = Graph(sum(h * h for h in hidden), xs)
    rows = np.random.default_rng(0).normal(size=(40, 3))
    np.testing.assert_allclose(graph.gradient()(rows), graph.value_and_grad(rows)[1], rtol=1e-12)


def test_an_input_that_nothing_depends_on_has_gradient_zero():
    x, unused = Value(1.0), Value(2.0)
    assert Graph(x.floor() + 1.0, [x, unused]).gradient()([1.5, 2.0]).tolist() == [0.0, 0.0]


def test_guards_are_kept():
    @fastgrad.jit
    def f(x: Value) -> Value:
        return x * x if x > 0.0 else -x

    gradient = f.graph(2.0).gradient()
    assert gradient([3.0]).tolist() == [6.0]
    with pytest.raises(ValueError, match="another branch"):
        gradient([-3.0])


def test_a_gradient_graph_is_saved_and_bound_like_any_other(tmp_path):
    x, w = Value(2.0), Value(3.0, label="w")
    gradient = Graph(x * w**2, [x]).gradient(parameters=True)
    gradient.save(tmp_path / "g")
    twin = Graph.load(tmp_path / "g")
    w.data = 4.0
    assert gradient([2.0]).tolist() == [16.0, 16.0]
    assert twin([2.0]).tolist() == [9.0, 12.0]
    assert [p.label for p in twin.parameters] == ["w"]
