"""Sums of products as dots and loops: matrices, convolutions, attention, in all layouts, varying or fixed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fastgrad import Value
from fastgrad.compile import PASSES
from support.replays import Capture

#: The possible sources of a factor. In a batch, factors from an input vary from sample to sample.
ROLES = ("input", "of an input", "bound", "of a bound leaf", "constant")


@dataclass
class Factors:
    """Creates numbers for each role and remembers their leaves."""

    rng: Any = field(default_factory=lambda: np.random.default_rng(7))
    inputs: list[Value] = field(default_factory=list)
    bound: list[Value] = field(default_factory=list)

    def make(self, role: str, count: int) -> list[Any]:
        numbers = self.rng.uniform(-1.5, 1.5, count).tolist()
        if role == "constant":
            return [abs(x) for x in numbers]  # positive, for the magnitudes that runs are compared by
        leaves = list(map(Value, numbers))
        (self.inputs if role.endswith("input") else self.bound).extend(leaves)
        return [leaf.tanh() for leaf in leaves] if role.startswith("of") else leaves

    def matrix(self, role: str, rows: int, columns: int) -> list[list[Any]]:
        flat = self.make(role, rows * columns)
        return [flat[i * columns : (i + 1) * columns] for i in range(rows)]

    def capture(self, outputs: Any) -> Capture:
        return Capture([output for output in outputs if isinstance(output, Value)], self.inputs, self.bound)


def dot(xs: Any, ys: Any, start: Any = 0) -> Any:
    return sum((x * y for x, y in zip(xs, ys, strict=True)), start)


def matrix_times_vector(f: Factors, a: str, b: str) -> list[Any]:
    vector = f.make(b, 9)
    return [dot(row, vector) for row in f.matrix(a, 6, 9)]


def vector_times_matrix(f: Factors, a: str, b: str) -> list[Any]:
    vector, matrix = f.make(a, 5), f.matrix(b, 5, 11)
    return [dot(vector, column) for column in zip(*matrix, strict=True)]


def layer_with_biases_first(f: Factors, a: str, b: str) -> list[Any]:
    matrix, vector, biases = f.matrix(a, 9, 7), f.make(b, 7), f.make(a, 9)
    return [dot(vector, row, bias) for row, bias in zip(matrix, biases, strict=True)]


def layer_with_biases_last_of_the_other_kind(f: Factors, a: str, b: str) -> list[Any]:
    matrix, vector, biases = f.matrix(a, 5, 17), f.make(a, 17), f.make(b, 5)
    return [dot(row, vector) + bias for row, bias in zip(matrix, biases, strict=True)]


def one_bias_for_all_rows(f: Factors, a: str, b: str) -> list[Any]:
    matrix, vector, (bias,) = f.matrix(a, 8, 8), f.make(b, 8), f.make(b, 1)
    return [dot(row, vector) + bias for row in matrix]


def factors_in_opposite_orders(f: Factors, a: str, b: str) -> list[Any]:
    matrix, vector = f.matrix(a, 7, 12), f.make(b, 12)
    return [*(dot(row[::-1], vector) for row in matrix[::-1]), dot(vector[::-1], vector)]


def squares(f: Factors, a: str, b: str) -> list[Any]:
    xs, ys = f.make(a, 37), f.make(b, 37)
    return [dot(xs, xs), dot(xs, ys), dot(ys, ys) + xs[0]]


def gram_matrix(f: Factors, a: str, b: str) -> list[Any]:
    rows = f.matrix(a, 5, 8)
    return [dot(x, y) for x in rows for y in rows] + f.make(b, 1)


def gram_matrix_of_columns(f: Factors, a: str, b: str) -> list[Any]:
    columns = list(zip(*f.matrix(a, 6, 5), strict=True))
    return [dot(x, y) for x in columns for y in columns] + f.make(b, 1)


def matrix_product(f: Factors, a: str, b: str) -> list[Any]:
    left, right = f.matrix(a, 4, 6), list(zip(*f.matrix(b, 6, 5), strict=True))
    return [dot(row, column) for row in left for column in right]


def convolution(f: Factors, a: str, b: str) -> list[Any]:
    xs, kernel = f.make(a, 25), f.make(b, 6)
    strided = [dot(kernel, xs[i : i + 12 : 2]) for i in range(0, 12, 3)]
    return strided + [dot(xs[i : i + 6], kernel) for i in range(20)]


def autocorrelation(f: Factors, a: str, b: str) -> list[Any]:
    xs = f.make(a, 30)
    lags = [dot(xs[: 30 - lag], xs[lag:]) for lag in range(8)]
    return lags + [dot(xs[i : i + 9], xs[:9]) for i in range(12)] + f.make(b, 1)


def attention(f: Factors, a: str, b: str) -> list[Any]:
    weights, values = f.make(a, 6), f.matrix(b, 6, 10)
    mixed = [sum(w * v[j] for w, v in zip(weights, values, strict=True)) for j in range(10)]
    return [dot(mixed, value) for value in values]


def one_factor_for_all_terms(f: Factors, a: str, b: str) -> list[Any]:
    matrix, (scale,) = f.matrix(a, 7, 9), f.make(b, 1)
    return [sum(scale * x for x in row) for row in matrix]


def means(f: Factors, a: str, b: str) -> list[Any]:
    rows, others = f.matrix(a, 6, 19), f.make(b, 19)
    return [sum(row) * (1.0 / 19) for row in rows] + [sum(0.25 * x for x in others), sum(others, 1.0)]


def the_same_dot_many_times(f: Factors, a: str, b: str) -> list[Any]:
    xs, ys = f.make(a, 18), f.make(b, 18)
    return [dot(xs, ys) for _ in range(9)]


def rows_of_unequal_lengths(f: Factors, a: str, b: str) -> list[Any]:
    xs, ys = f.make(a, 20), f.make(b, 20)
    return [dot(xs[:n], ys[:n]) for n in range(2, 21)]


def terms_here_and_there(f: Factors, a: str, b: str) -> list[Any]:
    xs, ys = f.make(a, 40), f.make(b, 40)
    rows = [f.rng.permutation(40)[:20].tolist() for _ in range(8)]
    return [dot([xs[i] for i in row], [ys[-i] for i in row]) + xs[row[0]] for row in rows]


def dots_of_dots(f: Factors, a: str, b: str) -> list[Any]:
    xs, matrix = f.make(a, 8), f.matrix(b, 8, 8)
    for _ in range(3):
        xs = [dot(row, xs) for row in matrix]
    return [*xs, sum(xs)]


PROGRAMS = (
    matrix_times_vector, vector_times_matrix, layer_with_biases_first, layer_with_biases_last_of_the_other_kind,
    one_bias_for_all_rows, factors_in_opposite_orders, squares, gram_matrix, gram_matrix_of_columns, matrix_product,
    convolution, autocorrelation, attention, one_factor_for_all_terms, means, the_same_dot_many_times,
    rows_of_unequal_lengths, terms_here_and_there, dots_of_dots,
)  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
@pytest.mark.parametrize("passes", [PASSES, ("gather_dots", "reroll"), ("gather_dots", "hoist")], ids="+".join)
def test_program_with_factors_of_every_kind(program: Callable[..., list[Any]], passes: tuple[str, ...]):
    for a, b in product(ROLES, repeat=2):
        f = Factors()
        capture = f.capture(program(f, a, b))
        if capture.outputs:
            assert capture.graph(passes=passes).stats()["dots"] > 0 or "constant" in (a, b)
            capture.assert_passes_change_no_more_than_rounding(passes)


@pytest.mark.parametrize("a", ["input", "bound"])
@pytest.mark.parametrize("rows", [1, 3, 4, 13])
@pytest.mark.parametrize("has_biases", [False, True])
def test_matrix_vector_products_of_every_length(a: str, rows: int, has_biases: bool):
    for terms in (*range(1, 21), 31, 32, 33, 64):
        f = Factors()
        matrix, vector, biases = f.matrix(a, rows, terms), f.make("of an input", terms), f.make("bound", rows)
        outputs = [dot(row, vector, bias if has_biases else 0) for row, bias in zip(matrix, biases, strict=True)]
        f.capture(outputs).assert_passes_change_no_more_than_rounding()


@st.composite
def affine_rows(draw: st.DrawFn) -> tuple[Any, ...]:
    """Rows of products whose positions are affine in the row and the term, in one or two groups of numbers."""
    rows, terms = draw(st.integers(1, 12)), draw(st.integers(1, 20))
    roles = [draw(st.sampled_from(ROLES)) for _ in range(3)]
    steps = [(draw(st.integers(-3, 3)), draw(st.integers(-2, 2))) for _ in range(3)]
    return rows, terms, roles, steps, draw(st.booleans()), draw(st.sampled_from(["none", "first", "last"]))


@settings(max_examples=150)
@given(
    rows=affine_rows(),
    passes=st.sampled_from([PASSES, ("gather_dots", "hoist", "reroll"), ("gather_dots", "reroll"), ("gather_dots",)]),
)
def test_any_strides_over_rows_and_terms(rows: tuple[Any, ...], passes: tuple[str, ...]):
    count, terms, roles, steps, is_one_group, addend = rows
    f = Factors()
    groups = [f.make(role, 100) for role in roles]
    if is_one_group:
        groups[1] = groups[0]

    def at(group: int, row: int, term: int) -> Any:
        by_row, by_term = steps[group]
        lowest = min(0, by_row * (count - 1)) + min(0, by_term * (terms - 1))
        return groups[group][by_row * row + by_term * term - lowest]

    outputs = []
    for row in range(count):
        start = at(2, row, 0) if addend == "first" else 0
        total = dot([at(0, row, k) for k in range(terms)], [at(1, row, k) for k in range(terms)], start)
        outputs.append(total + at(2, row, 0) if addend == "last" else total)
    assume(isinstance(outputs[0], Value))
    f.capture(outputs).assert_passes_change_no_more_than_rounding(passes)
