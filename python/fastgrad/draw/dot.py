"""The DOT text of a graph: a box for each Value, an ellipse for each operation, as micrograd's lecture draws them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from graphviz import nohtml

from fastgrad import _core
from fastgrad.draw import look
from fastgrad.draw.colors import Scale
from fastgrad.draw.digraph import Digraph
from fastgrad.draw.graph import Graph, expanded, graph_below, has_at_most, require_value
from fastgrad.draw.look import Look
from fastgrad.draw.text import name_part
from fastgrad.engine import Value

__all__ = ["MAX_NODES", "draw_dot"]

MAX_NODES = 400

NOTE = "every gradient is 0 until backward() runs"


def draw_dot(
    root: Value,
    format: str = "svg",
    rankdir: str = "LR",
    *,
    max_nodes: int | None = MAX_NODES,
    show: Iterable[str] = look.FIELDS,
    color: Literal["data", "grad"] | None = None,
    constants: bool = True,
    precision: int = 4,
    expand: bool = False,
) -> Digraph:
    """Draw the graph below ``root``: a box ``label | data | grad`` for each Value, an ellipse for each operation.

    A constant, such as the 2 of ``x * 2``, is a box with its number. While every gradient is 0 a line below the
    picture says that ``backward()`` fills them in. The picture is readable on white and on black.

    Args:
        root: the result whose graph is drawn.
        format: what the picture is rendered to, as graphviz names it: svg, png, pdf, ...
        rankdir: LR (left to right) or TB (top to bottom).
        max_nodes: the largest number of Values to draw, constants among them; None for no limit.
        show: what is shown, any of label, data, grad and op; without op, operands point to their results.
        color: data or grad, to fill the boxes by it: blue below zero, white at zero, orange above. A legend is added.
        constants: False writes constants into the operation's ellipse, as in ``* 2``; those of an operation on a
            sequence are left out.
        precision: digits after the point of data and grad, 0 to 17.
        expand: True draws what operations on sequences are made of: the products and sums of a ``dot``.

    Returns:
        A ``graphviz.Digraph``, which a notebook shows by itself. Nothing is rendered yet: `Digraph.render` writes a
        file, `Digraph.pipe` gives the bytes.

    Raises:
        TypeError: ``root`` is not a Value, or a function that draws is being recorded by ``jit`` or ``vmap``.
        ValueError: an argument has none of the values above, or the graph has more than ``max_nodes`` Values.
    """
    if rankdir not in ("LR", "TB"):
        raise ValueError(f"rankdir must be 'LR' or 'TB', got {rankdir!r}")
    chosen = Look.of(show, color, constants, precision)
    _core.refuse_while_recording("draw_dot()")
    if expand:
        root = expanded(require_value(root))
    _require_drawable(require_value(root), max_nodes)
    graph = graph_below(root)  # keeps every Value alive while its id stands for it
    drawing = Digraph(
        format=format, graph_attr={**look.GRAPH, "rankdir": rankdir}, node_attr=look.NODE, edge_attr=look.EDGE
    )
    if "grad" in chosen.fields and graph[root] and not any(node.grad for node in graph):
        drawing.graph_attr["label"] = NOTE
    _add_nodes(drawing, graph, chosen)
    _add_edges(drawing, graph, chosen)
    return drawing


def _require_drawable(root: Value, max_nodes: int | None) -> None:
    if max_nodes is not None and not has_at_most(root, max_nodes):
        raise ValueError(
            f"the graph has {root._node_count()} Values, more than max_nodes={max_nodes}: "
            "draw a smaller part, or give a larger max_nodes (or None for no limit)"
        )


def _add_nodes(drawing: Digraph, graph: Graph, chosen: Look) -> None:
    """The boxes, each with the ellipse of the operation that made it and the edge between them."""
    colors = _colors(drawing, graph, chosen)
    for node, operands in graph.items():
        drawing.node(_name(node), **chosen.box(node), **colors.get(node, {}))
        if chosen.operations and node._op:
            drawing.node(_operation_name(node, chosen), label=nohtml(chosen.operation(node, operands)))
            drawing.edge(_operation_name(node, chosen), _name(node))
        for position, operand in enumerate(operands):
            if chosen.constants and not isinstance(operand, Value):
                drawing.node(_constant_name(node, position), label=f"{{ {operand:g} }}", shape="record")


def _colors(drawing: Digraph, graph: Graph, chosen: Look) -> dict[Value, dict[str, str]]:
    """The fill of each box, and a legend in the drawing."""
    if not chosen.color:
        return {}
    numbers = {node: getattr(node, chosen.color) for node in graph}
    scale = Scale.over(numbers.values())
    if scale.limit:
        end, gap = chosen.number(scale.limit), "&#160;" * 8
        label = f"-{end}{gap}{chosen.color} 0{gap}{end}"
        drawing.node("legend", label=label, fillcolor=scale.stripes(), **look.LEGEND)
    return {node: {"fillcolor": scale.color(number)} for node, number in numbers.items()}


def _add_edges(drawing: Digraph, graph: Graph, chosen: Look) -> None:
    for node, operands in graph.items():
        for source in dict.fromkeys(_sources(node, operands, chosen)):
            drawing.edge(source, _operation_name(node, chosen))


def _sources(node: Value, operands: tuple[Value | float, ...], chosen: Look) -> Iterator[str]:
    for position, operand in enumerate(operands):
        if isinstance(operand, Value):
            yield _name(operand)
        elif chosen.constants:
            yield _constant_name(node, position)


def _name(node: Value) -> str:
    return str(id(node))


def _operation_name(node: Value, chosen: Look) -> str:
    """Where the operands' edges end: the ellipse, or the Value itself where there is none."""
    return _name(node) + name_part(node._op) if chosen.operations else _name(node)


def _constant_name(node: Value, position: int) -> str:
    return f"constant {_name(node)} {position}"
