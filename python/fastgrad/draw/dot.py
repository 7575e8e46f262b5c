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

    A constant, such as the 2 of ``x * 2``, is a box with its number. As long as every gradient is 0, a line below the
    picture says that ``backward()`` computes them. The picture is readable on white and on black.

    A graph of more than ``max_nodes`` Values is drawn by groups: a box for each scope (see `fastgrad.scope`; modules
    open scopes), and a frame around the contents of each open scope. Values outside closed scopes are grouped by
    structure. A box shows how many Values it contains, how often each operation occurs, and the ranges of data and
    grad; an edge shows how many Values flow along it.

    Args:
        root: the result whose graph is drawn.
        format: the format of the rendered picture, as graphviz names it: svg, png, pdf, ...
        rankdir: LR (left to right) or TB (top to bottom).
        max_nodes: the largest number of Values to draw one by one, including constants, and the largest number of
            groups; None for no limit.
        depth: how many levels of scopes are open, even in a small graph; 0 draws one box for the whole graph. By
            default as many as keep a large graph readable.
        show: what to show, any of label, data, grad and op; without op, edges lead from operands to results directly.
        color: data or grad, to fill the boxes by it: blue below zero, white at zero, orange above. A group gets the
            color of the number farthest from zero. A legend is added.
        constants: False writes constants into the operation's ellipse, as in ``* 2``, and omits those of sequence
            operations.
        precision: digits after the point of data and grad, 0 to 17.
        expand: True draws the operations that sequence operations stand for: the products and sums of a ``dot``.

    Returns:
        A ``graphviz.Digraph``, which a notebook displays. Nothing is rendered yet: `Digraph.render` writes a file,
        `Digraph.pipe` returns the bytes.

    Raises:
        TypeError: ``root`` is not a Value, ``depth`` is not an int, or the call is inside a function that is being
            recorded by ``jit`` or ``vmap``.
        ValueError: an argument has none of the values above, or there are more groups than ``max_nodes``.
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
    graph = graph_below(require_value(root))  # keeps every Value alive while its id represents it
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
