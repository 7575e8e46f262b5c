"""`Graph`: freeze what some Values were computed from, to run it again natively and to save it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from fastgrad import _core
from fastgrad._core import instruction_sets
from fastgrad.io.atomic import write_whole

__all__ = ["PASSES", "Graph", "instruction_sets"]

#: The optimization passes, in the order in which they run: see docs/graphs.md.
PASSES: tuple[str, ...] = tuple(_core.PASSES)

G = TypeVar("G", bound="Graph")


def checked_passes(passes: Iterable[str]) -> list[str]:
    """The passes as a list.

    Raises:
        ValueError: there is no such pass.
    """
    names = [passes] if isinstance(passes, str) else list(passes)
    for name in names:
        if name not in PASSES:
            raise ValueError(f"no pass named {name!r}: choose from {', '.join(PASSES)}")
    return names


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
        passes: The optimization passes to run, any of `PASSES`; they always run in the order of that tuple. Without
            ``"strength_reduction"``, ``"gather_dots"`` and ``"vector_math"`` values equal the eager engine's to the
            last bit; without any, gradients do too.
        instruction_set: One of `instruction_sets`; the best of this machine if it is empty.

    Raises:
        TypeError: an output or input is not a Value, or the graph has a custom operation.
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
            since=None,
            passes=checked_passes(passes),
            instruction_set=instruction_set,
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the graph to a file, with the bound leaves' present data and labels.

        A file that is there already is replaced once the new one is whole.

        Raises:
            OSError: the file cannot be written.
        """
        write_whole(path, self._to_bytes())

    @classmethod
    def load(cls: type[G], path: str | os.PathLike[str], *, instruction_set: str = "") -> G:
        """Read a graph that `save` wrote. Its `parameters` are fresh leaves with the saved data and labels.

        On the same instruction set its results equal the saved graph's to the last bit. No file can make this do
        anything but build a graph or raise.

        Args:
            instruction_set: As for `Graph`.

        Raises:
            OSError: the file cannot be read.
            ValueError: the file is no graph, is damaged, or was written by a newer fastgrad.
        """
        with open(path, "rb") as file:
            data = file.read()
        try:
            return _graph_of(cls, data, None, instruction_set)
        except ValueError as error:
            raise ValueError(f"{os.fspath(path)}: {error}") from None

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy: the bytes of `save`, and the bound leaves as Values.

        A graph that is pickled or copied together with its parameters stays bound to them.
        """
        used = self.stats()["instruction_set"]
        chosen = "" if used == _core.instruction_sets()[0] else used
        return _restored, (type(self), self._to_bytes(), self.parameters, chosen), vars(self) or None

    def __repr__(self) -> str:
        stats = self.stats()
        return (
            f"Graph({self.inputs_count} inputs, {self.outputs_count} outputs, {stats['bound']} bound leaves, "
            f"{stats['instructions_after']} instructions of {stats['nodes']} nodes)"
        )


def _graph_of(cls: type[G], data: bytes, parameters: Sequence[_core.Value] | None, instruction_set: str) -> G:
    graph = cls.__new__(cls)
    _core.Graph.__init__(graph, data, parameters=parameters, instruction_set=instruction_set)
    return graph


def _restored(cls: type[G], data: bytes, parameters: Sequence[_core.Value], chosen: str) -> G:
    """What pickle calls; on a machine without the instruction set that was chosen, its best one is used."""
    return _graph_of(cls, data, parameters, chosen if chosen in _core.instruction_sets() else "")
