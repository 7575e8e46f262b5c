"""Walk the graph below a root in a reproducible order, for drawings and the player."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from fastgrad import _core
from fastgrad._core import Value

__all__ = ["Operands", "expanded", "graph_below", "has_at_most", "require_value", "trace"]

Operand = TypeVar("Operand", bound="Value | float")

#: Each Value with its operands, which come before it; a constant is a float.
Operands = dict[Value, tuple["Value | float", ...]]


def trace(root: Value) -> tuple[set[Value], set[tuple[Value, Value]]]:
    """The graph below ``root``: its Values, and its edges as pairs (operand, result).

    An operand that is used twice by the same result gives one edge. Constants become leaves. Graphs of any depth are
    supported.

    Raises:
        TypeError: ``root`` is not a Value.
    """
    graph = _walk(require_value(root), Value._operands)
    return set(graph), {(operand, node) for node, operands in graph.items() for operand in operands}


def graph_below(root: Value) -> Operands:
    """The graph below ``root``, in an order that depends only on the expression.

    The engine's order does not, because it keeps leaves in no order: running a notebook cell again would change its
    picture.
    """
    return _walk(root, Value._operands_or_constants)


def expanded(root: Value) -> Value:
    """``root`` with sequence operations replaced by ordinary ones; ``root`` itself if there are none.

    New Values get the gradients of a sweep from ``root`` with its current gradient. No other gradient changes.
    """
    twin = _core.expanded(root)
    if twin is not root and root.grad:
        gradients = {node: node.grad for node in graph_below(root)}
        twin.backward(root.grad)
        for node, gradient in gradients.items():
            node.grad = gradient
    return twin


def _walk(root: Value, operands_of: Callable[[Value], tuple[Operand, ...]]) -> dict[Value, tuple[Operand, ...]]:
    graph: dict[Value, tuple[Operand, ...]] = {}
    todo = [root]
    while todo:
        node = todo[-1]
        operands = operands_of(node)
        missing = [operand for operand in operands if isinstance(operand, Value) and operand not in graph]
        if missing:
            todo.extend(reversed(missing))
        else:
            graph[node] = operands
            todo.pop()
    return graph


def has_at_most(root: Value, limit: int) -> bool:
    """Whether the graph below ``root`` has at most ``limit`` Values, including constants."""
    seen, todo, constants = {root}, [root], 0
    while todo and len(seen) + constants <= limit:
        for operand in todo.pop()._operands_or_constants():
            if not isinstance(operand, Value):
                constants += 1
            elif operand not in seen:
                seen.add(operand)
                todo.append(operand)
    return len(seen) + constants <= limit


def require_value(root: object) -> Value:
    """``root``, if it is a Value.

    Raises:
        TypeError: it is not.
    """
    if not isinstance(root, Value):
        raise TypeError(f"only a Value can be drawn, got {type(root).__name__}: {root!r:.80}")
    return root
