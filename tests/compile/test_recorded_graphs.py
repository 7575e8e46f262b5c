"""The graphs of recorded functions: `f.graph(*args)` of `jit` and `vmap`."""

from __future__ import annotations

import numpy as np
import pytest

import fastgrad
from fastgrad import Graph, Value, jit, vmap


def test_each_path_through_a_function_has_a_graph():
    @jit
    def f(x: Value, y: Value) -> Value:
        return x * y if x < y else x - y

    less, more = f.graph(1.0, 2.0), f.graph(2.0, 1.0)
    assert f.recordings == 2
    assert f.graph(3.0, 4.0) is less
    assert isinstance(less, Graph)
    assert (less([3.0, 4.0]).tolist(), more([4.0, 3.0]).tolist()) == ([12.0], [1.0])
    assert "guard" in less.text()
    with pytest.raises(ValueError, match="sample 0 takes another branch than this recording"):
        less([4.0, 3.0])
    with pytest.raises(ValueError, match="sample 1 takes another branch"):
        less.value_and_grad([[3.0, 4.0], [4.0, 3.0], [5.0, 1.0]])


@pytest.mark.parametrize("threads", [1, 3])
def test_the_first_sample_that_fails_a_guard_is_named(threads: int):
    @jit
    def f(x: Value) -> Value:
        return x.exp() if x > 0.0 else x

    rows = np.ones((2000, 1))
    rows[[1234, 1800]] = -1.0
    with pytest.raises(ValueError, match=r"^sample 1234 takes"):
        f.graph(1.0)(rows, threads=threads)


def test_a_recorded_graph_is_saved_with_its_guards(tmp_path):
    @jit
    def f(x: Value) -> Value:
        return x * x if x > 0.0 else -x

    f.graph(2.0).save(tmp_path / "f")
    twin = Graph.load(tmp_path / "f")
    assert twin([3.0]).tolist() == [9.0]
    with pytest.raises(ValueError, match="another branch"):
        twin([-3.0])
    assert Graph.from_text(twin.text()).text() == twin.text()


def test_arguments_of_any_structure_are_inputs_in_their_order():
    w = Value(10.0, label="w")

    @jit(static_argnames="power")
    def f(xs: list[Value], row: np.ndarray, *, scale: Value, power: int) -> Value:
        return sum(xs) * scale + row.sum() ** power * w

    graph = f.graph([1.0, Value(2.0)], np.array([3.0, 4.0]), scale=5.0, power=2)
    assert graph.inputs_count == 5
    assert graph([1.0, 2.0, 3.0, 4.0, 5.0]).tolist() == [3.0 * 5.0 + 49.0 * 10.0]
    assert graph.parameters == (w,)


def test_looking_at_a_graph_makes_no_node(live_nodes):
    @jit
    def f(x: Value) -> Value:
        return x.sin()

    argument = Value(1.0)
    before = live_nodes()
    graph = f.graph(argument)
    assert live_nodes() == before
    assert graph([0.0]).tolist() == [0.0]


def test_a_mapped_function_has_a_graph_of_one_sample():
    @vmap(in_axes=(0, None), reduce="mean")
    def loss(x: Value, w: Value) -> Value:
        return (x[0] * w - x[1]) ** 2

    graph = loss.graph([[1.0, 2.0], [3.0, 4.0]], 0.5)
    assert (graph.inputs_count, graph.outputs_count, len(graph.parameters)) == (2, 1, 1)
    assert graph([1.0, 2.0]).tolist() == [2.25]


def test_each_graph_of_a_mapped_function_has_the_shared_numbers_of_its_own_call():
    bias = Value(100.0)

    @vmap(in_axes=(0, None, None))
    def f(x: Value, unused: Value, w: Value) -> Value:
        return x * w + bias

    xs, w = np.arange(3.0), Value(2.0)
    f(xs, 9.0, 5.0)
    first, second = f.graph(xs, 9.0, 3.0), f.graph(xs, 9.0, w)
    assert (first([2.0]).tolist(), second([2.0]).tolist()) == ([106.0], [104.0])
    assert [p.data for p in first.parameters] == [3.0, 100.0]
    assert first.parameters[1] is bias
    assert first.parameters[0] is not second.parameters[0]
    first.parameters[0].data = 7.0
    assert [y.data for y in f(xs, 9.0, 5.0)] == [100.0, 105.0, 110.0]
    assert first.gradient()([2.0]).tolist() == [7.0]


def test_private_functions_that_make_and_run_graphs_are_not_exposed():
    assert not hasattr(Graph, "replay")
    with pytest.raises(TypeError):
        Graph(Value(1.0) * 2.0, constants=())
    assert fastgrad.compile.graph.Graph is Graph
