"""The interface of backends: one walk over a program, so that a backend only defines how it translates statements."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, TypeVar

from fastgrad import _core
from fastgrad._core import Operation
from fastgrad.engine import Value

__all__ = ["Emitter", "lower"]

T = TypeVar("T")
R = TypeVar("R")

_NO_SLOT = 2**32 - 1
_OPERATIONS = {row.name: row for row in _core.operations()}


class Emitter(ABC, Generic[T, R]):
    """How a backend translates each statement of a program.

    T is how the backend refers to a number: the name of a variable if it writes source code, an array if it computes.
    Each method that returns a T defines one slot, in the order of the slots of `Graph.text`. R is the result.
    """

    @abstractmethod
    def bound(self, leaf: Value) -> T:
        """A bound leaf, one of `Graph.parameters`, whose number is read at each run."""

    @abstractmethod
    def constant(self, number: float) -> T:
        """A number of the program, possibly nan or infinite."""

    @abstractmethod
    def input(self, position: int) -> T:
        """The input at this position. An input that nothing depends on may be missing."""

    @abstractmethod
    def row(self, operation: Operation, *operands: T) -> T:
        """An operation of the table, defined by the formula `operation.value`."""

    @abstractmethod
    def dot(self, left: Sequence[T], right: Sequence[T], addend: T | None) -> T:
        """addend (or 0) + left[0] * right[0] + left[1] * right[1] + ..., added up in this order."""

    @abstractmethod
    def guard(self, condition: T, expected: bool) -> None:
        """The program is valid only for inputs where `condition` is nonzero (or zero, if `expected` is false)."""

    @abstractmethod
    def finish(self, outputs: Sequence[T]) -> R:
        """The result of the backend, called after all statements."""


def lower(graph: _core.Graph, emitter: Emitter[T, R]) -> R:
    """Call an emitter for each statement of a graph's program, operands before results, in linear time.

    The order is: bound leaves, constants, instructions (inputs, operations, dots), guards, outputs. Backends need not
    handle derivatives: `Graph.gradient` returns them as a graph.

    Returns:
        What the emitter's `finish` returns.
    """
    program = graph.program
    slots = [emitter.bound(leaf) for leaf in graph.parameters]
    slots += map(emitter.constant, program.constants.tolist())
    left, right, dots = program.left.tolist(), program.right.tolist(), program.dots.tolist()

    def at(numbers: Sequence[int]) -> list[T]:
        return [slots[number] for number in numbers]

    for opcode, x, y in program.instructions.tolist():
        match program.opcodes[opcode]:
            case "input":
                slots.append(emitter.input(x))
            case "dot":
                first, count, addend = dots[x]
                terms = slice(first, first + count)
                total = None if addend == _NO_SLOT else slots[addend]
                slots.append(emitter.dot(at(left[terms]), at(right[terms]), total))
            case name:
                operation = _OPERATIONS[name]
                slots.append(emitter.row(operation, *at((x, y)[: operation.arity])))
    for condition, expected in program.guards.tolist():
        emitter.guard(slots[condition], expected)
    return emitter.finish(at(program.outputs.tolist()))
