"""Expressions to draw, drawings written by users, and pictures parsed as graphs."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import deque
from collections.abc import Callable

import graphviz

from fastgrad.draw import RendererNotFound, draw_dot
from fastgrad.engine import Value

# ---- expressions


def chain_of_products() -> Value:
    a, b, c = Value(2.0, label="a"), Value(-3.0, label="b"), Value(10.0, label="c")
    e = a * b
    e.label = "e"
    d = e + c
    d.label = "d"
    loss = d * Value(-2.0, label="f")
    loss.label = "L"
    return loss


def product_plus_a_number() -> Value:
    a, b, c = Value(2.0, label="a"), Value(-3.0, label="b"), Value(10.0, label="c")
    return a * b + c


def weighted_sum() -> Value:
    x1, x2 = Value(2.0, label="x1"), Value(0.0, label="x2")
    w1, w2 = Value(-3.0, label="w1"), Value(1.0, label="w2")
    x1w1, x2w2 = x1 * w1, x2 * w2
    x1w1.label, x2w2.label = "x1*w1", "x2*w2"
    total = x1w1 + x2w2
    total.label = "x1*w1 + x2*w2"
    n = total + Value(6.88137358, label="b")
    n.label = "n"
    return n


def neuron() -> Value:
    o = weighted_sum().tanh()
    o.label = "o"
    return o


def neuron_from_exponentials() -> Value:
    e = (2 * weighted_sum()).exp()
    return (e - 1) / (e + 1)


def product_with_a_sum() -> Value:
    a, b, c, d = (Value(x, label=name) for x, name in ((-2.0, "a"), (10.0, "b"), (2.0, "c"), (-3.0, "d")))
    e = c * d
    e.label = "cd"
    f = b + e
    f.label = "b+cd"
    return a * f


def squares() -> Value:
    a = Value(3.0, label="a")
    return a * a + a**2


def custom_operations() -> Value:
    a, b = Value(3.0, label="a"), Value(4.0)
    return Value(5.0, (a, b), "hypotenuse") + Value(7.0, (a, b))


# First the drawings of the lecture and its retellings, then others.
LESSONS: list[Callable[[], Value]] = [
    chain_of_products, product_plus_a_number, weighted_sum, neuron, neuron_from_exponentials, product_with_a_sum,
]  # fmt: skip
EXPRESSIONS = [*LESSONS, squares, custom_operations, lambda: Value(1.0)]

# ---- drawings written by users


def recursive_trace(root: Value) -> tuple[set[Value], set[tuple[Value, Value]]]:
    nodes, edges = set(), set()

    def visit(value: Value) -> None:
        if value in nodes:
            return
        nodes.add(value)
        for operand in value._prev:
            edges.add((operand, value))
            visit(operand)

    visit(root)
    return nodes, edges


def recursive_drawing(root: Value) -> graphviz.Digraph:
    """The lecture's drawing, in the order of sets."""
    dot = graphviz.Digraph(format="svg", graph_attr={"rankdir": "LR"})
    nodes, edges = recursive_trace(root)
    for n in nodes:
        me = str(id(n))
        dot.node(me, "{ %s | data %.4f | grad %.4f }" % (n.label, n.data, n.grad), shape="record")  # noqa: UP031
        if n._op:
            dot.node(me + n._op, n._op)
            dot.edge(me + n._op, me)
    for operand, result in edges:
        dot.edge(str(id(operand)), str(id(result)) + result._op)
    return dot


def breadth_first_drawing(root: Value) -> graphviz.Digraph:
    """A retelling's drawing: uses a queue, and draws a Value twice that is used twice."""
    dot = graphviz.Digraph(format="svg", graph_attr={"rankdir": "LR"})
    queue = deque([root])
    while queue:
        value = queue.popleft()
        me = str(id(value))
        dot.node(me, f"{value.label} | value: {value.data:.4f} | gradient: {value.grad:.4f}", shape="record")
        if value._op:
            dot.node(me + value._op, value._op)
            dot.edge(me + value._op, me)
            for operand in value._prev:
                dot.edge(str(id(operand)), me + value._op)
                queue.append(operand)
    return dot


# ---- pictures

SVG = "{http://www.w3.org/2000/svg}"


def has_renderer() -> bool:
    try:
        draw_dot(Value(1.0)).pipe()
    except RendererNotFound:
        return False
    return True


def texts(svg: bytes | str) -> list[str]:
    """The lines of text in a picture."""
    found = ["".join(text.itertext()) for text in ET.fromstring(svg).iter(SVG + "text")]
    return [text.replace("\N{NO-BREAK SPACE}", " ") for text in found]


def parts(svg: bytes | str, kind: str) -> list[str]:
    """The titles of the nodes or edges in a picture."""
    groups = ET.fromstring(svg).iter(SVG + "g")
    return [group.findtext(SVG + "title", "") for group in groups if group.get("class") == kind]


def graph_in(svg: bytes | str) -> tuple[set[str], set[tuple[str, ...]]]:
    """The picture's nodes, and its edges from tail to head."""
    return set(parts(svg, "node")), {tuple(title.split("->")) for title in parts(svg, "edge")}
