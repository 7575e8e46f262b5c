"""Random graphs, captured and run again: the eager engine's numbers, with the accuracy that each pass promises."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import fastgrad
from fastgrad import Graph, Value
from fastgrad.compile import PASSES
from fastgrad.reference import OPERATIONS
from support.passes import VALUE_KEEPING_PASSES
from support.recipes import Recipe, cook, numbers, recipes
from support.replays import (
    EVERY_WIDTH,
    FLAT,
    INSTRUCTION_SETS,
    Capture,
    all_bits,
    assert_close,
    eager_gradients,
)

thorough = settings(max_examples=120)
cotangent_lists = st.lists(st.one_of(st.floats(-2.0, 2.0), numbers.map(float)), min_size=3, max_size=3)
some_outputs = st.lists(st.integers(0, 28), min_size=1, max_size=3)
instruction_sets = st.sampled_from(INSTRUCTION_SETS)


def cooked(recipe: Recipe, positions: list[int], numbers: Any = None) -> tuple[list[Value], list[Value], bool]:
    """The outputs, the leaves, and whether every step could be built."""
    nodes, errors = cook(Recipe(numbers or recipe.leaves, recipe.steps), fastgrad)
    return [nodes[-1 - p % len(nodes)] for p in positions], nodes[: len(recipe.leaves)], errors == []


def captured(recipe: Recipe, positions: list[int], inputs: list[bool]) -> Capture:
    outputs, leaves, _ = cooked(recipe, positions)
    chosen = [leaf for leaf, is_input in zip(leaves, inputs, strict=False) if is_input]
    return Capture(outputs, chosen, [leaf for leaf in leaves if leaf not in chosen])


def assert_same_gradients(recipe: Recipe, ours: Any, theirs: list[float]) -> None:
    if not recipe.names() & FLAT:
        assert all_bits(ours) == all_bits(theirs)
    elif np.isfinite(theirs).all():
        assert np.asarray(ours).tolist() == theirs  # except for the sign of zeros


every_leaf_an_input_or_bound = st.lists(st.booleans(), min_size=4, max_size=4)


@thorough
@given(recipe=recipes(list(OPERATIONS)), positions=some_outputs, cotangents=cotangent_lists,
       inputs=every_leaf_an_input_or_bound)  # fmt: skip
def test_without_passes_one_sample_is_the_eager_graph_to_the_last_bit(
    recipe: Recipe, positions: list[int], cotangents: list[float], inputs: list[bool]
):
    capture = captured(recipe, positions, inputs)
    cotangents = cotangents[: len(positions)]
    expected = eager_gradients(capture.outputs, cotangents, capture.inputs + capture.bound)
    x = [leaf.data for leaf in capture.inputs]
    run = capture.run(capture.graph(passes=()), x, cotangents)
    assert all_bits(run.outputs) == all_bits([output.data for output in capture.outputs])
    assert_same_gradients(recipe, np.concatenate([run.input_gradients, run.bound_gradients]), expected)


@settings(thorough, max_examples=50)
@given(recipe=recipes(list(OPERATIONS)), positions=some_outputs, others=st.lists(recipes(), max_size=4),
       cotangents=cotangent_lists, instruction_set=instruction_sets)  # fmt: skip
def test_without_passes_every_row_of_a_batch_is_the_eager_graph_of_its_numbers(
    recipe: Recipe, positions: list[int], others: list[Recipe], cotangents: list[float], instruction_set: str
):
    outputs, leaves, can_be_built = cooked(recipe, positions)
    assume(can_be_built)
    rows, values, gradients = [], [], []
    cotangents = cotangents[: len(positions)]
    for other in (recipe, *others):
        row = list(map(float, itertools.islice(itertools.cycle(other.leaves), len(leaves))))
        row_outputs, row_leaves, can_be_built = cooked(recipe, positions, row)
        if can_be_built:
            rows.append(row)
            values.append([output.data for output in row_outputs])
            gradients.append(eager_gradients(row_outputs, cotangents, row_leaves))
    repeated = np.arange(EVERY_WIDTH) % len(rows)
    graph = Graph(outputs, leaves, passes=(), instruction_set=instruction_set)
    ours, input_gradients = graph.vjp(np.array(rows)[repeated], np.tile(cotangents, (EVERY_WIDTH, 1)))
    for i, row in enumerate(repeated):
        assert all_bits(ours[i]) == all_bits(values[row])
        assert_same_gradients(recipe, input_gradients[i], gradients[row])


@thorough
@given(recipe=recipes(list(OPERATIONS)), positions=some_outputs, inputs=every_leaf_an_input_or_bound,
       passes=st.sets(st.sampled_from(VALUE_KEEPING_PASSES)), instruction_set=instruction_sets)  # fmt: skip
def test_passes_that_take_no_sum_in_another_order_keep_every_bit_of_the_values(
    recipe: Recipe, positions: list[int], inputs: list[bool], passes: set[str], instruction_set: str
):
    capture = captured(recipe, positions, inputs)
    graph = capture.graph(passes=passes, instruction_set=instruction_set)
    x = [leaf.data for leaf in capture.inputs]
    expected = all_bits([output.data for output in capture.outputs])
    assert all_bits(graph(x)) == expected
    for row in graph(np.tile(np.array(x, float), (EVERY_WIDTH, 1))):
        assert all_bits(row) == expected


calm = st.one_of(st.floats(-1.5, 1.5), st.sampled_from([0.0, -0.0, 1.0, -1.0, 2.0]))


@st.composite
def growing_recipes(draw: st.DrawFn) -> Recipe:
    """Recipes of operations whose value and slope are largest at the absolute value of their operand."""
    recipe = draw(recipes(("add", "add", "mul", "mul", "sub", "neg", "pow", "sinh", "softplus"), calm, most_steps=40))
    square = ("constant", 2.0)
    return Recipe(
        recipe.leaves,
        [(name, [("node", 1), square] if name == "pow" else operands) for name, operands in recipe.steps],
    )


def with_every_term_positive(recipe: Recipe) -> Recipe:
    """The recipe with absolute values of numbers and sums instead of differences: its results are the magnitudes."""
    steps: list[Any] = []
    for name, operands in recipe.steps:
        absolute = [(kind, abs(what)) for kind, what in operands]
        if name == "neg":
            absolute.append(("constant", 1.0))
        steps.append(({"sub": "add", "neg": "mul"}.get(name, name), absolute))
    return Recipe([abs(x) for x in recipe.leaves], steps)


@thorough
@given(recipe=growing_recipes(), positions=some_outputs, inputs=every_leaf_an_input_or_bound,
       passes=st.one_of(st.just(set(PASSES)), st.sets(st.sampled_from(PASSES))), instruction_set=instruction_sets,
       seed=st.integers(0, 2**32))  # fmt: skip
def test_any_passes_change_no_more_than_rounding(
    recipe: Recipe, positions: list[int], inputs: list[bool], passes: set[str], instruction_set: str, seed: int
):
    assume(cooked(recipe, positions)[2] and cooked(with_every_term_positive(recipe), positions)[2])
    capture = captured(recipe, positions, inputs)
    magnitudes = captured(with_every_term_positive(recipe), positions, inputs)
    rng = np.random.default_rng(seed)
    rows = rng.uniform(-1.5, 1.5, (EVERY_WIDTH, len(capture.inputs)))
    cotangents = rng.uniform(-2.0, 2.0, (EVERY_WIDTH, len(positions)))
    graph = capture.graph(passes=passes, instruction_set=instruction_set)
    for x, weights in ((rows, cotangents), (rows[0], cotangents[0])):
        scales = magnitudes.run(magnitudes.graph(passes=()), np.abs(x), np.abs(weights))
        assume(all(np.all(scale < 1e6) for scale in scales))  # larger ones are ill-conditioned
        assert_close(capture.run(graph, x, weights), capture.run(capture.graph(passes=()), x, weights), scales)
