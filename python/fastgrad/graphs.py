"""Captured graphs: record the Python once, run it again natively."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from fastgrad import _core

__all__ = ["PASSES", "Graph"]

#: The optimisation passes, in the order in which they run: see docs/graphs.md.
PASSES: tuple[str, ...] = tuple(_core.PASSES)


def checked_passes(passes: Iterable[str]) -> list[str]:
    """The passes as a list.

    Raises:
        ValueError: there is no such pass.
    """
    chosen = [passes] if isinstance(passes, str) else list(passes)
    for name in chosen:
        if name not in PASSES:
            raise ValueError(f"no pass named {name!r}: choose from {', '.join(PASSES)}")
    return chosen


def _flat(outputs: Any) -> list[_core.Value]:
    found: list[_core.Value] = []
    todo = [outputs]
    while todo:
        item = todo.pop()
        if isinstance(item, _core.Value):
            found.append(item)
        elif hasattr(item, "__iter__") and not isinstance(item, (str, bytes, dict)):
            todo.extend(reversed(list(item)))
        else:
            raise TypeError(f"outputs must be Values or nested lists of them, not {item!r}: wrap it as Value(...)")
    return found


class Graph(_core.Graph):
    """What some Values were computed from, frozen, to be run again natively.

    Args:
        outputs: A Value, or nested lists of them: m in all.
        inputs: Leaf Values, n in all, whose numbers are given at each run. Every other leaf is bound: a run reads its
            present ``data``, and `value_and_grad` and `vjp` add to its ``grad``.
        passes: The optimisation passes to run, any of `PASSES`; they always run in the order of that tuple. Without
            ``"power"``, ``"dot"`` and ``"vector_math"`` values equal the eager engine's to the last bit; without any,
            gradients do too.
        instruction_set: One of ``fastgrad.instruction_sets()``; the best of this machine if it is empty.

    Raises:
        TypeError: an output or input is not a Value, or the graph has an operation of the user's own.
        ValueError: an input is not a leaf or is given twice, there is no output, or there is no such pass.
    """

    def __init__(
        self,
        outputs: Any,
        inputs: Sequence[_core.Value] = (),
        *,
        passes: Iterable[str] = PASSES,
        instruction_set: str = "",
    ) -> None:
        super().__init__(
            _flat(outputs),
            [inputs] if isinstance(inputs, _core.Value) else list(inputs),
            constants=(),
            shared=(),
            conditions=0,
            oldest=None,
            passes=checked_passes(passes),
            instruction_set=instruction_set,
        )

    def __repr__(self) -> str:
        stats = self.stats()
        return (
            f"Graph({self.inputs_count} inputs, {self.outputs_count} outputs, {stats['bound']} bound leaves, "
            f"{stats['instructions_after']} instructions of {stats['nodes']} nodes)"
        )
