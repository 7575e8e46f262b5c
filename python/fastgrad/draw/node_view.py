"""Draw one Value: its box, the ellipse of the operation that made it, and the boxes of its constants."""

from __future__ import annotations

from graphviz import nohtml

from fastgrad._core import Value
from fastgrad.draw.digraph import Digraph
from fastgrad.draw.style import Style
from fastgrad.draw.text import name_part

__all__ = ["add_value", "entrance", "name"]


def add_value(
    drawing: Digraph, node: Value, operands: tuple[Value | float, ...], style: Style, fill: dict[str, str]
) -> None:
    """Draw a Value, without the edges from its operands."""
    drawing.node(name(node), **style.box(node), **fill)
    if style.operations and node._op:
        drawing.node(entrance(node, style), label=nohtml(style.operation(node, operands)))
        drawing.edge(entrance(node, style), name(node))
    for position, operand in enumerate(operands):
        if not isinstance(operand, Value) and style.constants:
            constant = f"constant {name(node)} {position}"
            drawing.node(constant, label=f"{{ {operand:g} }}", shape="record")
            drawing.edge(constant, entrance(node, style))


def name(node: Value) -> str:
    """The name of the Value's box."""
    return str(id(node))


def entrance(node: Value, style: Style) -> str:
    """The target of the operands' edges: the ellipse, or the Value itself if there is none."""
    return name(node) + name_part(node._op) if style.operations else name(node)
