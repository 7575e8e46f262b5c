"""Random computations as recipes for any engine: leaves, then operations on earlier nodes and constants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from fastgrad.reference import INEXACT, OPERATIONS
from support.operations import OPERATORS

NAMES = [name for name in OPERATIONS if name not in INEXACT]

#: Mostly numbers that keep a graph finite, but occasionally one that does not.
numbers = st.one_of(
    st.floats(-3.0, 3.0),
    st.sampled_from([0.0, -0.0, 0.5, 1.0, -1.0, 2.0, 2, -3, True]),
    st.floats(allow_nan=True, allow_infinity=True),
)


@dataclass
class Recipe:
    """The steps of both engines, in the same order: leaves, then operations on earlier nodes and on constants."""

    leaves: list[float]
    steps: list[tuple[str, list[tuple[str, Any]]]] = field(repr=True)

    def names(self) -> set[str]:
        return {name for name, _ in self.steps}


@st.composite
def recipes(
    draw: st.DrawFn,
    names: Sequence[str] = NAMES,
    constants: st.SearchStrategy[Any] = numbers,
    most_leaves: int = 4,
    most_steps: int = 25,
) -> Recipe:
    #: An operand: the node created so many steps ago, or a constant.
    operands = st.one_of(st.integers(0, 7).map(lambda back: ("node", back)), constants.map(lambda x: ("constant", x)))
    leaves = draw(st.lists(constants, min_size=1, max_size=most_leaves))
    steps = []
    for name in draw(st.lists(st.sampled_from(names), min_size=1, max_size=most_steps)):
        arity = len(OPERATIONS[name].partials)
        chosen = [draw(operands) for _ in range(arity)]
        if all(kind == "constant" for kind, _ in chosen):
            chosen[draw(st.integers(0, arity - 1))] = ("node", draw(st.integers(0, 7)))
        steps.append((name, chosen))
    return Recipe(leaves, steps)


def cook(recipe: Recipe, module: Any) -> tuple[list[Any], list[type[Exception]]]:
    """The nodes that could be built, oldest first, and the errors of those that could not."""
    nodes = [module.Value(x) for x in recipe.leaves]
    errors = []
    for name, chosen in recipe.steps:
        arguments = [nodes[-1 - what % len(nodes)] if kind == "node" else what for kind, what in chosen]
        function = OPERATORS.get(name) or getattr(module, name)
        try:
            nodes.append(function(*arguments))
        except (ArithmeticError, ValueError) as error:
            errors.append(type(error))
    return nodes, errors
