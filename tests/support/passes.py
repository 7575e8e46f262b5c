"""The table of passes: an example of each at work. `fastgrad.compile.passes.PASS_TABLE` says what each keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from fastgrad import Graph, Value
from fastgrad.compile.passes import EXACT_PASSES


def stat(name: str) -> Callable[[Graph], Any]:
    return lambda graph: graph.stats()[name]


@dataclass(frozen=True)
class Pass:
    """Outputs of eight inputs and eight bound leaves, and a measure of the pass's effect: before and after."""

    example: Callable[[list[Value], list[Value]], list[Value]] = field(repr=False)
    shows: Callable[[Graph], Any] = field(repr=False)
    before: Any
    after: Any


def dot(x: list[Value], w: list[Value]) -> Any:
    return sum(a * b for a, b in zip(x, w, strict=True))


PASSES: dict[str, Pass] = {
    "fold": Pass(lambda x, w: [(x[0] * 1.0).exp() / 1.0], stat("instructions_after"), 3, 1),
    # The power of -0.0 is 0.0, its root -0.0.
    "strength_reduction": Pass(lambda x, w: [x[0] ** 0.5], lambda g: str(*g([-0.0] * 8)), "0.0", "-0.0"),
    "cse": Pass(lambda x, w: [(x[0] * w[0]).exp(), (w[0] * x[0]).exp()], stat("instructions_after"), 4, 2),
    # A captured graph contains only what its outputs need: nothing in it is dead until another pass has run.
    "dce": Pass(lambda x, w: [x[0] * 2.0, x[1].exp()], stat("instructions_after"), 2, 2),
    "gather_dots": Pass(lambda x, w: [dot(x, w)], stat("dots"), 0, 1),
    "hoist": Pass(lambda x, w: [x[0] * w[0].exp()], stat("runs"), 1, 2),
    "reroll": Pass(lambda x, w: [(a * b).tanh() for a, b in zip(x, w, strict=True)], stat("loops"), 0, 2),
    # A choice of kernels: the program does not change.
    "vector_math": Pass(lambda x, w: [a.exp() for a in x], stat("instructions_after"), 8, 8),
}
every_pass = pytest.mark.parametrize("name", PASSES)

#: Passes that keep every value to the last bit. Those of them that make no loops, which add up in partial sums, also
#: keep a gradient if each operand is used once.
VALUE_KEEPING_PASSES = EXACT_PASSES
GRADIENT_KEEPING_PASSES = tuple(name for name in EXACT_PASSES if name != "reroll")
