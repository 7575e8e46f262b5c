"""Programs as text, and the arrays that NumPy sees."""

from __future__ import annotations

import math
import struct
from textwrap import dedent

import numpy as np
import pytest
from hypothesis import given

import fastgrad
from fastgrad import Graph, Value
from fastgrad.reference import OPERATIONS
from support.graph_bytes import CORPUS
from support.recipes import Recipe, cook, recipes
from support.replays import all_bits

# ---- printing and parsing


def test_a_small_graph_as_text():
    x, w = Value(2.0), Value(3.0, label='the "w"\n')
    graph = Graph([(x * w + 0.1).tanh(), x], [x], passes=("dce",))
    assert (
        graph.text()
        == dedent(
            r"""
        passes dce
        captured 5 nodes 3 operations
        %0 = bound 3.0 "the \"w\"\n"
        %1 = constant 0.1
        %2 = input 0
        %3 = mul %2, %0
        %4 = add %3, %1
        %5 = tanh %4
        output %5, %2
        """
        ).lstrip()
    )


@given(recipe=recipes(list(OPERATIONS)))
def test_random_graphs_round_trip(recipe: Recipe):
    nodes, _ = cook(recipe, fastgrad)
    graph = Graph(nodes[-1], [nodes[0]] if len(recipe.leaves) > 1 else [])
    twin = Graph.from_text(graph.text())
    assert twin.text() == graph.text()
    assert twin._to_bytes() == graph._to_bytes()


@pytest.mark.parametrize("path", CORPUS, ids=[path.stem for path in CORPUS])
def test_saved_graphs_round_trip(path):
    graph = Graph.load(path)
    assert Graph.from_text(graph.text())._to_bytes() == graph._to_bytes()


def test_numbers_keep_their_bits():
    payload = struct.unpack("<d", struct.pack("<Q", 0xFFF8_0000_DEAD_BEEF))[0]
    numbers = [0.0, -0.0, 0.1, 1e22, 5e-324, 1.7976931348623157e308, math.inf, -math.inf, math.nan, payload, 1 / 3]
    graph = Graph([Value(number) for number in numbers])
    twin = Graph.from_text(graph.text())
    bits = [struct.pack("<d", p.data) for p in twin.parameters]
    assert bits == [struct.pack("<d", number) for number in numbers]


def test_a_text_by_hand_may_have_comments_and_leave_out_numbers():
    w = Value(5.0)
    graph = Graph.from_text(
        """
        # a comment
        %0 = bound          # no number: 0
          %1 = input 0
        %2 = dot %0 * %1 + %1
        output %2
        guard %1 is true
        """,
        parameters=[w],
    )
    assert graph([3.0]).tolist() == [18.0]
    with pytest.raises(ValueError, match="sample 1 takes another branch than this recording: %1 is false"):
        graph([[1.0], [0.0]])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it has no output"),
        ("%0 = input 0\n", "it has no output"),
        ("passes ,", "line 1: expected the name of a pass"),
        ("hello", "line 1: unknown statement 'hello'"),
        ("%1 = input 0", "line 1: slot %1 where %0 comes next"),
        ("%0 = input x", "line 1: expected a whole number, not 'x'"),
        ("%0 = input 0\n%1 = sinh %0, %0", "line 2: unexpected ', %0'"),
        ("%0 = input 0\n%1 = add %0", "line 2: expected ','"),
        ("%0 = input 0\n%1 = magic %0", "line 2: no operation is called 'magic'"),
        ("%0 = input 0\n%1 = constant 1.0", "line 2: constants come before instructions"),
        ("%0 = constant 1.0\n%1 = bound", "line 2: bound leaves come first"),
        ("%0 = constant one", "line 1: expected a number, not 'one'"),
        ("%0 = constant 1e999", "line 1: expected a number"),
        ("%0 = constant nan(7)", "line 1: expected a number"),
        ('%0 = bound 1.0 "w', "line 1: a label does not end"),
        ("%0 = input 0\noutput 0", "line 2: expected a slot, such as %3"),
        ("%0 = input 0\noutput %0\nguard %0 is maybe", "line 3: expected 'false'"),
        ("%0 = input 0\n%1 = neg %2\n%2 = neg %1\noutput %2", "something is used before it is computed"),
        ("%0 = input 1\noutput %0", "an input is there twice, or not counted"),
        ("%0 = input 0\noutput %7", "something is used before it is computed"),
        ("%0 = input 0\n%1 = dot %0\noutput %1", "a sum has no terms"),
    ],
)
def test_text_that_is_not_a_program(text: str, why: str, live_nodes):
    with pytest.raises(ValueError, match=f"^{why}"):
        Graph.from_text(text)


# ---- golden texts of passes


def test_a_loaded_graph_can_be_optimized_again(tmp_path):
    x = Value(3.0)
    graph = Graph((x * x) + (x * x), [x], passes=())
    graph.save(tmp_path / "g")
    again = Graph.load(tmp_path / "g", passes=("cse", "dce"))
    assert (graph.stats()["instructions_after"], again.stats()["instructions_after"]) == (3, 2)
    assert again.passes == ["cse", "dce"]
    assert all_bits(again([1.1])) == all_bits(graph([1.1]))
    with pytest.raises(ValueError, match="no pass named 'magic'"):
        Graph.load(tmp_path / "g", passes=["magic"])


# ---- the arrays


def test_a_program_can_be_run_from_its_arrays():
    x, y, w = Value(0.3), Value(0.8), Value(2.0)
    graph = Graph((x * w + y).sin() - x / y, [x, y], passes=())
    program = graph.program
    values = [w.data, *program.constants]
    operations = {row.name: row for row in fastgrad.operations()}
    for op, a, b in program.instructions.tolist():
        name = program.opcodes[op]
        if name == "input":
            values.append([0.3, 0.8][a])
        else:
            values.append(getattr(fastgrad, name)(*([values[a], values[b]][: operations[name].arity])))
    assert [values[slot] for slot in program.outputs] == graph([0.3, 0.8]).tolist()


def test_the_arrays_share_the_memory_of_the_graph_and_keep_it():
    x = [Value(0.1 * i) for i in range(20)]
    graph = Graph(sum(a * a for a in x), x)
    program = graph.program
    assert not program.instructions.flags.writeable
    assert np.shares_memory(program.instructions, graph.program.instructions)
    assert program.instructions.itemsize == 12
    instructions, dots, runs = program.instructions, program.dots, program.runs
    expected = instructions.tolist()
    del graph, program
    assert instructions.tolist() == expected
    assert (dots["count"].tolist(), runs["kind"].tolist(), runs["terms"].tolist()) == ([20], [3], [20])
    assert runs["x"]["term_stride"].tolist() == [1]
    with pytest.raises(ValueError, match="read-only"):
        instructions["x"][0] = 1


def test_counts_of_a_program():
    x, w = Value(1.0), Value(2.0)
    program = Graph([x * w.exp() * 3.0], [x], passes=("hoist",)).program
    assert (program.inputs, program.bound, program.first_result, program.first_varying) == (1, 1, 2, 3)
    assert program.constants.tolist() == [3.0]
    assert (program.guards.size, program.left.size, program.right.size) == (0, 0, 0)
