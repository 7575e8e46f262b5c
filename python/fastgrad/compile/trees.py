"""Split nested arguments and results into leaves and a `TreeDef`, and rebuild trees from them.

Graphs and derivatives work on flat lists of numbers; users pass lists, tuples, dicts and arrays of them.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from fastgrad import _core
from fastgrad.engine import Value

TreeDef = Any  #: a tree without its leaves, hashable: LEAF, or a tuple of a container and the TreeDefs inside it

LEAF = "leaf"


class Static:
    """A part of the tree that is not a leaf and is kept unchanged."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Static) and type(self.value) is type(other.value) and self.value == other.value

    def __hash__(self) -> int:
        return hash(self.value)


def is_array(tree: Any) -> bool:
    return hasattr(tree, "__array_interface__") and getattr(tree, "ndim", 0) > 0


def require_numbers(array: Any) -> None:
    """Check that the array's type is one of real numbers, or of objects.

    Raises:
        TypeError: it is not; converting it to float64 would discard or parse something.
    """
    if array.dtype.kind not in "biufO":
        raise TypeError(f"an array must hold real numbers or Values, not {array.dtype}")


def flatten(tree: Any, leaves: list[Any], *, keep_arrays: bool = False) -> TreeDef:
    """The tree's `TreeDef`. Its leaves are appended to `leaves`, an array as one leaf if `keep_arrays`.

    bool, str, bytes, None and anything marked as `Static` are part of the `TreeDef`, not leaves.

    Raises:
        TypeError: something in the tree is neither a container nor a number.
    """
    if isinstance(tree, (_core.Value, float)):
        leaves.append(tree)
        return LEAF
    if tree is None or isinstance(tree, (bool, str, bytes)):
        return Static(tree)
    if isinstance(tree, Static):
        return tree
    if isinstance(tree, (list, tuple)):
        return (type(tree), *(flatten(item, leaves, keep_arrays=keep_arrays) for item in tree))
    if isinstance(tree, dict):
        items = (flatten(item, leaves, keep_arrays=keep_arrays) for item in tree.values())
        return (dict, tuple(tree), *items)
    if is_array(tree):
        require_numbers(tree)
        if keep_arrays and tree.dtype.kind != "O":
            leaves.append(tree.reshape(-1))
        else:
            leaves.extend(tree.reshape(-1).tolist())
        return ("array", tree.shape)
    if getattr(getattr(tree, "dtype", None), "kind", "") == "b":
        return Static(bool(tree))  # NumPy's bool
    is_complex = isinstance(tree, numbers.Complex) and not isinstance(tree, numbers.Real)
    if hasattr(type(tree), "__float__") and not is_complex:
        leaves.append(tree)
        return LEAF
    raise TypeError(
        f"{tree!r} of type '{type(tree).__name__}' is neither a number nor a list, tuple, dict or array of them"
    )


def unflatten(treedef: TreeDef, leaves: Iterator[Any]) -> Any:
    """The tree with this `TreeDef` and the next leaves; an array of floats if all its leaves are floats."""
    if treedef is LEAF or treedef == LEAF:
        return next(leaves)
    return rebuild(treedef, lambda shape: _as_array(shape, leaves) if shape else next(leaves))


def rebuild(treedef: TreeDef, take: Callable[[tuple[int, ...]], Any]) -> Any:
    """The tree with this `TreeDef`, where `take(shape)` returns each array, and each leaf, whose shape is ()."""
    if treedef is LEAF or treedef == LEAF:
        return take(())
    if isinstance(treedef, Static):
        return treedef.value
    kind = treedef[0]
    if kind == "array":
        return take(treedef[1])
    if kind is dict:
        return {key: rebuild(item, take) for key, item in zip(treedef[1], treedef[2:], strict=True)}
    items: Iterable[Any] = (rebuild(item, take) for item in treedef[1:])
    if hasattr(kind, "_fields"):
        return kind(*items)  # a named tuple
    return kind(items)


def _as_array(shape: tuple[int, ...], leaves: Iterator[Any]) -> Any:
    import numpy as np

    numbers = list(islice(leaves, math.prod(shape)))
    if numbers and all(type(number) is float for number in numbers):
        return np.array(numbers).reshape(shape)
    array = np.empty(len(numbers), dtype=object)
    for position, number in enumerate(numbers):
        array[position] = number
    return array.reshape(shape)


def as_values(tree: Any) -> Any:
    """The tree with each number turned into a Value."""
    leaves: list[Any] = []
    treedef = flatten(tree, leaves)
    return unflatten(treedef, (leaf if isinstance(leaf, _core.Value) else Value(leaf) for leaf in leaves))
