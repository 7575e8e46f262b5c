"""Decide which Values of a large graph share a box: by scope, and in open scopes by structure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from fastgrad.draw.indexed_graph import IndexedGraph
from fastgrad.draw.repeats import merged
from fastgrad.draw.scopes import OUTSIDE
from fastgrad.draw.structure import Expressions, ends_of_expressions, leaf_kind

__all__ = ["READABLE", "Group", "Grouping", "grouped"]

READABLE = 40  #: boxes; with more of them a picture is too hard to read for the detail it adds


@dataclass
class Group:
    """Values that share one box.

    Attributes:
        scope: the scope that the box represents or is drawn in.
        is_scope: whether the box represents the scope.
        members: the positions of the Values.
        steps: the kinds of expressions in order, each with its symbol, and the number of expressions of each kind.
    """

    scope: int
    is_scope: bool
    members: list[int] = field(default_factory=list)
    steps: Counter[tuple[Hashable, str]] = field(default_factory=Counter)


class Grouping(NamedTuple):
    """Groups in the order of their first Values, and the number of Values that flow from each group to each other."""

    groups: list[Group]
    flows: Counter[tuple[int, int]]


def grouped(graph: IndexedGraph, depth: int | None, max_nodes: int | None) -> Grouping:
    """The graph as at most ``max_nodes`` groups; None for no limit.

    A closed scope is a group. The Values of an open scope itself are drawn one by one if the picture stays
    `READABLE`, and grouped by structure otherwise.

    Args:
        graph: the graph.
        depth: how many levels of scopes are open. By default scopes that contain others are opened from the outside
            in while the picture stays `READABLE`.
        max_nodes: the largest number of groups.

    Raises:
        ValueError: at that depth there are more scopes and kinds of operations than ``max_nodes``.
    """
    scope_of = merged(graph)
    cut = _Cut(graph, scope_of)
    limit = len(graph.values) if max_nodes is None else max_nodes
    closed = cut.readable(limit) if depth is None else cut.closed(depth)
    if cut.count(closed) > limit:
        raise ValueError(
            f"the graph has {cut.count(closed):,} scopes and kinds of operations at depth={depth}, more than "
            f"max_nodes={max_nodes}: give a smaller depth, or a larger max_nodes"
        )
    return _Groups(graph, scope_of, closed, limit).grouping()


class _Cut:
    """The contents of a picture when the scopes down to some depth are open."""

    def __init__(self, graph: IndexedGraph, scope_of: list[int]) -> None:
        self._scopes = graph.scopes
        self._contents = dict.fromkeys(zip(scope_of, graph.symbols, strict=True))  # each operation of each scope
        self._used = {scope for scope, _ in self._contents}
        self._around = {around for scope in self._used for around in self._scopes.chain(scope)[1:]} | {OUTSIDE}

    def closed(self, depth: int) -> dict[int, int]:
        """The outermost closed scope for each scope that is inside one, or is one."""
        depths = self._scopes.depths
        return {scope: self._scopes.at_depth(scope, depth) for scope in self._used if depths[scope] >= depth}

    def count(self, closed: dict[int, int]) -> int:
        """The number of closed scopes, and of different operations in each open one."""
        return len({(closed[scope], "") if scope in closed else (scope, symbol) for scope, symbol in self._contents})

    def readable(self, limit: int) -> dict[int, int]:
        """The closed scopes of the default picture; scopes without scopes inside are never open."""
        innermost = {scope: scope for scope in self._used - self._around}
        if self.count(innermost | self.closed(1)) > limit:
            return self.closed(0)
        depth, deepest = 1, max(self._scopes.depths[scope] for scope in self._used)
        while depth < deepest and self.count(innermost | self.closed(depth + 1)) <= min(limit, READABLE):
            depth += 1
        return innermost | self.closed(depth)


class _Groups:
    """The Values of a graph by groups, with some scopes closed."""

    def __init__(self, graph: IndexedGraph, scope_of: list[int], closed: dict[int, int], limit: int) -> None:
        self._graph, self._scope_of, self._limit = graph, scope_of, limit
        self._box = [closed.get(scope) for scope in scope_of]  # the closed scope that contains each Value
        self._ends = list(range(len(scope_of)))  # of expressions

    def grouping(self) -> Grouping:
        graph = self._graph
        apart = [1 + graph.constants[i] for i, box in enumerate(self._box) if box is None]
        is_large = len(set(self._box) - {None}) + sum(apart) > min(self._limit, READABLE)
        parts, kinds = self._by_structure() if is_large else (self._each_alone(),) * 2
        groups: dict[Hashable, Group] = {}
        number_of: dict[Hashable, int] = {}
        for i, part in enumerate(parts):
            box = self._box[i]
            number_of.setdefault(part, len(number_of))
            group = groups.setdefault(part, Group(self._scope_of[i] if box is None else box, box is not None))
            group.members.append(i)
            if self._ends[i] == i and not graph.is_leaf(i):
                group.steps[kinds[i], graph.symbols[i]] += 1
        flows = Counter(
            (number_of[parts[i]], number_of[part])
            for i, users in enumerate(graph.users)
            for part in dict.fromkeys(
                parts[user] for user in users if parts[user] != parts[i] or self._repeats(i, user, kinds)
            )
        )
        return Grouping(list(groups.values()), flows)

    def _repeats(self, i: int, user: int, kinds: Sequence[Hashable]) -> bool:
        """Whether an expression is used by another of its kind, considering where each is drawn."""
        is_expression = self._box[i] is None and not self._graph.is_leaf(i)
        return is_expression and kinds[user] == kinds[i] and self._ends[user] != self._ends[i]

    def _each_alone(self) -> list[Hashable]:
        return [("value", i) if box is None else ("scope", box) for i, box in enumerate(self._box)]

    def _by_structure(self) -> tuple[list[Hashable], list[Hashable]]:
        """The group of each Value, and the kind of its expression: a group is a series of kinds."""
        graph = self._graph
        self._ends = ends_of_expressions(graph, list(zip(self._box, self._scope_of, strict=True)))
        expressions = self._expressions()
        expressions.tell_apart(min(self._limit, 2 * READABLE))
        numbers = [expressions.kinds[node] for node in self._nodes()]
        last = expressions.series() if len(set(numbers)) > READABLE else {}
        parts: list[Hashable] = [last.get(kind, kind) for kind in numbers]
        kinds: list[Hashable] = [*numbers]
        self._place_leaves(parts, kinds)
        return parts, kinds

    def _nodes(self) -> list[int]:
        """The representative of each Value: the end of its expression, or the closed scope as a negative number."""
        return [end if box is None else -1 - box for end, box in zip(self._ends, self._box, strict=True)]

    def _expressions(self) -> Expressions:
        graph, nodes = self._graph, self._nodes()
        numbers: dict[Hashable, int] = {}
        expressions = Expressions()
        for i, node in enumerate(nodes):
            if self._box[i] is not None:
                expressions.kinds[node] = numbers.setdefault(node, len(numbers))
            elif graph.is_leaf(i):
                expressions.kinds[node] = leaf_kind(self._scope_of[i])
            else:
                kind = numbers.setdefault((self._scope_of[i], graph.symbols[i]), len(numbers))
                expressions.kinds[node] = kind
                expressions.open[kind] = self._scope_of[i]
        for i, operands in enumerate(graph.operands):
            for x in operands:
                expressions.connect(nodes[x], nodes[i])
        return expressions

    def _place_leaves(self, parts: list[Hashable], kinds: list[Hashable]) -> None:
        """Add leaves that only one group of an open scope uses to that group; group the others by their users."""
        graph, sizes = self._graph, Counter(parts)
        shared: dict[int, frozenset[Hashable]] = {}
        for i, box in enumerate(self._box):
            if box is None and graph.is_leaf(i):
                used_by = frozenset([parts[user] for user in graph.users[i]])
                (first, *others), user = used_by, graph.users[i][0]
                if others or sizes[first] == 1 or self._box[user] is not None:
                    shared[i] = used_by
                else:
                    parts[i] = kinds[i] = first
        placed = {part for i, part in enumerate(parts) if i not in shared}
        fits = len(placed) + len({(self._scope_of[i], used_by) for i, used_by in shared.items()}) <= self._limit
        for i, used_by in shared.items():
            parts[i] = kinds[i] = ("leaves", self._scope_of[i], used_by if fits else None)
