"""Each row of the table of rewrites separately: the program before and after it, on edges and on random numbers."""

from __future__ import annotations

import math
import random
import re

import numpy as np
import pytest

from fastgrad import Graph, _core
from support.replays import all_bits

EDGES = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, math.pi, 5e-324, -5e-324, 2.2250738585072014e-308,
         1.7976931348623157e308, -1.7976931348623157e308, 1e-160, math.inf, -math.inf, math.nan]  # fmt: skip
RANDOM = [random.Random(0).uniform(-10.0, 10.0) for _ in range(200)]
ROWS = {f"{pattern} -> {result}": (pattern, result, keeps) for pattern, result, keeps in _core.rewrites()}


def program_of(row: str, is_reversed: bool = False) -> str:
    """The text of a program that computes a row on x, the input, and numbers; reversed: with operands swapped."""
    name, arguments = re.fullmatch(r"(\w+)\((.*)\)", row).groups()
    operands = arguments.split(", ")[:: -1 if is_reversed else 1]
    numbers = [operand for operand in operands if operand != "x"]
    lines = [f"%{i} = constant {number}" for i, number in enumerate(numbers)]
    slots = [f"%{numbers.index(operand) if operand != 'x' else len(numbers)}" for operand in operands]
    result = len(numbers) + 1
    return "\n".join(
        [*lines, f"%{result - 1} = input 0", f"%{result} = {name} {', '.join(slots)}", f"output %{result}"]
    )


@pytest.mark.parametrize("row", ROWS)
def test_a_rewrite_is_applied_and_keeps_what_it_says(row: str):
    pattern, result, keeps = ROWS[row]
    name = "fold" if keeps == "bits" else "strength_reduction"
    commutes = pattern.startswith(("add", "mul"))
    for is_reversed in (False, True)[: 1 + commutes]:
        text = program_of(pattern, is_reversed)
        before, after = Graph.from_text(text), Graph.from_text(text, passes=[name])
        if result == "x":
            assert after.stats()["instructions_after"] == 0
        else:
            names = [after.program.opcodes[op] for op in after.program.instructions["op"].tolist()]
            assert names == ["input", result.split("(")[0]]
        other = "strength_reduction" if name == "fold" else "fold"
        assert Graph.from_text(text, passes=[other]).stats()["instructions_after"] == 1
        for x in (*EDGES, *RANDOM):
            assert_kept(keeps, before, after, x)


def assert_kept(keeps: str, before: Graph, after: Graph, x: float) -> None:
    theirs, ours = before([x]), after([x])
    if keeps == "bits":
        assert all_bits(ours) == all_bits(theirs), x
        assert all_bits(after.value_and_grad([x])[1]) == all_bits(before.value_and_grad([x])[1]), x
        return
    if keeps == "signs" and (x == -math.inf or x == 0.0):
        assert math.isnan(ours[0]) or abs(ours[0]) == abs(theirs[0]), x
        return
    np.testing.assert_allclose(ours, theirs, rtol=1e-15, err_msg=str(x))
    if keeps == "rounding":
        assert math.isnan(ours[0]) or np.signbit(ours[0]) == np.signbit(theirs[0]), x


@pytest.mark.parametrize(
    ("name", "number"), [("add", 0.0), ("sub", -0.0), ("mul", -1.0), ("div", -1.0), ("pow", 0.0)]
)
def test_numbers_match_by_their_bits(name: str, number: float):
    graph = Graph.from_text(program_of(f"{name}(x, {number})"), passes=["fold", "strength_reduction"])
    assert graph.stats()["instructions_after"] == 1


@pytest.mark.parametrize("row", ROWS)
def test_a_rewrite_makes_progress(row: str):
    """The result is an operand, or a row that is the pattern of no rule."""
    _, result, _ = ROWS[row]
    if result != "x":
        text = program_of(result)
        once = Graph.from_text(text, passes=["fold", "strength_reduction"])
        assert once.program.instructions.tolist() == Graph.from_text(text).program.instructions.tolist()
