"""The DOT text of a graph: a box for each Value, an ellipse for each operation, as micrograd's lecture draws them.

A large graph is drawn by groups: see `fastgrad.draw.group_view`.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Literal

from fastgrad import _core
from fastgrad._core import Value
from fastgrad.draw import node_view
from fastgrad.draw.digraph import Digraph
from fastgrad.draw.graph import Operands, expanded, graph_below, has_at_most, require_value
from fastgrad.draw.group_view import add_groups
from fastgrad.draw.style import EDGE, FIELDS, GRAPH, NODE, Style

__all__ = ["MAX_NODES", "draw_dot"]

MAX_NODES = 400

NOTE = "every gradient is 0 until backward() runs"


def draw_dot(
    root: Value,
    format: str = "svg",
    rankdir: str = "LR",
    *,
    max_nodes: int | None = MAX_NODES,
    depth: int | None = None,
    show: Iterable[str] = FIELDS,
    color: Literal["data", "grad"] | None = None,
    constants: bool = True,
    precision: int = 4,
    expand: bool = False,
) -> Digraph:
    """Draw the graph below ``root``: a box ``label | data | grad`` for each Value, an ellipse for each operation.

    A constant, such as the 2 of ``x * 2``, is a box with its number. While every gradient is 0 a line below the
    picture says that ``backward()`` fills them in. The picture is readable on white and on black.

    A graph of more than ``max_nodes`` Values is drawn by groups: a box for each scope (see `fastgrad.scope`; modules
    open theirs), and a frame around what lies in a scope that is open. Values outside closed scopes are grouped by
    structure. A box says how many Values it stands for, how often each operation occurs, and from where to where
    data and grad reach; an edge, how many Values flow along it.

    Args:
        root: the result whose graph is drawn.
        format: what the picture is rendered to, as graphviz names it: svg, png, pdf, ...
        rankdir: LR (left to right) or TB (top to bottom).
        max_nodes: the largest number of Values to draw one by one, constants among them, and of groups; None for no
            limit.
        depth: how many levels of scopes are open, in a small graph too; 0 is one box for the whole graph. By default
            as many as leave a large graph readable.
        show: what is shown, any of label, data, grad and op; without op, operands point to their results.
        color: data or grad, to fill the boxes by it: blue below zero, white at zero, orange above; a group by the
            number farthest from zero. A legend is added.
        constants: False writes constants into the operation's ellipse, as in ``* 2``; those of an operation on a
            sequence are left out.
        precision: digits after the point of data and grad, 0 to 17.
        expand: True draws what operations on sequences are made of: the products and sums of a ``dot``.

    Returns:
        A ``graphviz.Digraph``, which a notebook shows by itself. Nothing is rendered yet: `Digraph.render` writes a
        file, `Digraph.pipe` gives the bytes.

    Raises:
        TypeError: ``root`` is not a Value, ``depth`` is not an int, or a function that draws is being recorded by
            ``jit`` or ``vmap``.
        ValueError: an argument has none of the values above, or even the groups are more than ``max_nodes``.
    """
    if rankdir not in ("LR", "TB"):
        raise ValueError(f"rankdir must be 'LR' or 'TB', got {rankdir!r}")
    style = Style.of(show, color, constants, precision)
    _core.refuse_while_tracing("draw_dot()")
    if expand:
        root = expanded(require_value(root))
    levels = _require_depth(depth)
    if max_nodes is not None and max_nodes < 1:
        raise ValueError(f"max_nodes must be 1 or more, got {max_nodes}")
    is_small = max_nodes is None or has_at_most(require_value(root), max_nodes)
    graph = graph_below(require_value(root))  # keeps every Value alive while its id stands for it
    drawing = Digraph(format=format, graph_attr={**GRAPH, "rankdir": rankdir}, node_attr=NODE, edge_attr=EDGE)
    if "grad" in style.fields and graph[root] and not any(node.grad for node in graph):
        drawing.graph_attr["label"] = NOTE
    if levels is None and is_small:
        _add_values(drawing, graph, style)
    else:
        add_groups(drawing, graph, style, levels, max_nodes)
    return drawing


def _require_depth(depth: int | None) -> int | None:
    if depth is None:
        return None
    try:
        levels = operator.index(depth)
    except TypeError:
        raise TypeError(f"depth must be an int or None, got {type(depth).__name__}: {depth!r:.80}") from None
    if levels < 0:
        raise ValueError(f"depth must be 0 or more, got {levels}")
    return levels


def _add_values(drawing: Digraph, graph: Operands, style: Style) -> None:
    """Draw every Value."""
    fills = style.fills(drawing, {node: getattr(node, style.color) for node in graph} if style.color else {})
    for node, operands in graph.items():
        node_view.add_value(drawing, node, operands, style, fills.get(node, {}))
    for node, operands in graph.items():
        for source in dict.fromkeys(operand for operand in operands if isinstance(operand, Value)):
            drawing.edge(node_view.name(source), node_view.entrance(node, style))
