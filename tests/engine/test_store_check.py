"""The check of the store's invariants: it passes for every kind of node and finds each planted fault."""

from __future__ import annotations

import copy
import ctypes
import pickle

import pytest

import fastgrad
from fastgrad import Graph, Value, scope
from support.checks import check, needs_checks

pytestmark = needs_checks


class Node(ctypes.Structure):
    """The layout in csrc/core/node.hpp."""

    _fields_ = (
        ("data", ctypes.c_double),
        ("grad", ctypes.c_double),
        ("x", ctypes.c_void_p),
        ("y", ctypes.c_void_p),
        ("object", ctypes.c_void_p),
        ("refs", ctypes.c_uint32),
        ("op", ctypes.c_uint8),
        ("flags", ctypes.c_uint8),
        ("scope", ctypes.c_uint16),
    )


class Chunk(ctypes.Structure):
    """The layout in csrc/core/chunk.hpp."""

    _fields_ = (
        ("older", ctypes.c_void_p),
        ("newer", ctypes.c_void_p),
        ("free_list", ctypes.c_void_p),
        ("position", ctypes.c_uint64),
        ("live", ctypes.c_uint32),
        ("used", ctypes.c_uint32),
        ("marked", ctypes.c_uint32 * 2),
    )


def node_of(value: Value) -> Node:
    # After the object's reference count and type.
    pointer = ctypes.c_void_p.from_address(id(value) + object.__basicsize__)
    assert pointer.value is not None
    return Node.from_address(pointer.value)


def chunk_of(value: Value) -> Chunk:
    return Chunk.from_address(ctypes.addressof(node_of(value)) & ~0xFFFF)


def test_it_passes_for_every_kind_of_node_and_holder():
    a, b = Value(2.0, label="a"), Value(3.0)
    check()
    with scope("layer"):
        total = fastgrad.sum([a * b, a**2, 1.5, b])
        chances = fastgrad.softmax([a, total, 0.5])
    own = Value(5.0, (a, total), "own")
    own._backward = lambda: None
    local = Value(7.0, (a, a), (1.0, 2.0))
    check()
    (own * local + chances[1]).backward()
    check()
    twins = copy.deepcopy([total, chances[0]]), pickle.loads(pickle.dumps(total))
    check()
    graph = Graph([total], [a])
    graph([4.0])
    check()
    optimizer = fastgrad.optim.Adam([a, b])
    check()
    del total, chances, own, local, twins, graph, optimizer, a
    check()


FAULTS = [
    ("a reference too many", "refs", lambda refs: refs + 1, "it is held by"),
    ("a lost reference", "refs", lambda refs: refs - 1, "it is held by|live nodes"),
    ("an unknown operation", "op", lambda op: 190, "its operation is unknown|among leaves"),
    ("a mark of a sweep", "flags", lambda flags: flags ^ 4, "a mark of a sweep is pending"),
    ("a mark of a traversal", "flags", lambda flags: flags | 8, "a mark of a traversal is pending"),
    ("a label that nobody keeps", "flags", lambda flags: flags ^ 16, "the labels have it, differ"),
    ("a snapshot that is not there", "flags", lambda flags: flags | 128, "whether a snapshot has it, differ"),
    ("constants that are none", "flags", lambda flags: flags ^ 3, "its constant flags do not go with its operation"),
    ("a scope that nobody entered", "scope", lambda scope: 0xFFFF, "its scope is unknown"),
    ("a lost object", "object", lambda object: None, "it is held by"),
]


@pytest.mark.parametrize("kind", ["leaf", "interior"])
@pytest.mark.parametrize(("member", "change", "message"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
def test_it_finds_a_fault_in_a_node(kind, member, change, message):
    a, b = Value(2.0, label="a"), Value(3.0)
    product = a * b
    node = node_of(a if kind == "leaf" else product)
    before = getattr(node, member)
    setattr(node, member, change(before))
    try:
        with pytest.raises(AssertionError, match=message):
            check()
    finally:
        setattr(node, member, before)
    check()


@pytest.mark.parametrize(("kind", "member"), [("leaf", "live"), ("leaf", "used"), ("interior", "live")])
def test_it_finds_a_fault_in_a_chunk(kind, member):
    a = Value(2.0)
    product = a * a
    chunk = chunk_of(a if kind == "leaf" else product)
    setattr(chunk, member, getattr(chunk, member) - 1)
    try:
        with pytest.raises(AssertionError, match=r"live nodes|an empty leaf chunk|with room|a free slot is not"):
            check()
    finally:
        setattr(chunk, member, getattr(chunk, member) + 1)
    check()


def test_it_finds_operands_in_the_wrong_places():
    a = Value(2.0)
    older = a * a
    newer = older * a
    first, second = node_of(older), node_of(newer)
    kept = first.x
    first.x = ctypes.addressof(second)
    try:
        with pytest.raises(AssertionError, match="an operand is not older"):
            check()
    finally:
        first.x = kept
    check()


def test_the_check_is_refused_during_a_sweep():
    a = Value(2.0)
    out = Value(4.0, (a,), "own")
    out._backward = check
    with pytest.raises(RuntimeError, match="during a sweep"):
        out.backward()
    check()
