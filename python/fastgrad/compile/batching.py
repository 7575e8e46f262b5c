"""Arrange the arguments of a mapped function as arrays of samples, the form in which a batch is replayed."""

from __future__ import annotations

from typing import Any, cast

from fastgrad import _core
from fastgrad.compile.trees import LEAF, Static, TreeDef, flatten, require_numbers


def samples_of(argument: Any, axis: int, name: str) -> Any:
    """The argument as an array with the samples along its first axis.

    Raises:
        TypeError: it holds anything but numbers and Values.
        ValueError: it does not have this axis, or its samples differ in length.
    """
    import numpy as np

    array = argument if isinstance(argument, np.ndarray) else _as_array(argument)
    require_numbers(array)
    if not -array.ndim <= axis < array.ndim:
        raise ValueError(f"{name}() was told to map over axis {axis} of an argument of shape {array.shape}")
    return np.moveaxis(array, axis, 0) if axis else array


def _as_array(nested: Any) -> Any:
    import numpy as np

    leaves: list[Any] = []
    shape = _shape_of(flatten(nested, leaves))
    if not any(isinstance(leaf, _core.Value) for leaf in leaves):
        return np.array(leaves, dtype=np.float64).reshape(shape)
    array = np.empty(len(leaves), dtype=object)
    for position, leaf in enumerate(leaves):
        array[position] = leaf
    return array.reshape(shape)


def _shape_of(tree: TreeDef) -> tuple[int, ...]:
    if tree is LEAF:
        return ()
    if isinstance(tree, Static) or tree[0] is dict:
        raise ValueError("a mapped argument must be an array, or nested lists of numbers")
    if tree[0] == "array":
        return cast("tuple[int, ...]", tree[1])
    shapes = {_shape_of(item) for item in tree[1:]}
    if len(shapes) > 1:
        raise ValueError(f"the samples of a mapped argument must have one shape, not {sorted(shapes)}")
    return (len(tree) - 1, *(shapes.pop() if shapes else ()))


def numbers_of(rows: Any, offset: int, values: list[tuple[int, int, _core.Value]]) -> Any:
    """The numbers of an array of objects. Its Values are appended to `values`, each with its row and column."""
    import numpy as np

    numbers = np.empty(rows.shape)
    for (row, column), item in np.ndenumerate(rows):
        if isinstance(item, _core.Value):
            values.append((row, offset + column, item))
            numbers[row, column] = item.data
        else:
            numbers[row, column] = _core.stop_gradient(item)  # the float that the item would be as an operand
    return numbers
