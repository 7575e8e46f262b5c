"""Draw a large graph: a box for each group of its Values, inside a frame for each open scope."""

from __future__ import annotations

import math
from collections import Counter

import graphviz

from fastgrad.draw import node_view
from fastgrad.draw.digraph import Digraph
from fastgrad.draw.graph import Operands
from fastgrad.draw.groups import Group, grouped
from fastgrad.draw.indexed_graph import IndexedGraph
from fastgrad.draw.scopes import OUTSIDE
from fastgrad.draw.structure import copies
from fastgrad.draw.style import FRAME, GROUP, Style
from fastgrad.draw.text import escape_field

__all__ = ["add_groups"]

MOST_OPERATIONS = 9  # that a box names
OPERATIONS_IN_LINE = 3


def add_groups(drawing: Digraph, operands: Operands, style: Style, depth: int | None, max_nodes: int | None) -> None:
    """Draw the graph as the groups that `grouped` finds.

    Raises:
        ValueError: there are more than ``max_nodes`` groups at that depth.
    """
    graph = IndexedGraph.of(operands)
    grouping = grouped(graph, depth, max_nodes)
    boxes = [_Box(f"group {i}", group, graph, operands, style) for i, group in enumerate(grouping.groups)]
    is_upright = drawing.graph_attr["rankdir"] == "LR"  # otherwise braces turn a record
    fills = style.fills(drawing, {box: box.strongest() for box in boxes} if style.color else {})
    frames = _Frames(graph, drawing)
    for box in boxes:
        box.add_to(frames.around(box.group), fills.get(box, {}), is_upright)
    frames.close()
    for (source, target), count in grouping.flows.items():
        label = {"label": f" {count:,} "} if count > 1 else {}
        drawing.edge(boxes[source].exit, boxes[target].entrance, **label)


class _Box:
    """The drawing of a group: one box for several Values, or the usual drawing for a single Value."""

    def __init__(self, name: str, group: Group, graph: IndexedGraph, operands: Operands, style: Style) -> None:
        self.group, self._graph, self._operands, self._style = group, graph, operands, style
        self._values = [graph.values[i] for i in group.members]
        self.exit = self.entrance = name
        if len(self._values) == 1:
            (value,) = self._values
            self.exit, self.entrance = node_view.name(value), node_view.entrance(value, style)

    def add_to(self, frame: graphviz.Digraph, fill: dict[str, str], is_upright: bool) -> None:
        if len(self._values) == 1:
            (value,) = self._values
            node_view.add_value(frame, value, self._operands[value], self._style, fill)
            return
        fields = " | ".join(map(escape_field, self._fields()))
        frame.node(self.exit, fields if is_upright else f"{{ {fields} }}", shape="record", **(GROUP | fill))

    def strongest(self) -> float:
        """The number farthest from 0 among those that determine the fill of the boxes; nan if any is nan."""
        numbers = self._numbers(str(self._style.color))
        return max(numbers, key=lambda number: math.inf if math.isnan(number) else abs(number))

    def _numbers(self, name: str) -> list[float]:
        """The data or gradients of the Values; if the last step is a single expression, those of its result."""
        has_result = not self.group.is_scope and [*self.group.steps.values()][-1:] == [1]
        values = self._values[-1:] if has_result else self._values
        return [getattr(value, name) for value in values]

    def _fields(self) -> list[str]:
        graph, group = self._graph, self.group
        leaves = [i for i in group.members if graph.is_leaf(i)]
        return [
            self._title(len(leaves)),
            *self._contents(len(leaves)),
            *(self._range(name) for name in self._style.fields if name != "label"),
        ]

    def _title(self, leaves: int) -> str:
        group, graph = self.group, self._graph
        if group.is_scope:
            return graph.scopes.title(group.scope) if group.scope != OUTSIDE else "the graph"
        if leaves == len(group.members):
            return f"{leaves:,} leaves"
        steps = [(symbol, count) for (_, symbol), count in group.steps.items()]
        return "\n".join(f"{symbol} × {count:,}" if count > 1 else symbol for symbol, count in steps)

    def _contents(self, leaves: int) -> list[str]:
        group, graph = self.group, self._graph
        if leaves == len(group.members) and not group.is_scope:
            return []
        counts = [f"{len(group.members):,} Values"]
        if leaves:
            counts.append(f"{leaves:,} leaves" if leaves > 1 else "1 leaf")
        constants = sum(graph.constants[i] for i in group.members)
        if constants and self._style.constants:
            counts.append(f"{constants:,} constants" if constants > 1 else "1 constant")
        contents = ["\n".join(counts)]
        if group.is_scope and self._style.operations:
            contents.append(self._operations())
        return contents

    def _operations(self) -> str:
        """The operations with their counts; if the Values are equal parts without common edges, those of one part."""
        members = [i for i in self.group.members if not self._graph.is_leaf(i)]
        parts = copies(self._graph, members)
        counts = Counter(self._graph.symbols[i] for i in members)
        words = [f"{symbol} {count // parts:,}" for symbol, count in counts.most_common(MOST_OPERATIONS)]
        if len(counts) > MOST_OPERATIONS:
            words.append("…")
        lines = [", ".join(words[i : i + OPERATIONS_IN_LINE]) for i in range(0, len(words), OPERATIONS_IN_LINE)]
        return "\n".join([f"{parts:,} × this:", *lines] if parts > 1 else lines)

    def _range(self, name: str) -> str:
        numbers = [number for number in self._numbers(name) if not math.isnan(number)] or [math.nan]
        ends = dict.fromkeys(map(self._style.number, (min(numbers), max(numbers))))
        return f"{name} {' … '.join(ends)}"


class _Frames:
    """The frames of open scopes, created on demand."""

    def __init__(self, graph: IndexedGraph, drawing: Digraph) -> None:
        self._scopes = graph.scopes
        self._frames: dict[int, graphviz.Digraph] = {OUTSIDE: drawing}

    def around(self, group: Group) -> graphviz.Digraph:
        """The frame that a group's box is drawn in."""
        scopes = self._scopes
        inner = scopes.parents[group.scope] if group.is_scope else group.scope
        for scope in scopes.chain(inner):
            if scope not in self._frames:
                attributes = FRAME | {"label": scopes.title(scope)}
                self._frames[scope] = graphviz.Digraph(f"cluster {scope}", graph_attr=attributes)
        return self._frames[inner]

    def close(self) -> None:
        """Put each frame into the enclosing one, inner frames first."""
        for scope in sorted(self._frames.keys() - {OUTSIDE}, reverse=True):
            self._frames[self._scopes.parents[scope]].subgraph(self._frames[scope])
