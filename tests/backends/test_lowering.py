"""The interface of backends: which emitter methods are called, and in which order."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from fastgrad import Graph, Value
from fastgrad._core import Operation
from fastgrad.backends import Emitter, lower

TEXT = """\
%0 = bound 0.5 "w"
%1 = bound -1.0
%2 = constant 2.0
%3 = input 1
%4 = mul %0, %3
%5 = neg %4
%6 = input 0
%7 = dot %0 * %3 + %1 * %6 + %5
%8 = dot %2 * %6
%9 = less %7, %2
output %8, %3
guard %9 is false
guard %3 is true
"""


class Writer(Emitter[str, str]):
    """Writes the statements as text."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def slot(self, text: str) -> str:
        self.lines.append(f"%{len(self.lines)} = {text}")
        return f"%{len(self.lines) - 1}"

    def bound(self, leaf: Value) -> str:
        return self.slot(f"bound {leaf.data}" + f' "{leaf.label}"' * bool(leaf.label))

    def constant(self, number: float) -> str:
        return self.slot(f"constant {number}")

    def input(self, position: int) -> str:
        return self.slot(f"input {position}")

    def row(self, operation: Operation, *operands: str) -> str:
        return self.slot(f"{operation.name} {', '.join(operands)}")

    def dot(self, left: Sequence[str], right: Sequence[str], addend: str | None) -> str:
        terms = [f"{x} * {y}" for x, y in zip(left, right, strict=True)]
        return self.slot(f"dot {' + '.join([*terms, addend] if addend else terms)}")

    def guard(self, condition: str, expected: bool) -> None:
        self.lines.append(f"guard {condition} is {str(expected).lower()}")

    def finish(self, outputs: Sequence[str]) -> str:
        first_guard = next((i for i, line in enumerate(self.lines) if line.startswith("guard")), len(self.lines))
        self.lines.insert(first_guard, f"output {', '.join(outputs)}")
        return "\n".join(self.lines) + "\n"


def test_an_emitter_is_shown_the_whole_program_in_order():
    graph = Graph.from_text(TEXT)
    assert graph.text() == TEXT
    assert lower(graph, Writer()) == TEXT


def test_a_program_of_passes_is_shown_with_all_its_slots():
    xs, ws = [Value(1.0) for _ in range(8)], [Value(2.0) for _ in range(8)]
    graph = Graph(sum(w * x for w, x in zip(ws, xs, strict=True)) * 3.0, xs)
    slots = [line for line in lower(graph, Writer()).splitlines() if line.startswith("%")]
    assert len(slots) == graph.program.first_result + len(graph.program.instructions)


def test_an_emitter_that_leaves_out_a_kind_cannot_be_made():
    class Half(Emitter[str, str]):
        def bound(self, leaf: Value) -> str:
            return ""

    with pytest.raises(TypeError, match="abstract"):
        Half()  # type: ignore[abstract]
