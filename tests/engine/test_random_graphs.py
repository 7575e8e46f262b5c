"""Random graphs, built and differentiated by fastgrad and by the reference: equal to the last bit."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import fastgrad
from fastgrad import reference
from support.operations import bits
from support.recipes import Recipe, cook, recipes


def gradients(nodes: list[Any]) -> list[str]:
    return [bits(node.grad) for node in nodes]


@settings(max_examples=300)
@given(recipe=recipes(), first=st.integers(0, 28), second=st.integers(0, 28), seed=st.floats(-1e6, 1e6))
def test_values_errors_and_gradients_are_those_of_the_reference(recipe: Recipe, first: int, second: int, seed: float):
    ours, errors = cook(recipe, fastgrad)
    theirs, expected_errors = cook(recipe, reference)
    assert errors == expected_errors
    assert [bits(node.data) for node in ours] == [bits(node.data) for node in theirs]
    assert [node._op for node in ours] == [node._op for node in theirs]

    def backward_at(position: int, *gradient: float) -> None:
        for nodes in (ours, theirs):
            nodes[-1 - position % len(nodes)].backward(*gradient)
        assert gradients(ours) == gradients(theirs)

    backward_at(0)
    backward_at(0)  # leaves accumulate, the others start again
    backward_at(first, seed)  # losses that share nodes
    backward_at(second)
    for nodes in (ours, theirs):
        nodes[-1].zero_grad()
    assert gradients(ours) == gradients(theirs)


@settings(max_examples=100)
@given(recipe=recipes())
def test_topological_order_has_the_nodes_of_the_reference_with_operands_first(recipe: Recipe):
    ours, _ = cook(recipe, fastgrad)
    theirs, _ = cook(recipe, reference)
    order = ours[-1].topological_order()
    assert len(order) == len(set(order)) == ours[-1]._node_count()
    position = {value: i for i, value in enumerate(order)}
    assert all(position[operand] < position[value] for value in order for operand in value._prev)
    assert order[-1] is ours[-1]
    # The nodes are compared by data and operation, because two engines share no objects.
    expected = theirs[-1].topological_order()
    assert sorted((bits(v.data), v._op) for v in order) == sorted((bits(v.data), v._op) for v in expected)


@settings(max_examples=100)
@given(recipe=recipes())
def test_same_program_gives_the_same_bits_again(recipe: Recipe):
    runs = []
    for _ in range(2):
        nodes, _ = cook(recipe, fastgrad)
        nodes[-1].backward()
        runs.append((gradients(nodes), [bits(node.data) for node in nodes]))
    assert runs[0] == runs[1]


@settings(max_examples=50)
@given(
    weights=st.lists(st.floats(-2.0, 2.0), min_size=3, max_size=3),
    inputs=st.lists(st.floats(-2.0, 2.0), min_size=1, max_size=6),
)
def test_recurrent_network_with_shared_weights(weights: list[float], inputs: list[float]):
    def loss_of(module: Any) -> tuple[Any, list[Any]]:
        parameters = [module.Value(w) for w in weights]
        u, w, b = parameters
        state: Any = 0.0
        for x in inputs:
            state = (u * x + w * state + b).tanh()
        return (state - 0.5) ** 2, parameters

    ours, our_parameters = loss_of(fastgrad)
    theirs, their_parameters = loss_of(reference)
    ours.backward()
    theirs.backward()
    assert bits(ours.data) == bits(theirs.data)
    assert gradients(our_parameters) == gradients(their_parameters)
    assert all(math.isfinite(p.grad) for p in our_parameters)


def test_a_result_of_softmax_that_no_gradient_reaches_adds_nothing():
    """Regression: it added 0 times its derivative, which is nan for an infinite operand."""
    for module in (fastgrad, reference):
        xs = [module.Value(1.0), module.Value(math.inf)]
        module.softmax(xs)[0].backward()
        assert bits(xs[0].grad) == bits(0.0)


def test_logsumexp_of_nothing_but_minus_infinity_is_a_value_with_the_gradients_of_its_nodes():
    for module in (fastgrad, reference):
        xs = [module.Value(-math.inf), module.Value(-math.inf)]
        result = module.logsumexp(xs)
        result.backward()
        assert result.data == -math.inf
        assert [bits(x.grad) for x in xs] == ["nan", "nan"]
