"""The effect of each optimization pass on a graph, seen in `stats()`, and what it must not change."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from fastgrad import Graph, Value, _core, keep_if, less, stop_gradient, where
from fastgrad.compile import PASSES
from support.passes import GRADIENT_KEEPING_PASSES, VALUE_KEEPING_PASSES, every_pass
from support.passes import PASSES as TABLE
from support.replays import EVERY_WIDTH, INSTRUCTION_SETS, Capture, all_bits


def instructions(graph: Graph) -> int:
    return int(graph.stats()["instructions_after"])


def dot(xs: list[Any], ys: list[Any]) -> Any:
    return sum(x * y for x, y in zip(xs, ys, strict=True))


def values(count: int, first: float = 1.0) -> list[Value]:
    return [Value(first + 0.25 * i) for i in range(count)]


# ---- every pass


@every_pass
def test_every_pass_does_what_its_row_says_and_keeps_the_numbers(name: str):
    row = TABLE[name]
    x, w = values(8, 0.3), values(8, 0.5)
    capture = Capture(row.example(x, w), x, w)
    plain = capture.graph(passes=())
    numbers = np.random.default_rng(0).uniform(0.5, 1.5, (EVERY_WIDTH, 8))
    cotangents = np.ones((EVERY_WIDTH, len(capture.outputs)))
    for instruction_set in INSTRUCTION_SETS:
        graph = capture.graph(passes=(name,), instruction_set=instruction_set)
        assert (row.shows(plain), row.shows(graph)) == (row.before, row.after)
        run, expected = (capture.run(each, numbers, cotangents) for each in (graph, plain))
        for ours, theirs in zip(run, expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12)
        if name in VALUE_KEEPING_PASSES:
            assert all_bits(run.outputs) == all_bits(expected.outputs)
        if name in GRADIENT_KEEPING_PASSES:
            assert all_bits(run.input_gradients) == all_bits(expected.input_gradients)


# ---- stats


def test_without_passes_there_is_one_instruction_for_each_operation():
    x, w = Value(1.0), Value(2.0)
    y = ((x + 1.0) * w - 2.5).tanh()
    stats = Graph([y, x], [x], passes=()).stats()
    assert (stats["nodes"], stats["inputs"], stats["bound"], stats["outputs"], stats["constants"]) == (6, 1, 1, 2, 2)
    assert stats["instructions_before"] == stats["instructions_after"] == 4
    assert (stats["dots"], stats["terms"], stats["loops"], stats["instructions_in_loops"]) == (0, 0, 0, 0)
    assert stats["bytes"] > 0


def test_a_layer_becomes_three_loops():
    x, b = values(12), values(8)
    w = [values(12) for _ in range(8)]
    graph = Graph([(dot(row, x) + bias).tanh() * 2.0 for row, bias in zip(w, b, strict=True)], x)
    stats = graph.stats()
    assert stats["instructions_before"] == 8 * (12 + 12 + 1 + 2)
    assert stats["instructions_after"] == stats["instructions_in_loops"] == 8 * 3
    assert (stats["dots"], stats["terms"], stats["loops"]) == (8, 96, 3)


def test_passes_run_in_the_order_of_the_table_whatever_the_order_in_which_they_are_named():
    x = Value(2.0)
    y = x**2 + x * x  # strength_reduction before cse: one product
    for passes in (
        ("cse", "strength_reduction"),
        ("strength_reduction", "cse"),
        iter(["cse", "strength_reduction"]),
        {"cse", "strength_reduction"},
    ):
        assert instructions(Graph(y, [x], passes=passes)) == 2
    assert instructions(Graph(y, [x], passes="strength_reduction")) == instructions(Graph(y, [x], passes="cse")) == 3
    assert list(Graph(y, [x], passes=["cse", "strength_reduction"]).passes) == ["cse", "strength_reduction"]


# ---- fold

#: Operations that always return their operand x to the last bit.
IDENTITIES = [
    lambda x: x * 1.0, lambda x: 1.0 * x, lambda x: x / 1.0, lambda x: x**1.0, lambda x: x + -0.0, lambda x: -0.0 + x,
    lambda x: x - 0.0,
]  # fmt: skip
#: Operations that almost do.
OTHERS = [
    lambda x: x + 0.0, lambda x: 0.0 + x, lambda x: 0.0 - x, lambda x: x - -0.0, lambda x: x * -1.0,
    lambda x: 1.0 / x, lambda x: 1.0**x, lambda x: x**0.0, lambda x: x * 0.0,
]  # fmt: skip


@pytest.mark.parametrize(("functions", "left"), [(IDENTITIES, 1), (OTHERS, 2)], ids=["identities", "others"])
def test_fold_drops_operations_that_change_nothing(functions: Any, left: int):
    for function in functions:
        x = Value(3.0)
        y = function(x.exp())
        graph = Graph(y, [x], passes=("fold",))
        assert instructions(graph) == left
        for number in (0.5, -0.0, -800.0, 800.0, math.inf, -math.inf, math.nan):
            assert all_bits(graph([number])) == all_bits(Graph(y, [x], passes=())([number]))
        assert graph.value_and_grad([0.5])[1] == pytest.approx(Graph(y, [x], passes=()).value_and_grad([0.5])[1])


def test_fold_makes_an_output_of_an_input_or_a_bound_leaf():
    x, w = Value(3.0), Value(4.0)
    graph = Graph([x * 1.0, (w + -0.0) / 1.0], [x], passes=("fold",))
    assert instructions(graph) == 0
    outputs, gradients = graph.vjp([5.0], [2.0, 3.0])
    assert (outputs.tolist(), gradients.tolist(), w.grad) == ([5.0, 4.0], [2.0], 3.0)


def recorded(outputs: list[Value], inputs: list[Value], constants: list[Value], *passes: str) -> Any:
    """A graph with leaves that keep their number, like the leaves that a recorded function creates."""
    return _core.Graph(_core.capture(outputs, inputs, constants=constants), passes=passes)


def test_fold_computes_what_depends_on_constants_alone():
    x, c, d = Value(3.0), Value(2.0), Value(5.0)
    outputs = [(c * d + 1.0).log() * x, c**d, less(c, d)]
    assert recorded(outputs, [x], [c, d]).stats()["instructions_after"] == 6
    graph = recorded(outputs, [x], [c, d], "fold")
    assert graph.stats()["instructions_after"] == 1
    c.data = 100.0
    assert graph([2.0]).tolist() == [math.log(11.0) * 2.0, 32.0, 1.0]
    assert graph(np.full((EVERY_WIDTH, 1), 2.0)).tolist() == [[math.log(11.0) * 2.0, 32.0, 1.0]] * EVERY_WIDTH


# ---- strength_reduction


@pytest.mark.parametrize("exponent", [2, -1.0])
def test_strength_reduction_of_two_is_a_product_and_of_minus_one_a_quotient(exponent: float):
    x = Value(3.0)
    y = (x + 0.0) ** exponent
    graph, plain = Graph(y, [x], passes=("strength_reduction",)), Graph(y, [x], passes=())
    assert instructions(graph) == 2
    for number in (3.0, -0.7, 0.0, -0.0, 1e200, -1e-200, 5e-324, math.inf, -math.inf, math.nan):
        ours, theirs = graph.value_and_grad([number]), plain.value_and_grad([number])
        assert ours[0] == pytest.approx(theirs[0], rel=1e-15, nan_ok=True), number
        assert ours[1] == pytest.approx(theirs[1], rel=1e-15, nan_ok=True), number


@pytest.mark.parametrize("exponent", [0.5, -0.5, 3, -2, 0, 1, math.inf, math.nan])
def test_other_powers_of_numbers_that_are_not_negative(exponent: float):
    x = Value(3.0)
    y = x**exponent
    graph, plain = Graph(y, [x], passes=("strength_reduction",)), Graph(y, [x], passes=())
    for number in (3.0, 0.25, 0.0, 1e200, 5e-324, math.inf, math.nan):
        ours, theirs = graph.value_and_grad([number]), plain.value_and_grad([number])
        assert ours[0] == pytest.approx(theirs[0], rel=1e-15, nan_ok=True), number
        assert ours[1] == pytest.approx(theirs[1], rel=1e-15, nan_ok=True), number


def test_strength_reduction_keeps_exponents_that_are_not_constant():
    x, two = Value(3.0), Value(2.0)
    graph = Graph(x**two, [x], passes=PASSES)
    two.data = 3.0
    assert graph([2.0]).tolist() == [8.0]


# ---- cse


def test_cse_computes_equal_operations_once():
    a, b = Value(2.0), Value(3.0)
    outputs = [(a * b).exp(), (b * a).exp(), (a * b).exp() + (a + b), (a * b).exp() + (b + a), a - b, b - a]
    graph = Graph(outputs, [a, b], passes=("cse",))
    assert instructions(graph) == 6
    x, weights = [0.3, 0.4], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    for ours, theirs in zip(graph.vjp(x, weights), Graph(outputs, [a, b], passes=()).vjp(x, weights), strict=True):
        assert ours == pytest.approx(theirs, rel=1e-14)


def test_cse_distinguishes_zeros_by_their_sign():
    a = Value(1.0)
    graph = Graph([a * 0.0, a * -0.0, a.copysign(0.0), a.copysign(-0.0)], [a], passes=("cse",))
    assert all_bits(graph([1.0])) == all_bits([0.0, -0.0, 1.0, -1.0])


def test_cse_distinguishes_nan_constants():
    a = Value(1.0)
    graph = Graph([a + math.nan, a + math.nan, a.maximum(math.nan)], [a], passes=("cse",))
    assert all_bits(graph([1.0])) == all_bits([math.nan] * 3)


# ---- dce


def test_dce_drops_what_folding_left_behind():
    x, c = Value(3.0), Value(0.0)
    y = where(c, x.exp().sin(), x * 2.0)
    graph = recorded([y], [x], [c], "fold", "dce")
    assert graph.stats()["instructions_after"] <= recorded([y], [x], [c], "fold").stats()["instructions_after"]
    assert graph([4.0]).tolist() == [8.0]


def test_dce_keeps_inputs_and_their_places():
    a, b, c = values(3)
    graph = Graph(c - 1.0, [a, b, c], passes=("dce",))
    assert (graph.inputs_count, graph([5.0, 6.0, 7.0]).tolist()) == (3, [6.0])


# ---- gather_dots


def test_gather_dots_gathers_a_sum_of_products_with_its_addend():
    x, w, b = values(20), values(20), Value(0.5)
    for y in (dot(x, w), dot(x, w) + b, b + dot(x, w), sum((p * q for p, q in zip(x, w, strict=True)), b)):
        stats = Graph(y, x, passes=("gather_dots",)).stats()
        assert (stats["instructions_after"], stats["dots"], stats["terms"]) == (1, 1, 20)


def test_gather_dots_gathers_sums_and_trees_of_sums():
    x = values(32)
    pairs: list[Any] = x
    while len(pairs) > 1:
        pairs = [p + q for p, q in zip(pairs[::2], pairs[1::2], strict=True)]
    for y in (sum(x), pairs[0]):
        graph = Graph(y, x, passes=("gather_dots",))
        assert (instructions(graph), graph.stats()["dots"]) == (1, 1)
        assert graph.value_and_grad(np.arange(32.0))[0] == 496.0


def test_gather_dots_leaves_products_and_partial_sums_that_are_needed_elsewhere():
    x, w = values(20), values(20)
    products = [p * q for p, q in zip(x, w, strict=True)]
    half = sum(products[:10])
    total = sum(products[10:], half)
    capture = Capture([total, half, products[3], products[15]], x, w)
    graph = capture.graph(passes=("gather_dots",))
    assert graph([2.0] * 20).tolist() == pytest.approx(
        [2 * sum(v.data for v in w), 2 * sum(v.data for v in w[:10]), 2 * w[3].data, 2 * w[15].data], rel=1e-15
    )
    capture.assert_passes_change_no_more_than_rounding(("gather_dots",))


def test_dot_of_a_square_differentiates_both_factors():
    x = values(20)
    graph = Graph(dot(x, x), x, passes=("gather_dots",))
    assert graph.value_and_grad([0.5] * 20)[1].tolist() == [1.0] * 20


def test_gather_dots_keeps_non_finite_numbers():
    x, w = values(20), values(20)
    graph = Graph(dot(x, w), x)
    for number in (math.inf, -math.inf, math.nan):
        assert all_bits(graph([number] + [1.0] * 19)) == all_bits([number])
    assert math.isnan(graph([math.inf, -math.inf] + [1.0] * 18)[0])
    for w0, first in ((math.inf, math.inf), (math.nan, math.nan)):
        w[0].data = w0
        assert all_bits(graph.value_and_grad([1.0] * 20)[1][:2]) == all_bits([first, w[1].data])


@pytest.mark.parametrize("start", ["an input", "a product"])
def test_additions_of_zero_are_gathered_in_one_walk(start: str):
    """A separate walk from each of them would take hours."""
    x, w = Value(1.0), Value(2.0)
    y: Any = x * w if start == "a product" else x
    for _ in range(300_000):
        y = y + 0.0
    assert Graph(y, [x], passes=("gather_dots",))([3.0]).tolist() == [6.0 if start == "a product" else 3.0]


def test_gather_dots_leaves_one_product_of_a_sum_that_began_with_zero():
    x, w = Value(3.0), Value(2.0)
    graph = Graph((0.0 + x * w) + 0.0, [x], passes=("gather_dots",))
    assert (instructions(graph), graph.stats()["dots"]) == (1, 0)
    assert graph.value_and_grad([5.0])[1].tolist() == [2.0]


# ---- hoist


def test_hoist_computes_what_no_input_changes_first_and_counts_its_gradient_for_each_sample():
    x, w = Value(1.0), Value(0.5)
    fixed = (w * w).exp()
    graph = Graph(fixed * x, [x], passes=("hoist",))
    assert instructions(graph) == instructions(Graph(fixed * x, [x], passes=()))
    batch = np.linspace(-1.0, 1.0, EVERY_WIDTH)[:, None] ** 2
    values, gradients = graph.value_and_grad(batch)
    assert all_bits(values) == all_bits(fixed.data * batch)
    assert all_bits(gradients) == all_bits([fixed.data] * EVERY_WIDTH)
    assert w.grad == pytest.approx(2.0 * w.data * fixed.data * batch.sum(), rel=1e-14)


@pytest.mark.parametrize("passes", [(), ("hoist",), PASSES], ids="+".join)
@pytest.mark.parametrize("batch", [1, 7, 8, 33, 300])
def test_an_output_that_no_input_changes_counts_once_for_each_sample(passes: tuple[str, ...], batch: int):
    x, w, v = Value(1.0), values(20), values(20)
    capture = Capture([dot(w, v), w[0] * 2.0, w[1], x], [x], w + v)
    run = capture.run(capture.graph(passes=passes), np.ones((batch, 1)), np.ones((batch, 4)))
    expected = np.array([leaf.data for leaf in v + w])
    expected[:2] += 2.0, 1.0
    assert run.bound_gradients == pytest.approx(batch * expected, rel=1e-13)
    assert run.input_gradients.tolist() == [[1.0]] * batch


@pytest.mark.parametrize(
    "passes", [("gather_dots",), ("gather_dots", "hoist"), ("gather_dots", "reroll"), PASSES], ids="+".join
)
def test_a_sum_of_what_is_fixed_with_one_addend_that_varies(passes: tuple[str, ...]):
    w, v, x = values(20), values(20), values(6)
    outputs = [dot(w, v) + a for a in x] + [sum((p * q for p, q in zip(w, v[::-1], strict=True)), x[0].tanh())]
    Capture(outputs, x, w + v).assert_passes_change_no_more_than_rounding(passes)


# ---- reroll


def test_reroll_lines_up_equal_operations_on_operands_that_advance():
    x, w = values(40), values(40)
    graph = Graph([(p * q).tanh() for p, q in zip(x, w, strict=True)], x, passes=("reroll",))
    assert (graph.stats()["loops"], graph.stats()["instructions_in_loops"]) == (2, 80)
    interleaved = Graph([p.exp() if i % 2 else p.sin() for i, p in enumerate(x)], x, passes=("reroll",))
    assert (interleaved.stats()["loops"], interleaved.stats()["instructions_in_loops"]) == (2, 40)


@pytest.mark.parametrize("batch", [1, 9, 33])
def test_a_matrix_times_several_vectors_is_one_run(batch: int):
    matrix = [values(8, first=row / 3) for row in range(6)]
    vectors = [values(8, first=-column / 2) for column in range(5)]
    columns = [[dot(row, vector) for row in matrix] for vector in vectors]
    loss = sum(y * y for column in columns for y in column)
    inputs = vectors[0] + vectors[1] + vectors[2] + vectors[3] + vectors[4]
    graph = Graph(loss, inputs)
    assert graph.listing().startswith("5 x 6 x dot of 8 ")

    x = np.tile([v.data for v in inputs], (batch, 1))
    w = np.array([[v.data for v in row] for row in matrix])
    products = x.reshape(batch, 5, 8) @ w.T
    found, gradients = graph.value_and_grad(x)
    assert found == pytest.approx((products**2).sum(axis=(1, 2)), rel=1e-13)
    assert gradients == pytest.approx(2 * (products @ w).reshape(batch, 40), rel=1e-12)
    expected = 2 * np.einsum("bvr,bvk->rk", products, x.reshape(batch, 5, 8))
    assert [[v.grad for v in row] for row in matrix] == [pytest.approx(row, rel=1e-12) for row in expected.tolist()]


@pytest.mark.parametrize("passes", [("reroll",), PASSES], ids="+".join)
def test_reroll_keeps_the_order_of_chains_and_of_outputs(passes: tuple[str, ...]):
    x = values(12)
    outputs: list[Value] = []
    state: Any = x[0]
    for v in x * 3:
        state = (state * 0.5 + v.sin()).tanh()
        outputs.append(state)
    graph = Graph(outputs[::-1], x[::-1], passes=passes)
    assert graph([v.data for v in x[::-1]]) == pytest.approx([v.data for v in outputs[::-1]], rel=1e-14)


def test_reroll_of_more_instructions_than_it_moves_at_once():
    x = values(30)
    layer: list[Any] = x
    for _ in range(400):
        layer = [(a - 0.5 * b).sin() for a, b in zip(layer, layer[1:] + layer[:1], strict=True)]
    graph, plain = Graph(layer, x, passes=("reroll",)), Graph(layer, x, passes=())
    assert graph.stats()["instructions_in_loops"] > 0.8 * plain.stats()["instructions_after"] == 0.8 * 36_000
    numbers = np.linspace(-1.0, 1.0, 30)
    assert all_bits(graph(numbers)) == all_bits(plain(numbers))
    assert all_bits(graph(np.tile(numbers, (9, 1)))) == all_bits(np.tile(plain(numbers), (9, 1)))


@pytest.mark.parametrize("samples", [1, 9])
def test_loop_of_more_rows_than_its_buffers_hold(samples: int):
    x, y = values(1_501), values(1_501)
    rows = [(a * b).sin() for a, b in zip(x, reversed(y), strict=True)]  # backwards, so copied to a buffer
    graph, plain = Graph(rows, x + y, passes=("reroll",)), Graph(rows, x + y, passes=())
    assert graph.stats()["instructions_in_loops"] == 3_002
    rng = np.random.default_rng(0)
    numbers, cotangents = rng.normal(size=(samples, 3_002)), rng.normal(size=(samples, 1_501))
    for ours, theirs in zip(graph.vjp(numbers, cotangents), plain.vjp(numbers, cotangents), strict=True):
        assert all_bits(ours) == all_bits(theirs)


# ---- comparisons


@pytest.mark.parametrize("passes", [(), PASSES], ids=["without passes", "with all passes"])
@pytest.mark.parametrize("batch", [None, 8, 32])
def test_no_gradient_and_no_nan_passes_through_a_zero_derivative(passes: tuple[str, ...], batch: int | None):
    """The operand of each is a square root of 0, whose derivative is infinite: 0 times that would be nan."""
    x, y = Value(4.0), Value(2.0)
    flat = [less(x.sqrt(), y), keep_if(y, x.sqrt()), stop_gradient(x.sqrt()) * y, x.sqrt().floor() + y,
            y.copysign(x.sqrt()), where(x.sqrt(), y, 2.0 * y)]  # fmt: skip
    graph = Graph(flat, [x, y], passes=passes)
    numbers = [0.0, 3.0]
    cotangents = [1.0] * 6
    if batch is not None:
        numbers, cotangents = np.tile(numbers, (batch, 1)), np.tile(cotangents, (batch, 1))
    outputs, gradients = graph.vjp(numbers, cotangents)
    for row, gradient in zip(np.atleast_2d(outputs), np.atleast_2d(gradients), strict=True):
        assert row.tolist() == [1.0, -0.0, 0.0, 3.0, 3.0, 6.0]
        assert gradient.tolist() == [0.0, 4.0]
