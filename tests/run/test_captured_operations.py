"""Every operation of the table in a captured graph: the eager engine's values and gradients, to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fastgrad
from fastgrad import Graph, Value
from fastgrad.reference import Operation
from support.operations import all_arguments, every_binary_operation, every_operation, outcome
from support.passes import VALUE_KEEPING_PASSES
from support.replays import INSTRUCTION_SETS, all_bits

every_instruction_set = pytest.mark.parametrize("instruction_set", INSTRUCTION_SETS)


class Eager:
    """The eager engine's results for all valid arguments."""

    def __init__(self, operation: Operation) -> None:
        self.function = getattr(fastgrad, operation.name)
        self.arguments = [a for a in all_arguments(operation) if isinstance(outcome(self.function, *a), float)]
        self.recorded = [Value(x) for x in operation.points[0]]
        self.output = self.function(*self.recorded)
        values, gradients = [], []
        for arguments in self.arguments:
            leaves = [Value(x) for x in arguments]
            result = self.function(*leaves)
            result.backward()
            values.append(result.data)
            gradients.append([leaf.grad for leaf in leaves])
        self.x, self.values, self.gradients = np.array(self.arguments, float), np.array(values), np.array(gradients)

    def assert_same(self, values: Any, gradients: Any, rows: Any) -> None:
        for ours, theirs in ((values, self.values[rows]), (gradients, self.gradients[rows])):
            if all_bits(ours) != all_bits(theirs):
                wrong = [i for i, row in enumerate(ours) if all_bits(row) != all_bits(theirs[i])]
                raise AssertionError([(self.x[rows][i], ours[i], theirs[i]) for i in wrong])


@pytest.fixture(scope="module")
def eager() -> Any:
    made: dict[str, Eager] = {}
    return lambda operation: made.setdefault(operation.name, Eager(operation))


@every_operation
def test_single_sample(operation: Operation, eager: Any):
    expected = eager(operation)
    graph = Graph(expected.output, expected.recorded, passes=())
    runs = [graph.value_and_grad(x) for x in expected.x]
    values, gradients = zip(*runs, strict=True)
    expected.assert_same(values, gradients, slice(None))


@every_operation
@every_instruction_set
@pytest.mark.parametrize("passes", [(), VALUE_KEEPING_PASSES], ids=["without passes", "with exact passes"])
def test_8_and_32_samples_at_a_time(operation: Operation, eager: Any, instruction_set: str, passes: tuple[str, ...]):
    expected = eager(operation)
    graph = Graph(expected.output, expected.recorded, passes=passes, instruction_set=instruction_set)
    count = len(expected.x)
    for start in range(0, count, 8):
        rows = np.arange(start, start + 8) % count
        expected.assert_same(*graph.value_and_grad(expected.x[rows]), rows)
    rows = np.arange(-(-count // 32) * 32) % count
    expected.assert_same(*graph.value_and_grad(expected.x[rows]), rows)


@every_operation
@every_instruction_set
@pytest.mark.parametrize("stride", [1, -1], ids=["in order", "in reverse order"])
def test_loops_over_many_leaves_of_one_sample(operation: Operation, eager: Any, instruction_set: str, stride: int):
    expected = eager(operation)
    # Operands are one column after the other; until the graph runs they hold numbers that the operation accepts.
    columns = [[Value(safe) for _ in expected.arguments] for safe in operation.points[0]]
    outputs = [expected.function(*row) for row in zip(*(column[::stride] for column in columns), strict=True)]
    leaves = [leaf for column in columns for leaf in column]
    graph = Graph(outputs, leaves, passes=("reroll",), instruction_set=instruction_set)
    assert graph.stats()["instructions_in_loops"] == len(outputs)
    values, gradients = graph.vjp(expected.x[::stride].T.ravel(), np.ones(len(outputs)))
    expected.assert_same(values, gradients.reshape(len(columns), -1).T[::stride], slice(None))


@every_binary_operation
@every_instruction_set
@pytest.mark.parametrize("bound", [0, 1])
def test_lanes_beside_a_bound_leaf(operation: Operation, eager: Any, instruction_set: str, bound: int):
    expected = eager(operation)
    leaf, given = expected.recorded[bound], expected.recorded[1 - bound]
    graph = Graph(expected.output, [given], instruction_set=instruction_set, passes=())
    for number in (0.0, -0.0, 2.0, float("inf"), float("nan")):
        rows = [i for i, x in enumerate(expected.x) if all_bits(x[bound]) == all_bits(number)]
        x = expected.x[rows][:, [1 - bound]]
        leaf.data, leaf.grad = number, 0.0
        values, gradients = graph.value_and_grad(x)
        of_inputs = expected.gradients[rows][:, [1 - bound]]
        assert all_bits(values) == all_bits(expected.values[rows])
        assert all_bits(gradients) == all_bits(of_inputs)
        contributions = expected.gradients[rows][:, bound]
        if np.isfinite(contributions).all():
            scale = np.abs(contributions).sum()
            assert abs(leaf.grad - contributions.sum()) <= 1e-14 * scale
        else:
            assert not np.isfinite(leaf.grad)


@every_operation
def test_a_replay_raises_no_error_where_the_eager_operation_does(operation: Operation):
    function = getattr(fastgrad, operation.name)
    refused = [a for a in all_arguments(operation) if not isinstance(outcome(function, *a), float)]
    leaves = [Value(x) for x in operation.points[0]]
    graph = Graph(function(*leaves), leaves)
    for arguments in refused:
        assert not np.isfinite(graph(arguments)).any(), arguments


@every_operation
@every_instruction_set
def test_vector_functions_differ_in_the_last_places_only(operation: Operation, eager: Any, instruction_set: str):
    expected = eager(operation)
    graph = Graph(expected.output, expected.recorded, passes=("vector_math",), instruction_set=instruction_set)
    rows = np.arange(-(-len(expected.x) // 32) * 32) % len(expected.x)
    values, gradients = graph.value_and_grad(expected.x[rows])
    assert np.isclose(values, expected.values[rows], rtol=1e-15, atol=0.0, equal_nan=True).all()
    # The derivative of tanh is 1 - r * r: as precise as 1 is.
    assert np.isclose(gradients, expected.gradients[rows], rtol=1e-14, atol=2e-15, equal_nan=True).all()


@pytest.mark.parametrize("seed", range(20))
def test_a_sequence_operation_keeps_its_place_among_the_gradients(seed: int):
    """Regression: the expanded nodes were the newest ones, so older operands got their contributions in another
    order."""
    rng = np.random.default_rng(seed)
    x, weights = Value(rng.uniform(-1.0, 1.0)), rng.uniform(-1.0, 1.0, 4).tolist()
    older = fastgrad.dot([x, x], weights[:2])
    newer = x * weights[2]
    loss = older * newer + older * weights[3]
    loss.backward()
    _, gradient = Graph(loss, [x], passes=()).value_and_grad([x.data])
    assert all_bits(gradient) == all_bits([x.grad])
