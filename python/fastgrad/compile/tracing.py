"""Trace a function: run it once while the engine notes every operation, then build graphs from the notes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fastgrad import _core
from fastgrad.compile.graph import Graph
from fastgrad.compile.trees import TreeDef, flatten
from fastgrad.engine import Value


@dataclass(slots=True)
class Recording:
    """A graph, whose guards tell which calls it is valid for, and the structure of the function's result."""

    graph: Graph
    answers: tuple[bool, ...]
    out_tree: TreeDef
    shared: dict[int, Value]  # the bound leaves that take other numbers at each call, by their place in the arguments


@dataclass(slots=True)
class Trace:
    """The result of one run of the function: enough to make a recording with any passes."""

    program: _core.BoundProgram
    answers: tuple[bool, ...]
    out_tree: TreeDef
    shared: list[Value]

    def recording(self, passes: Sequence[str]) -> Recording:
        graph = Graph._compiled(self.program, passes)
        bound = {id(leaf) for leaf in graph.parameters}
        shared = {i: leaf for i, leaf in enumerate(self.shared) if id(leaf) in bound}
        return Recording(graph, self.answers, self.out_tree, shared)


def trace(
    function: Callable[..., Any],
    name: str,
    arguments: tuple[Any, ...],
    named: dict[str, Any],
    inputs: list[Value],
    shared: list[Value],
    *,
    guarded: bool,
) -> Trace:
    """Run the function on placeholders.

    Args:
        name: the function's name, for messages.
        inputs: the placeholders for numbers that change with each call or sample.
        shared: the placeholders for numbers that all samples share.
        guarded: whether comparisons become guards; otherwise they are an error.

    Raises:
        TypeError: the function read a Value's number, returned anything but Values and numbers, or compared Values
            although it is not guarded.
    """
    _core.begin_trace()
    try:
        result = function(*arguments, **named)
    except BaseException:
        _core.end_trace()
        raise
    since, constants, guards = _core.end_trace()
    if guards and not guarded:
        raise TypeError(
            f"{name}() compares Values, which may turn out differently from sample to sample: choose with where(), "
            "maximum() or minimum()"
        )
    leaves: list[Any] = []
    out_tree = flatten(result, leaves)
    if not leaves:
        raise TypeError(f"{name}() is recorded, so it must return Values or numbers, not {result!r}")
    outputs = [leaf if isinstance(leaf, _core.Value) else Value(leaf) for leaf in leaves]
    constants += [output for leaf, output in zip(leaves, outputs, strict=True) if leaf is not output]
    program = _core.capture(outputs, inputs, constants=constants, shared=shared, guards=guards, since=since)
    return Trace(program, tuple(answer for _, answer in guards), out_tree, shared)
