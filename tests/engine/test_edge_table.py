"""Every operation on the written table of edges: the eager engine, the reference, and captured graphs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import fastgrad
from fastgrad import Graph, Value
from fastgrad.reference import OPERATIONS, Operation
from support import edge_table
from support.edge_table import EDGES, Cell
from support.operations import bits, every_operation, same

TABLE = edge_table.read()

Results = tuple[type[Exception] | None, list[float]]


def eager(row: Operation, arguments: tuple[float, ...]) -> Results:
    """The value and the slopes, with the sign of a zero; or the error."""
    operands = [Value(x) for x in arguments]
    try:
        result = getattr(fastgrad, row.name)(*operands)
    except (ArithmeticError, ValueError) as error:
        return type(error), []
    for operand in operands:
        operand.grad = -0.0
    result.backward()
    return None, [result.data, *(operand.grad for operand in operands)]


def reference(row: Operation, arguments: tuple[float, ...]) -> Results:
    try:
        value = row.value(*arguments)
    except (ArithmeticError, ValueError) as error:
        return type(error), []
    return None, [value, *(partial(*arguments, value) for partial in row.partials)]


def agrees(cell: Cell, results: Results) -> bool:
    error, numbers = results
    if cell.error is not None or error is not None:
        return cell.error is error
    return all(number.agrees(x) for number, x in zip(cell.numbers, numbers, strict=True))


def test_there_are_17_edges_and_every_operation_has_them_all():
    assert len(set(map(bits, EDGES))) == 17
    for name, row in OPERATIONS.items():
        assert len(TABLE[name]) == 17 ** len(row.partials)


@every_operation
def test_eager_engine_and_reference_give_what_is_written_and_the_same_bits(operation: Operation):
    wrong = []
    for arguments, cell in TABLE[operation.name]:
        ours, theirs = eager(operation, arguments), reference(operation, arguments)
        is_same = ours[0] is theirs[0] and all(map(same, [operation.name] * 3, ours[1], theirs[1]))
        if not (is_same and agrees(cell, ours)):
            wrong.append((arguments, str(cell), ours, theirs))
    assert wrong == []


@every_operation
def test_captured_graphs_give_what_is_written_and_ieee_numbers_for_errors(operation: Operation):
    leaves = [Value(x) for x in operation.points[0]]
    graph = Graph(getattr(fastgrad, operation.name)(*leaves), leaves, passes=())
    arguments, cells = zip(*TABLE[operation.name], strict=True)
    values, gradients = graph.value_and_grad(np.array(arguments))
    wrong: list[Any] = []
    for point, cell, value, slopes in zip(arguments, cells, values, gradients, strict=True):
        numbers = [float(value), *(float(slope) for slope in slopes)]
        # A gradient is added to 0.0, which removes the sign of a zero.
        expected = [cell.numbers[0], *(edge_table.Number(n.value + 0.0, n.is_exact) for n in cell.numbers[1:])]
        if not all(number.agrees(x) for number, x in zip(expected, numbers, strict=True)):
            wrong.append((point, str(cell), numbers))
    assert wrong == []


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("silu", (-math.inf,), [-0.0, -0.0]),
        ("silu", (math.inf,), [math.inf, 1.0]),
        ("gelu", (-math.inf,), [-0.0, 0.0]),
        ("gelu", (math.inf,), [math.inf, 1.0]),
        ("logaddexp", (math.inf, math.inf), [math.inf, 0.5, 0.5]),
        ("logaddexp", (-math.inf, -math.inf), [-math.inf, 0.5, 0.5]),
        ("logaddexp", (math.inf, 1e308), [math.inf, 1.0, 0.0]),
        ("asinh", (1e200,), [math.asinh(1e200), 1e-200]),
        ("acosh", (1e200,), [math.acosh(1e200), 1e-200]),
        ("atan2", (1e-200, 1e-200), [math.pi / 4, 5e199, -5e199]),
        ("atan2", (1e200, 1e200), [math.pi / 4, 5e-201, -5e-201]),
        ("expm1", (-40.0,), [-1.0, math.exp(-40.0)]),
        ("log10", (1.7e308,), [math.log10(1.7e308), 1.0 / 1.7e308 / math.log(10.0)]),
        ("logit", (0.5 + 2.0**-40,), [2.0**-38, 4.0]),
        ("polygamma", (1e121, 2.0), [-1e-242, 0.0, 0.0]),
    ],
)
def test_results_that_were_nan_or_had_lost_their_digits(
    name: str, arguments: tuple[float, ...], expected: list[float]
):
    error, numbers = eager(OPERATIONS[name], arguments)
    assert error is None
    assert numbers == pytest.approx(expected, rel=1e-15, abs=0.0)
    assert [math.copysign(1.0, x) for x in numbers] == [math.copysign(1.0, x) for x in expected]
