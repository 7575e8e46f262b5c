"""Graphs as Python source: the numbers of the graph to the last bit, or an error if a number is not finite."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastgrad
from fastgrad import Graph, Value
from fastgrad.backends import to_python
from fastgrad.reference import OPERATIONS, Operation
from support.operations import all_arguments, every_operation
from support.recipes import Recipe, cook, recipes
from support.replays import all_bits


def made(graph: Graph, name: str = "f") -> Callable[..., list[float]]:
    names: dict[str, Any] = {}
    exec(to_python(graph, name), names)
    return names[name]


def with_every_number(graph: Graph) -> Graph:
    """The same program with every slot as an output."""
    statements = [line for line in graph.text().splitlines() if not line.startswith("output")]
    slots = [line.partition(" ")[0] for line in statements if line.startswith("%")]
    return Graph.from_text("\n".join([*statements, f"output {', '.join(slots)}"]))


def assert_equals(graph: Graph, points: Sequence[Sequence[float]]) -> None:
    """The function returns the graph's bits, and raises only if some number of the graph is not finite."""
    graph = with_every_number(graph)
    function = made(graph)
    for point in points:
        expected = graph(point)
        try:
            numbers = function(point)
        except (ArithmeticError, ValueError):
            assert not np.isfinite(expected).all(), point
        else:
            assert all(type(number) is float for number in numbers)
            assert all_bits(numbers) == all_bits(expected), point


@every_operation
def test_every_operation_and_its_derivative(operation: Operation):
    leaves = [Value(x) for x in operation.points[0]]
    graph = Graph(getattr(fastgrad, operation.name)(*leaves), leaves, passes=())
    points = list(all_arguments(operation))
    assert_equals(graph, points)
    assert_equals(graph.gradient(passes=()), points)


@every_operation
def test_no_operation_raises_at_ordinary_points(operation: Operation):
    leaves = [Value(x) for x in operation.points[0]]
    graph = Graph(getattr(fastgrad, operation.name)(*leaves), leaves, passes=())
    function = made(graph)
    for point in operation.points:
        assert all_bits(function(point)) == all_bits(graph(point))


@given(recipe=recipes(list(OPERATIONS)), is_input=st.lists(st.booleans(), min_size=4, max_size=4))
def test_random_graphs_and_their_gradients(recipe: Recipe, is_input: list[bool]):
    nodes, _ = cook(recipe, fastgrad)
    leaves = nodes[: len(recipe.leaves)]
    inputs = [leaf for leaf, chosen in zip(leaves, is_input, strict=False) if chosen]
    graph = Graph(nodes[-1], inputs, passes=())
    point = [leaf.data for leaf in inputs]
    assert_equals(graph, [point])
    assert_equals(graph.gradient(passes=()), [point])


def test_the_source_is_readable():
    x, w = Value(2.0), Value(3.0)
    graph = Graph([(w * x).relu(), x.sigmoid() + math.inf], [x], passes=())
    assert to_python(graph, "step") == (
        "def step(x, parameters=(3.0,)):\n"
        "    from math import exp\n"
        "\n"
        "    def share_of(odds):\n"
        "        return odds / (1.0 + odds)\n"
        "\n"
        "    def sigmoid(x):\n"
        "        return 1.0 / (1.0 + exp(-x)) if x >= 0.0 else share_of(exp(x))\n"
        "\n"
        "    [x0] = map(float, x)\n"
        "    [w0] = map(float, parameters)\n"
        "    v3 = w0 * x0\n"
        "    v4 = 0.0 if v3 < 0.0 else v3\n"
        "    v5 = sigmoid(x0)\n"
        "    v6 = v5 + float('inf')\n"
        "    return [v4, v6]\n"
    )


def test_an_error_of_python_takes_the_place_of_an_infinity():
    x = Value(1.0)
    for output, point, error in (
        (1.0 / x, 0.0, ZeroDivisionError),
        (x.exp(), 1000.0, OverflowError),
        (x.log(), -1.0, ValueError),
    ):
        graph = Graph(output, [x])
        assert not np.isfinite(graph([point])).any()
        with pytest.raises(error):
            made(graph)([point])


