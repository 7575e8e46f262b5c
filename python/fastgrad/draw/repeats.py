"""Merge scopes that repeat each other, such as the neurons of a layer, so that one box can represent them."""

from __future__ import annotations

import re
from collections import Counter

from fastgrad.draw.indexed_graph import IndexedGraph
from fastgrad.draw.scopes import OUTSIDE

__all__ = ["merged"]


def merged(graph: IndexedGraph) -> list[int]:
    """The scope of each Value after repeated siblings were merged, as `Scopes.repeats` and ``parents`` then record.

    Siblings repeat each other if their names differ only in numbers and they have the same structure: how often each
    operation occurs, how many Values flow in and out, and the structures of the scopes inside.
    """
    scopes, structures = graph.scopes, _structures(graph)
    first: dict[tuple[int, int], int] = {}
    stands_for = [OUTSIDE] * len(scopes)
    for scope in range(1, len(scopes)):
        parent = scopes.parents[scope] = stands_for[scopes.parents[scope]]
        stands_for[scope] = first.setdefault((parent, structures[scope]), scope)
    many = Counter(stands_for)
    for scope in range(1, len(scopes)):
        scopes.repeats[scope] = many[stands_for[scope]] // many[scopes.parents[scope]]
    return [stands_for[scope] for scope in graph.scope_of]


def _structures(graph: IndexedGraph) -> list[int]:
    """A number for each scope, equal for scopes that repeat each other if they are siblings."""
    scopes = graph.scopes
    operations: list[Counter[str]] = [Counter() for _ in range(len(scopes))]
    for scope, symbol in zip(graph.scope_of, graph.symbols, strict=True):
        operations[scope][symbol] += 1
    flows_in, flows_out = _flows(graph)
    inside: list[Counter[int]] = [Counter() for _ in range(len(scopes))]
    known: dict[object, int] = {}
    structures = [0] * len(scopes)
    for scope in reversed(range(1, len(scopes))):
        structure = (
            re.sub(r"\d+", "*", scopes.names[scope]),
            frozenset(operations[scope].items()),
            frozenset(inside[scope].items()),
            flows_in[scope],
            flows_out[scope],
        )
        structures[scope] = known.setdefault(structure, len(known))
        inside[scopes.parents[scope]][structures[scope]] += 1
    return structures


def _flows(graph: IndexedGraph) -> tuple[Counter[int], Counter[int]]:
    """How many Values flow into each scope, and how many out of it."""
    scope_of, scopes = graph.scope_of, graph.scopes
    flows = Counter(
        (scope, frozenset([scope_of[user] for user in users]))
        for scope, users in zip(scope_of, graph.users, strict=True)
    )
    flows_in: Counter[int] = Counter()
    flows_out: Counter[int] = Counter()
    for (source, targets), count in flows.items():
        around = scopes.chain(source)
        reached = [set(scopes.chain(target)) for target in targets]
        for scope in set().union(*reached).difference(around):
            flows_in[scope] += count
        for scope in around:
            if not all(scope in chain for chain in reached):
                flows_out[scope] += count
    return flows_in, flows_out
