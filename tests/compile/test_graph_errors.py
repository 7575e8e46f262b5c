"""Errors of `fastgrad.Graph`, and their messages."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from fastgrad import Graph, Value, softmax
from fastgrad.compile import PASSES


def product() -> tuple[Value, list[Value]]:
    a, b = Value(1.0), Value(2.0)
    return a * b, [a, b]


# ---- on creation


@pytest.mark.parametrize("output", [1.0, "ab", None, {"loss": 1.0}, np.float64(2.0), [Value(1.0), 2]], ids=repr)
def test_outputs_that_are_not_values_are_refused(output: Any):
    with pytest.raises(TypeError, match="outputs must be Values or nested lists of them, not "):
        Graph(output)


@pytest.mark.parametrize("outputs", [[], (), [[], [()]]], ids=repr)
def test_a_graph_needs_an_output(outputs: Any):
    with pytest.raises(ValueError, match="a graph needs an output"):
        Graph(outputs)


@pytest.mark.parametrize("wrong", [1.0, None, [Value(1.0)]], ids=repr)
def test_inputs_that_are_not_values_are_refused(wrong: Any):
    a = Value(1.0)
    with pytest.raises(TypeError, match=re.escape(f"inputs must be Values, not {wrong!r}")):
        Graph(a * a, [a, wrong])


def test_graph_before_its_constructor_has_run():
    for use in (Graph.stats, Graph.listing, repr, lambda graph: graph()):
        with pytest.raises(TypeError, match=r"__init__\(\) has not been called yet"):
            use(Graph.__new__(Graph))


def test_an_input_that_is_not_a_leaf_is_named():
    a = Value(3.0)
    square = a * a
    with pytest.raises(ValueError, match=re.escape("input 1, Value(data=9.0), is not a leaf: name what it was")):
        Graph(square + a, [a, square])


def test_an_input_given_twice_is_named():
    a, b = Value(1.0), Value(2.0)
    with pytest.raises(ValueError, match="inputs 1 and 3 are the same Value"):
        Graph(a * b, [a, b, Value(0.0), b])


def test_custom_operations_are_refused_by_their_symbol():
    a = Value(2.0)
    own = Value(4.0, (a,), "my square")
    with pytest.raises(TypeError, match=r"custom operation \('my square'\).*write it with fastgrad's operations"):
        Graph(own + 1.0, [a])
    with pytest.raises(TypeError, match="custom operation"):
        Graph(Value(4.0, (a,), (4.0,)))


def test_a_custom_operation_on_a_sequence_operation_is_refused():
    """Regression: it kept the sequence in the expanded graph, whose results are not instructions."""
    half, _ = softmax([Value(0.5), Value(0.5)])
    with pytest.raises(TypeError, match=r"custom operation \('twice'\)"):
        Graph(Value(1.0, (half,), "twice") + half)


def test_unknown_passes_and_instruction_sets_are_refused():
    a = Value(1.0)
    with pytest.raises(ValueError, match=f"no pass named 'magic': choose from {', '.join(PASSES)}"):
        Graph(a, [a], passes=("fold", "magic"))
    with pytest.raises(ValueError, match="this machine has no instruction set 'abacus'"):
        Graph(a, [a], instruction_set="abacus")


# ---- on a run


WRONG_SHAPES = [
    (3.0, "()"),
    ([1.0], "(1,)"),
    ([1.0, 2.0, 3.0], "(3,)"),
    (np.zeros((5, 3)), "(5, 3)"),
    (np.zeros((0, 3)), "(0, 3)"),
    (np.zeros((2, 5, 2)), "(2, 5, 2)"),
]


@pytest.mark.parametrize(("x", "shape"), WRONG_SHAPES, ids=[shape for _, shape in WRONG_SHAPES])
def test_wrong_shapes_are_errors_that_name_both(x: Any, shape: str):
    graph = Graph(*product())
    message = re.escape(f"inputs of shape {shape} for a graph of 2 inputs: give shape (2,) or (batch, 2)")
    for call in (graph, graph.value_and_grad, lambda x: graph.vjp(x, [1.0])):
        with pytest.raises(ValueError, match=message):
            call(x)


WRONG_COTANGENTS = [
    ((), 0.5, "()", "(2,)"),
    ((), [1.0], "(1,)", "(2,)"),
    ((), [[1.0, 1.0]], "(1, 2)", "(2,)"),
    ((4,), [1.0, 1.0], "(2,)", "(4, 2)"),
    ((4,), np.ones((3, 2)), "(3, 2)", "(4, 2)"),
    ((4,), np.ones((4, 1)), "(4, 1)", "(4, 2)"),
]


@pytest.mark.parametrize(("batch", "cotangents", "given", "needed"), WRONG_COTANGENTS)
def test_wrong_shapes_of_cotangents_are_errors_that_name_both(
    batch: tuple[int, ...], cotangents: Any, given: str, needed: str
):
    a, b = Value(1.0), Value(2.0)
    graph = Graph([a * b, a + b], [a, b])
    with pytest.raises(ValueError, match=re.escape(f"cotangents of shape {given} for outputs of shape {needed}")):
        graph.vjp(np.ones((*batch, 2)), cotangents)


@pytest.mark.parametrize("x", [["1.5", "2"], [1j, 2.0], np.zeros(2, complex), "ab", np.zeros(2, "M8[s]")], ids=repr)
def test_anything_but_a_real_number_is_refused(x: Any):
    graph = Graph(*product())
    for call, what in ((lambda: graph(x), "inputs"), (lambda: graph.vjp([1.0, 2.0], x), "cotangents")):
        with pytest.raises(TypeError, match=f"{what} must be real numbers, not "):
            call()


def test_rows_of_unequal_lengths_and_other_objects_are_numpys_errors():
    graph = Graph(*product())
    with pytest.raises(ValueError, match="inhomogeneous"):
        graph([[1.0, 2.0], [3.0]])
    with pytest.raises(TypeError):
        graph([object(), 1.0])


def test_inputs_cannot_be_left_out_where_there_are_some():
    graph = Graph(*product())
    for call in (graph, graph.value_and_grad):
        with pytest.raises(TypeError, match="the graph has 2 inputs: give their numbers"):
            call()


def test_value_and_grad_of_several_outputs_says_to_use_vjp():
    a = Value(1.0)
    with pytest.raises(ValueError, match=r"one output, not 2: use vjp\(x, cotangents\)"):
        Graph([a, -a], [a]).value_and_grad([1.0])


@pytest.mark.parametrize("threads", [0, -1, 1.5, "2", None], ids=repr)
def test_threads_are_one_or_more(threads: Any):
    graph = Graph(*product())
    with pytest.raises((TypeError, ValueError)):
        graph([1.0, 2.0], threads=threads)
