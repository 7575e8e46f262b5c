"""How one Value is drawn: its box, the ellipse of the operation that made it, and the boxes of its constants."""

from __future__ import annotations

from graphviz import nohtml

from fastgrad.draw.digraph import Digraph
from fastgrad.draw.look import Look
from fastgrad.draw.text import name_part
from fastgrad.engine import Value

__all__ = ["add_value", "entrance", "name"]


def add_value(
    drawing: Digraph, node: Value, operands: tuple[Value | float, ...], chosen: Look, fill: dict[str, str]
) -> None:
    """Draw a Value, but for the edges from the Values that it is made of."""
    drawing.node(name(node), **chosen.box(node), **fill)
    if chosen.operations and node._op:
        drawing.node(entrance(node, chosen), label=nohtml(chosen.operation(node, operands)))
        drawing.edge(entrance(node, chosen), name(node))
    for position, operand in enumerate(operands):
        if not isinstance(operand, Value) and chosen.constants:
            constant = f"constant {name(node)} {position}"
            drawing.node(constant, label=f"{{ {operand:g} }}", shape="record")
            drawing.edge(constant, entrance(node, chosen))


def name(node: Value) -> str:
    """The name of the Value's box."""
    return str(id(node))


def entrance(node: Value, chosen: Look) -> str:
    """Where the operands' edges end: the ellipse, or the Value itself where there is none."""
    return name(node) + name_part(node._op) if chosen.operations else name(node)
