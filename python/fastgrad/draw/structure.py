"""Group Values by structure: by their operands and by their users."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field

from fastgrad.draw.indexed_graph import IndexedGraph

__all__ = ["Expressions", "copies", "ends_of_expressions", "leaf_kind"]

MAX_DISTANCE = 4  #: how far away, in expressions, a difference may be that tells two of them apart
RARE = 64  #: a difference farther away than the neighbors counts if it separates a 64th of a group


def ends_of_expressions(graph: IndexedGraph, part_of: Sequence[Hashable]) -> list[int]:
    """For each Value, the Value that ends its expression.

    A result that is used once, by the same operation in the same part of the picture, belongs to the expression of
    its user: a sum of many terms is one expression, and so is a chain of one operation.
    """
    ends = list(range(len(part_of)))
    for i in reversed(range(len(part_of))):
        if len(graph.users[i]) == 1 and not graph.is_leaf(i):
            (user,) = graph.users[i]
            if part_of[i] == part_of[user] and graph.symbols[i] == graph.symbols[user]:
                ends[i] = ends[user]
    return ends


def leaf_kind(scope: int) -> int:
    """The kind of the leaves of a scope. Only kinds of leaves are negative."""
    return -1 - scope


@dataclass(frozen=True)
class Expressions:
    """A graph of expressions, each of some kind.

    Attributes:
        kinds: of each expression; new kinds are numbered from their count on.
        open: the kinds that may be split and joined, with the scope of each.
        operands: of each expression with operands.
        users: of each expression with users.
    """

    kinds: dict[int, int] = field(default_factory=dict)
    open: dict[int, int] = field(default_factory=dict)
    operands: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    users: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))

    def connect(self, operand: int, user: int) -> None:
        """Add an edge, unless it leads from an expression to itself."""
        if operand != user:
            self.operands[user].add(operand)
            self.users[operand].add(user)

    def tell_apart(self, limit: int) -> None:
        """Split kinds, up to ``limit`` of them: expressions differ if the kinds of their operands or users differ.

        This is color refinement, or bisimulation in both directions, over `MAX_DISTANCE` steps. It considers which
        kinds are in the neighborhood, not how many: sums of two terms and of a hundred have the same kind. Near the
        ends of a long chain of repeats the neighborhoods differ, too; expressions that differ only there stay in
        their kind if they are `RARE`.
        """
        count = len(set(self.kinds.values()))
        for distance in range(1, MAX_DISTANCE + 1):
            before = count
            for kind, pieces in self._pieces(least=1 / RARE if distance > 1 else 0.0):
                if count + len(pieces) - 1 <= limit:
                    for piece in pieces[1:]:
                        self.open[count] = self.open[kind]
                        self.kinds.update(dict.fromkeys(piece, count))
                        count += 1
            if count == before:
                break

    def _pieces(self, least: float) -> list[tuple[int, list[list[int]]]]:
        """The expressions of each open kind by their neighborhood, kinds with few pieces first.

        Pieces smaller than that share of their kind stay with the largest one.
        """
        around: dict[int, dict[Hashable, list[int]]] = defaultdict(dict)
        for node, kind in self.kinds.items():
            if kind in self.open:
                key = self._kinds_of(self.operands.get(node, ())), self._kinds_of(self.users.get(node, ()))
                around[kind].setdefault(key, []).append(node)
        pieces = {kind: _with_rare_ones_joined(list(found.values()), least) for kind, found in around.items()}
        return sorted(pieces.items(), key=lambda item: (len(item[1]), item[0]))

    def _kinds_of(self, nodes: Iterable[int]) -> frozenset[int]:
        return frozenset([self.kinds[node] for node in nodes])

    def series(self) -> dict[int, int]:
        """For each open kind, the last kind of its series.

        One kind follows another if each result of the other is used once, by that kind, and that kind uses nothing
        else but leaves: a sum follows its products.
        """
        operands: dict[int, set[int]] = defaultdict(set)
        users: dict[int, set[int]] = defaultdict(set)
        shared: set[int] = set()
        for node, kind in self.kinds.items():
            operands[kind] |= {below for below in self._kinds_of(self.operands.get(node, ())) if below >= 0}
            users[kind] |= self._kinds_of(self.users.get(node, ()))
            if len(self.users.get(node, ())) != 1:  # the final result too, so no series leads back to its beginning
                shared.add(kind)
        follower: dict[int, int] = {}
        for kind in self.open.keys() - shared:
            user = min(users[kind])
            if users[kind] == {user} and operands[user] == {kind} and self.open.get(user) == self.open[kind]:
                follower[kind] = user
        last = {}
        for kind in self.open:
            end = kind
            while end in follower:
                end = follower[end]
            last[kind] = end
        return last


def copies(graph: IndexedGraph, members: Sequence[int]) -> int:
    """How many parts the Values consist of, if these share no edge and have equal operations; otherwise 1."""
    leads_to = {i: i for i in members}

    def part(i: int) -> int:
        while leads_to[i] != i:
            leads_to[i] = leads_to[leads_to[i]]
            i = leads_to[i]
        return i

    for i in members:
        for x in graph.operands[i]:
            if x in leads_to:
                leads_to[part(x)] = part(i)
    operations: dict[int, Counter[str]] = defaultdict(Counter)
    for i in members:
        operations[part(i)][graph.symbols[i]] += 1
    first, *others = operations.values()
    return 1 + len(others) if all(other == first for other in others) else 1


def _with_rare_ones_joined(pieces: list[list[int]], least: float) -> list[list[int]]:
    """The pieces; those smaller than that share of all of them are merged into the largest one."""
    smallest = least * sum(map(len, pieces))
    largest = max(pieces, key=len)
    rare = [piece for piece in pieces if len(piece) < smallest and piece is not largest]
    largest += [node for piece in rare for node in piece]
    return [piece for piece in pieces if piece is largest or len(piece) >= smallest]