@pytest.mark.parametrize("name", ["cbrt", "exp2"])
def test_functions_that_math_lacks_come_from_fastgrad(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delattr(math, name, raising=False)  # as before Python 3.11
    x = Value(2.0)
    graph = Graph(getattr(fastgrad, name)(x), [x], passes=())
    assert f"from fastgrad import {name}\n" in to_python(graph)
    assert_equals(graph, [[2.0], [-0.3], [math.inf]])


def test_bound_leaves_are_arguments_with_their_current_data():
    x, w, c = Value(2.0), Value(3.0), Value(math.nan)
    graph = Graph([w * x, c.copysign(x)], [x])
    w.data, c.data = 5.0, -math.inf
    function = made(graph)
    assert function([2]) == [10.0, math.inf]
    assert function([2], parameters=[7, 1]) == [14.0, 1.0]


def test_inputs_that_nothing_depends_on_are_given_all_the_same():
    x, unused = Value(1.0), Value(2.0)
    function = made(Graph(x + 1.0, [unused, x]))
    assert function([0.0, 4.0]) == [5.0]
    with pytest.raises(ValueError, match="not enough values"):
        function([4.0])
    assert made(Graph(x + 1.0))([]) == [2.0]


def test_constants_keep_their_signs():
    graph = Graph.from_text(
        "%0 = constant -0.0\n%1 = constant -inf\n%2 = input 0\n%3 = sub %2, %0\n%4 = maximum %2, %1\n"
        "%5 = copysign %2, %0\noutput %3, %4, %5"
    )
    assert all_bits(made(graph)([-0.0])) == all_bits(graph([-0.0]))
    assert all_bits(made(graph)([-math.inf])) == all_bits([-math.inf, -math.inf, -math.inf])


@pytest.mark.parametrize("addend", ["", " + %2"])
def test_dots(addend: str):
    terms = " + ".join(["%0 * %3", "%1 * %2", "%2 * %3"]) + addend
    graph = Graph.from_text(
        f"%0 = bound 0.1\n%1 = constant 1e16\n%2 = input 1\n%3 = input 0\n%4 = dot {terms}\noutput %4"
    )
    assert_equals(graph, [[0.7, -0.3], [1e300, -1e300], [-0.0, -0.0]])


def test_every_pass():
    xs, ws = [Value(0.1 * i) for i in range(9)], [Value(0.3 * i - 0.7) for i in range(36)]
    rows = [sum(w * x for w, x in zip(ws[i : i + 9], xs, strict=True)).tanh() for i in range(0, 36, 9)]
    graph = Graph(sum(row * row for row in rows), xs)
    assert graph.stats()["dots"] > 0
    point = [x.data for x in xs]
    np.testing.assert_allclose(made(graph)(point), graph(point), rtol=1e-14)
    np.testing.assert_allclose(made(graph.gradient())(point), graph.gradient()(point), rtol=1e-12)


def test_guards():
    @fastgrad.jit
    def absolute(x: Value) -> Value:
        return x if x > 0.0 else -x

    positive, negative = made(absolute.graph(2.0)), made(absolute.graph(-2.0))
    assert (positive([3.0]), negative([-3.0])) == ([3.0], [3.0])
    for function, point in ((positive, [-3.0]), (negative, [3.0])):
        with pytest.raises(ValueError, match=r"takes another branch .*: v\d+ is (true|false)"):
            function(point)


def test_a_long_program_and_a_long_dot():
    x = Value(0.5)
    y = x
    for _ in range(20_000):
        y = (y * 0.5).tanh()
    many = fastgrad.dot([x] * 20_000, [0.25] * 20_000)
    graph = Graph([y, many], [x])
    np.testing.assert_allclose(made(graph)([0.5]), graph([0.5]), rtol=1e-14)


@pytest.mark.parametrize("name", ["", "two words", "1st", "lambda"])
def test_a_name_that_python_refuses(name: str):
    with pytest.raises(ValueError, match=f"identifier of Python, not '{name}'"):
        to_python(Graph(Value(1.0) + 1.0), name)


@pytest.mark.parametrize("name", ["map", "float", "zip", "ValueError"])
def test_a_name_that_the_source_calls_is_refused(name: str):
    with pytest.raises(ValueError, match=rf"the source itself calls {name}\(\)"):
        to_python(Graph(Value(1.0) + 1.0), name)
