"""Number the Values of a graph, so that large graphs are grouped with lists of ints."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fastgrad._core import Value
from fastgrad.draw.graph import Operands
from fastgrad.draw.scopes import Scopes

__all__ = ["IndexedGraph"]

_ELEMENT = re.compile(r"^\[\d+\]$")  # the symbol of one result of an operation with several, such as softmax


@dataclass(frozen=True)
class IndexedGraph:
    """The Values of a graph by position, operands before results; the last one is the root.

    A leaf belongs to the innermost scope that contains all its users, wherever it was created: the weights of a layer
    are part of the layer.
    """

    values: list[Value]
    symbols: list[str]
    operands: list[list[int]]  # each once
    users: list[list[int]]
    constants: list[int]  # the number of operands that are plain numbers
    scopes: Scopes
    scope_of: list[int]

    @classmethod
    def of(cls, graph: Operands) -> IndexedGraph:
        """The graph that `graph_below` returned."""
        position = {value: i for i, value in enumerate(graph)}
        operands = [[position[x] for x in dict.fromkeys(xs) if isinstance(x, Value)] for xs in graph.values()]
        users: list[list[int]] = [[] for _ in graph]
        for i, xs in enumerate(operands):
            for x in xs:
                users[x].append(i)
        constants = [sum(not isinstance(x, Value) for x in xs) for xs in graph.values()]
        scopes = Scopes()
        scope_of = [scopes.number(value._scope) for value in graph]
        for i, xs in enumerate(operands):
            if not xs and users[i]:
                scope_of[i] = scopes.common([scope_of[user] for user in users[i]])
        symbols = [_ELEMENT.sub("[i]", value._op) or ("unnamed" if xs else "") for value, xs in graph.items()]
        return cls(list(graph), symbols, operands, users, constants, scopes, scope_of)

    def is_leaf(self, i: int) -> bool:
        return not self.operands[i] and not self.constants[i]
