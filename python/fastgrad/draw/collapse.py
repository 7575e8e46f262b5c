"""The picture of a large graph: a box for each group of its Values, in a frame for each open scope."""

from __future__ import annotations

import math
from collections import Counter

import graphviz

from fastgrad.draw import look, single
from fastgrad.draw.digraph import Digraph
from fastgrad.draw.graph import Graph
from fastgrad.draw.groups import Group, grouped
from fastgrad.draw.look import Look
from fastgrad.draw.program import Program
from fastgrad.draw.scopes import OUTSIDE
from fastgrad.draw.structure import copies
from fastgrad.draw.text import escape_field

__all__ = ["add_groups"]

MOST_OPERATIONS = 9  # that a box names
OPERATIONS_IN_LINE = 3


def add_groups(drawing: Digraph, graph: Graph, chosen: Look, depth: int | None, max_nodes: int | None) -> None:
    """Draw the graph as the groups that `grouped` finds.

    Raises:
        ValueError: there are more than ``max_nodes`` groups at that depth.
    """
    program = Program.of(graph)
    grouping = grouped(program, depth, max_nodes)
    boxes = [_Box(f"group {i}", group, program, graph, chosen) for i, group in enumerate(grouping.groups)]
    is_upright = drawing.graph_attr["rankdir"] == "LR"  # else braces turn a record
    fills = chosen.fills(drawing, {box: box.strongest() for box in boxes} if chosen.color else {})
    frames = _Frames(program, drawing)
    for box in boxes:
        box.add_to(frames.around(box.group), fills.get(box, {}), is_upright)
    frames.close()
    for (source, target), count in grouping.flows.items():
        label = {"label": f" {count:,} "} if count > 1 else {}
        drawing.edge(boxes[source].exit, boxes[target].entrance, **label)


class _Box:
    """What stands for a group: of several Values one box, of one Value what is drawn for it anywhere."""

    def __init__(self, name: str, group: Group, program: Program, graph: Graph, chosen: Look) -> None:
        self.group, self._program, self._graph, self._chosen = group, program, graph, chosen
        self._values = [program.values[i] for i in group.members]
        self.exit = self.entrance = name
        if len(self._values) == 1:
            (value,) = self._values
            self.exit, self.entrance = single.name(value), single.entrance(value, chosen)

    def add_to(self, frame: graphviz.Digraph, fill: dict[str, str], is_upright: bool) -> None:
        if len(self._values) == 1:
            (value,) = self._values
            single.add_value(frame, value, self._graph[value], self._chosen, fill)
            return
        fields = " | ".join(map(escape_field, self._fields()))
        frame.node(self.exit, fields if is_upright else f"{{ {fields} }}", shape="record", **(look.GROUP | fill))

    def strongest(self) -> float:
        """The number farthest from 0 of those that the boxes are filled by; nan, if any is nan."""
        numbers = self._numbers(str(self._chosen.color))
        return max(numbers, key=lambda number: math.inf if math.isnan(number) else abs(number))

    def _numbers(self, name: str) -> list[float]:
        """Those of the Values; where the last step is a single expression, that of its result."""
        has_result = not self.group.is_scope and [*self.group.steps.values()][-1:] == [1]
        values = self._values[-1:] if has_result else self._values
        return [getattr(value, name) for value in values]

    def _fields(self) -> list[str]:
        program, group = self._program, self.group
        leaves = [i for i in group.members if program.is_leaf(i)]
        return [
            self._title(len(leaves)),
            *self._contents(len(leaves)),
            *(self._range(name) for name in self._chosen.fields if name != "label"),
        ]

    def _title(self, leaves: int) -> str:
        group, program = self.group, self._program
        if group.is_scope:
            return program.scopes.title(group.scope) if group.scope != OUTSIDE else "the graph"
        if leaves == len(group.members):
            return f"{leaves:,} leaves"
        steps = [(symbol, count) for (_, symbol), count in group.steps.items()]
        return "\n".join(f"{symbol} × {count:,}" if count > 1 else symbol for symbol, count in steps)

    def _contents(self, leaves: int) -> list[str]:
        group, program = self.group, self._program
        if leaves == len(group.members) and not group.is_scope:
            return []
        counts = [f"{len(group.members):,} Values"]
        if leaves:
            counts.append(f"{leaves:,} leaves" if leaves > 1 else "1 leaf")
        constants = sum(program.constants[i] for i in group.members)
        if constants and self._chosen.constants:
            counts.append(f"{constants:,} constants" if constants > 1 else "1 constant")
        contents = ["\n".join(counts)]
        if group.is_scope and self._chosen.operations:
            contents.append(self._operations())
        return contents

    def _operations(self) -> str:
        """The operations with their counts; where the Values are equal parts that share no edge, those of one."""
        members = [i for i in self.group.members if not self._program.is_leaf(i)]
        parts = copies(self._program, members)
        counts = Counter(self._program.symbols[i] for i in members)
        words = [f"{symbol} {count // parts:,}" for symbol, count in counts.most_common(MOST_OPERATIONS)]
        if len(counts) > MOST_OPERATIONS:
            words.append("…")
        lines = [", ".join(words[i : i + OPERATIONS_IN_LINE]) for i in range(0, len(words), OPERATIONS_IN_LINE)]
        return "\n".join([f"{parts:,} × this:", *lines] if parts > 1 else lines)

    def _range(self, name: str) -> str:
        numbers = [number for number in self._numbers(name) if not math.isnan(number)] or [math.nan]
        ends = dict.fromkeys(map(self._chosen.number, (min(numbers), max(numbers))))
        return f"{name} {' … '.join(ends)}"


class _Frames:
    """The frames of open scopes, made as they are asked for."""

    def __init__(self, program: Program, drawing: Digraph) -> None:
        self._scopes = program.scopes
        self._frames: dict[int, graphviz.Digraph] = {OUTSIDE: drawing}

    def around(self, group: Group) -> graphviz.Digraph:
        """The frame that a group's box is drawn in."""
        scopes = self._scopes
        inner = scopes.parents[group.scope] if group.is_scope else group.scope
        for scope in scopes.chain(inner):
            if scope not in self._frames:
                attributes = look.FRAME | {"label": scopes.title(scope)}
                self._frames[scope] = graphviz.Digraph(f"cluster {scope}", graph_attr=attributes)
        return self._frames[inner]

    def close(self) -> None:
        """Put each frame into the one around it, inner ones first."""
        for scope in sorted(self._frames.keys() - {OUTSIDE}, reverse=True):
            self._frames[self._scopes.parents[scope]].subgraph(self._frames[scope])
