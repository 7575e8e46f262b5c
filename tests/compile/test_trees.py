"""Nested arguments and results: split into leaves and a structure, and rebuilt."""

from __future__ import annotations

import collections
import re
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import pytest

from fastgrad import Value
from fastgrad.compile.trees import LEAF, Static, as_values, flatten, unflatten


class Point(NamedTuple):
    x: Any
    y: Any


class Stack(list):  # type: ignore[type-arg]
    pass


v, w = Value(1.0), Value(2.0)

TREES: dict[str, tuple[Any, list[Any]]] = {
    "Value": (v, [v]),
    "float": (1.5, [1.5]),
    "int": (3, [3]),
    "numpy scalar": (np.float32(1.5), [1.5]),
    "fraction": (Fraction(1, 2), [Fraction(1, 2)]),
    "decimal": (Decimal("0.5"), [Decimal("0.5")]),
    "list": ([v, 1.0], [v, 1.0]),
    "tuple": ((v, 1.0), [v, 1.0]),
    "one in a list": ([v], [v]),
    "empty": ([], []),
    "empty tuple": ((), []),
    "empty dict": ({}, []),
    "named tuple": (Point(v, [w]), [v, w]),
    "subclass of list": (Stack([v, w]), [v, w]),
    "dict": ({"b": v, "a": w, 3: 1.0}, [v, w, 1.0]),
    "static": ((None, True, "leaf", b"array", v), [v]),
    "nested": ([{"a": (v, [1.0, {"b": w}])}, [[], ()], None], [v, 1.0, w]),
    "same leaf twice": ([v, v], [v, v]),
}


@pytest.mark.parametrize(("tree", "expected"), TREES.values(), ids=TREES)
def test_a_tree_is_taken_apart_and_put_together(tree: Any, expected: list[Any]):
    leaves: list[Any] = []
    structure = flatten(tree, leaves)
    assert leaves == expected
    again = unflatten(structure, iter(leaves))
    assert (type(again), repr(again)) == (type(tree), repr(tree))
    assert [id(leaf) for leaf in leaves] == [id(leaf) for leaf in flatten_again(again)]


def flatten_again(tree: Any) -> list[Any]:
    leaves: list[Any] = []
    flatten(tree, leaves)
    return leaves


def test_a_leaf_alone_has_the_structure_leaf():
    assert flatten(v, []) is flatten(2, []) is LEAF


DIFFERENT = [
    1.0,
    [],
    (),
    {},
    [1.0],
    (1.0,),
    [[1.0]],
    [1.0, 1.0],
    Stack([1.0]),
    Point(1.0, 1.0),
    (1.0, 1.0),
    {"a": 1.0},
    {"b": 1.0},
    {"a": 1.0, "b": 1.0},
    {"b": 1.0, "a": 1.0},
    None,
    True,
    False,
    "leaf",
    "array",
    b"leaf",
    [None],
    ["leaf"],
    np.ones(1),
    np.ones((1, 1)),
    np.ones(2),
    np.ones(0),
    np.ones((0, 1)),
    Static(1),
    Static(1.0),
    Static((1.0,)),
]


def test_different_trees_have_different_structures():
    structures = [flatten(tree, []) for tree in DIFFERENT]
    assert len(set(structures)) == len(DIFFERENT)
    for i, one in enumerate(structures):
        assert [one == other for other in structures] == [i == j for j in range(len(structures))]


def test_equal_trees_have_equal_structures_whatever_their_numbers():
    for tree, other in (
        ([1.0, (v, "a")], [w, (3, "a")]),
        ({"a": np.ones(2)}, {"a": np.array([v, w])}),
        (np.True_, True),
        (np.array(False), False),
        (Static(3), Static(3)),
    ):
        structures = flatten(tree, []), flatten(other, [])
        assert structures[0] == structures[1]
        assert hash(structures[0]) == hash(structures[1])


def test_dicts_keep_their_order_and_other_mappings_become_dicts():
    leaves: list[Any] = []
    structure = flatten(collections.OrderedDict(b=1.0, a=2.0), leaves)
    again = unflatten(structure, iter(leaves))
    assert (type(again), list(again.items())) == (dict, [("b", 1.0), ("a", 2.0)])


@pytest.mark.parametrize("shape", [(1,), (3,), (2, 3), (2, 1, 3), (0,), (2, 0)])
def test_an_array_becomes_its_elements_and_comes_back_of_floats_or_of_objects(shape: tuple[int, ...]):
    numbers = np.arange(float(np.prod(shape))).reshape(shape)
    leaves: list[Any] = []
    structure = flatten(numbers, leaves)
    assert leaves == numbers.ravel().tolist()
    again = unflatten(structure, iter(leaves))
    assert (again.shape, again.dtype) == (shape, float if leaves else object)
    assert again.tolist() == numbers.tolist()
    values = [Value(leaf) for leaf in leaves]
    filled = unflatten(structure, iter(values))
    assert (filled.shape, filled.dtype) == (shape, object)
    assert filled.ravel().tolist() == values


def test_an_array_of_numbers_may_stay_one_leaf():
    numbers, objects = np.arange(6.0).reshape(2, 3), np.array([v, 1.0], dtype=object)
    leaves: list[Any] = []
    flatten([numbers, {"a": numbers.T}, objects], leaves, keep_arrays=True)
    assert [leaf.tolist() for leaf in leaves[:2]] == [[0, 1, 2, 3, 4, 5], [0, 3, 1, 4, 2, 5]]
    assert leaves[2:] == [v, 1.0]


@pytest.mark.parametrize("thing", [object(), {1.0}, 1j, np.complex128(1j), range(3), iter([]), len, Value], ids=repr)
def test_anything_else_is_an_error_that_names_it(thing: Any):
    with pytest.raises(TypeError) as raised:
        flatten({"a": [thing]}, [])
    assert repr(thing) in str(raised.value)
    assert f"of type '{type(thing).__name__}' is neither a number nor a list, tuple" in str(raised.value)


@pytest.mark.parametrize("array", [np.array(["a"]), np.array([1j]), np.array([b"a"]), np.zeros(1, "m8[s]")])
def test_an_array_of_something_else_is_an_error(array: Any):
    for keep_arrays in (False, True):
        with pytest.raises(TypeError, match="must hold real numbers or Values, not " + re.escape(str(array.dtype))):
            flatten([array], [], keep_arrays=keep_arrays)


def test_numbers_become_values_and_values_stay():
    tree = as_values({"a": [1, v, (2.5, None)], "b": np.ones(2), "c": Static(7)})
    assert tree["a"][1] is v
    assert [type(tree["a"][0]), tree["a"][0].data, tree["a"][2][0].data, tree["a"][2][1]] == [Value, 1.0, 2.5, None]
    assert [x.data for x in tree["b"]] == [1.0, 1.0]
    assert tree["c"] == 7
