"""Pictures of computational graphs, in micrograd's style: `trace`, `draw_dot`, `render`."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

from fastgrad.engine import Value

if TYPE_CHECKING:
    from graphviz import Digraph

__all__ = ["RendererNotFound", "draw_dot", "render", "trace"]


class RendererNotFound(RuntimeError):
    """Neither the ``dot`` program nor pygraphviz is installed."""


def trace(root: Value) -> tuple[set[Value], set[tuple[Value, Value]]]:
    """The graph below ``root``: its Values, and its edges as pairs (operand, result).

    An operand that is used twice by the same result gives one edge. Graphs of any depth are walked.

    Raises:
        TypeError: ``root`` is not a Value.
    """
    graph = _graph(_require_value(root))
    return set(graph), {(operand, node) for node, operands in graph.items() for operand in operands}


def draw_dot(root: Value, format: str = "svg", rankdir: str = "LR", *, max_nodes: int | None = 400) -> Digraph:
    """Draw the graph below ``root``: a box ``label | data | grad`` for each Value, an ellipse for each operation.

    Args:
        root: the result whose graph is drawn.
        format: what the picture is rendered to, as graphviz names it: svg, png, pdf, ...
        rankdir: LR (left to right) or TB (top to bottom).
        max_nodes: the largest number of Values to draw; None for no limit.

    Returns:
        A ``graphviz.Digraph``, which a notebook shows by itself. Nothing is rendered yet: see `render`.

    Raises:
        TypeError: ``root`` is not a Value.
        ValueError: ``rankdir`` or ``format`` is unknown, or the graph has more than ``max_nodes`` Values.
    """
    if rankdir not in ("LR", "TB"):
        raise ValueError(f"rankdir must be 'LR' or 'TB', got {rankdir!r}")
    count = _require_value(root)._node_count()
    if max_nodes is not None and count > max_nodes:
        raise ValueError(
            f"the graph has {count} Values, more than max_nodes={max_nodes}: "
            "draw a smaller part, or give a larger max_nodes (or None for no limit)"
        )
    from graphviz import Digraph, nohtml

    dot = Digraph(format=format, graph_attr={"rankdir": rankdir})
    graph = _graph(root)  # keeps every Value alive while its id stands for it
    for node in graph:
        uid, op = str(id(node)), node._op
        text = f"{{ {_escape_field(node.label)} | data {node.data:.4f} | grad {node.grad:.4f} }}"
        dot.node(name=uid, label=text, shape="record")
        if op:
            dot.node(name=_operation_id(node), label=nohtml(_escape(op)))
            dot.edge(_operation_id(node), uid)
    for node, operands in graph.items():
        for operand in dict.fromkeys(operands):
            dot.edge(str(id(operand)), _operation_id(node))
    return dot


def render(dot: Digraph, format: str | None = None) -> bytes:
    """The picture's bytes, by the ``dot`` program if there is one, else by pygraphviz, which carries its own.

    Args:
        dot: what `draw_dot` returned.
        format: svg, png, ...; the one given to `draw_dot` by default.

    Raises:
        RendererNotFound: neither is installed.
        ValueError: graphviz does not know the format.
    """
    from graphviz import ExecutableNotFound

    try:
        rendered: bytes = dot.pipe(format=format, quiet=True)
        return rendered
    except ExecutableNotFound:
        pass
    try:
        from pygraphviz import AGraph
    except ImportError:
        raise RendererNotFound(
            'no renderer found: install Graphviz (https://graphviz.org/download), or pip install "fastgrad[viz]"'
        ) from None
    with _graphviz_lock:
        rendered = AGraph(string=dot.source).draw(format=format or dot.format, prog="dot")
    return rendered


# pygraphviz runs Graphviz inside this process, and Graphviz has global state.
_graphviz_lock = threading.Lock()


def _require_value(root: object) -> Value:
    if not isinstance(root, Value):
        raise TypeError(f"only a Value can be drawn, got {type(root).__name__}: {root!r:.80}")
    return root


def _graph(root: Value) -> dict[Value, tuple[Value, ...]]:
    """Each Value below ``root`` with its operands: results in the order of creation, leaves before their first use.

    The engine keeps leaves in no order: they take each other's places, and the picture of a cell that is run again
    would be another one.
    """
    graph: dict[Value, tuple[Value, ...]] = {}
    for node in root.topological_order():
        operands = node._operands()
        if operands or node is root:
            for operand in operands:
                graph.setdefault(operand, ())
            graph[node] = operands
    return graph


def _operation_id(node: Value) -> str:
    # In an edge graphviz takes what follows a colon for a port; quotes and backslashes would need quoting.
    return str(id(node)) + re.sub(r"[^ -~]|[:\"\\]", "_", node._op)


def _escape(text: str) -> str:
    r"""``text`` as a Graphviz label that shows it: entities and \n are not taken for markup.

    Control characters, which no SVG may hold, are shown by their pictures (U+2400 ...) or by U+FFFD.
    """
    return re.sub('[\\\\&"\x00-\x1f\x7f-\x9f\ufffe\uffff]', _replacement, text)


def _replacement(match: re.Match[str]) -> str:
    character = match[0]
    known = {"\\": r"\\", "&": "&amp;", '"': "&quot;", "\n": r"\n", "\t": " ", "\x7f": "\u2421"}
    if character in known:
        return known[character]
    return chr(0x2400 + ord(character)) if character < " " else "\ufffd"


def _escape_field(text: str) -> str:
    """``text`` as a field of a record: bars, braces and angles are not taken for structure, no space is lost."""
    text = re.sub(r"[|{}<>]", r"\\\g<0>", _escape(text))
    return re.sub(r"^ | $|(?<= ) ", "&#160;", text)
