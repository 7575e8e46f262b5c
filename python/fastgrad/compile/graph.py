"""`Graph`: the computation of some Values, frozen, to be run natively and saved."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from fastgrad import _core
from fastgrad._core import instruction_sets
from fastgrad.compile.passes import PASSES, checked_passes
from fastgrad.io.atomic import write_whole

__all__ = ["PASSES", "Graph", "instruction_sets"]

G = TypeVar("G", bound="Graph")


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
    """The computation of some Values, frozen, to be run again natively.

    Args:
        outputs: A Value, or nested lists of them: m in all.
        inputs: Leaf Values, n in all, whose numbers are given at each run. All other leaves are bound: a run reads
            their current ``data``, and `value_and_grad` and `vjp` add to their ``grad``.
        passes: The optimization passes to run, any of `PASSES`; they always run in the order of that tuple. Without
            ``"strength_reduction"``, ``"gather_dots"`` and ``"vector_math"``, values equal the eager engine's to the
            last bit; without any passes, gradients do too.
        instruction_set: One of `instruction_sets`; the best of this machine if empty.

    Raises:
        TypeError: an output or input is not a Value, or the graph has a custom operation.
        ValueError: an input is not a leaf or is given twice, there is no output, or a pass is unknown.
    """

    def __init__(
        self,
        outputs: Any,
        inputs: Sequence[_core.Value] = (),
        *,
        passes: Iterable[str] = PASSES,
        instruction_set: str = "",
    ) -> None:
        program = _core.capture(_flat(outputs), [inputs] if isinstance(inputs, _core.Value) else list(inputs))
        super().__init__(program, passes=checked_passes(passes), instruction_set=instruction_set)

    @classmethod
    def _compiled(
        cls: type[G], program: _core.BoundProgram, passes: Iterable[str] = (), instruction_set: str = ""
    ) -> G:
        graph = cls.__new__(cls)
        _core.Graph.__init__(graph, program, passes=checked_passes(passes), instruction_set=instruction_set)
        return graph

    @classmethod
    def from_text(
        cls: type[G],
        text: str,
        *,
        parameters: Sequence[_core.Value] | None = None,
        passes: Iterable[str] = (),
        instruction_set: str = "",
    ) -> G:
        """The graph that a text describes: the output of `text`, or one written by hand.

        >>> square = Graph.from_text('''
        ... %0 = input 0
        ... %1 = mul %0, %0
        ... output %1
        ... ''')
        >>> square([3.0]).tolist()
        [9.0]

        Args:
            text: One statement a line; ``#`` begins a comment. Slots are numbered in order: bound leaves (``%0 =
                bound 0.5 "w"``), constants (``%1 = constant 2.0``), then instructions (``%2 = input 0``, ``%3 = mul
                %0, %2``, ``%4 = dot %0 * %2 + %1 * %3 + %2``). ``output %3, %4`` names the outputs, and ``guard %4 is
                true`` states a condition that must hold.
            parameters: The leaves to bind; if None, new leaves with the numbers and labels of the text.
            passes: Passes to run on the program, in addition to those that have run according to the text.
            instruction_set: As for `Graph`.

        Raises:
            ValueError: the text is not a program; the message names the line of a syntax error. Or a pass is unknown.
        """
        return cls._compiled(_core.parse_program(text, parameters=parameters), passes, instruction_set)

    def gradient(
        self: G,
        *,
        values: bool = False,
        parameters: bool = False,
        passes: Iterable[str] = PASSES,
        instruction_set: str = "",
    ) -> G:
        """The graph that computes this one's gradient, which can be printed, run, saved and differentiated again.

        Its outputs are the derivatives of the output with respect to each input. For a graph of m > 1 outputs, the
        new graph has m more inputs, the cotangents, and computes the gradient of sum(cotangents * outputs). Bound
        leaves and guards are the same as for this graph.

        >>> x = Value(3.0)
        >>> slope = Graph(x**3, [x]).gradient()
        >>> slope([2.0]).tolist(), slope.gradient()([2.0]).tolist()  # 3 x^2, 6 x
        ([12.0], [12.0])

        Args:
            values: Whether the outputs begin with the outputs of this graph.
            parameters: Whether they end with the derivatives with respect to each of `parameters`.
            passes: The passes to run on the new graph. If this graph and the new one are made without passes, the
                derivatives equal those of `value_and_grad` and `vjp` to the last bit.
            instruction_set: As for `Graph`.

        Raises:
            ValueError: a pass or the instruction set is unknown.
        """
        program = self._gradient(values=values, parameters=parameters)
        return type(self)._compiled(program, passes, instruction_set)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the graph to a file, with the bound leaves' current data and labels.

        An existing file is replaced only once the new one is complete.

        Raises:
            OSError: the file cannot be written.
        """
        write_whole(path, self._to_bytes())

    @classmethod
    def load(
        cls: type[G], path: str | os.PathLike[str], *, passes: Iterable[str] = (), instruction_set: str = ""
    ) -> G:
        """Read a graph that `save` wrote. Its `parameters` are new leaves with the saved data and labels.

        On the same instruction set its results equal the saved graph's to the last bit. Whatever the file contains,
        this only builds a graph or raises.

        Args:
            passes: Passes to run in addition to those that ran before the graph was saved.
            instruction_set: As for `Graph`.

        Raises:
            OSError: the file cannot be read.
            ValueError: the file is not a graph, is damaged, or was written by a newer fastgrad; or a pass is unknown.
        """
        with open(path, "rb") as file:
            data = file.read()
        try:
            program = _core.read_program(data)
        except ValueError as error:
            raise ValueError(f"{os.fspath(path)}: {error}") from None
        return cls._compiled(program, passes, instruction_set)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy: the bytes of `save`, together with the bound leaves as Values.

        A graph that is pickled or copied together with its parameters stays bound to them.
        """
        return _restored, (type(self), self._to_bytes(), self.parameters, self._chosen()), vars(self) or None

    def _bound_to(self: G, parameters: Sequence[_core.Value]) -> G:
        """The same program with other leaves, in the order of `parameters`."""
        return _restored(type(self), self._to_bytes(), parameters, self._chosen())

    def _chosen(self) -> str:
        """The instruction set, or the empty string if it is this machine's best."""
        used: str = self.stats()["instruction_set"]
        return "" if used == _core.instruction_sets()[0] else used

    def __repr__(self) -> str:
        stats = self.stats()
        return (
            f"Graph({self.inputs_count} inputs, {self.outputs_count} outputs, {stats['bound']} bound leaves, "
            f"{stats['instructions_after']} instructions of {stats['nodes']} nodes)"
        )


def _restored(cls: type[G], data: bytes, parameters: Sequence[_core.Value], chosen: str) -> G:
    """Called by pickle. On a machine without the chosen instruction set, its best one is used."""
    program = _core.read_program(data, parameters=parameters)
    return cls._compiled(program, (), chosen if chosen in _core.instruction_sets() else "")
