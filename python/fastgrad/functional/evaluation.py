"""One evaluation of a function that is being differentiated."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastgrad import _core
from fastgrad.compile.trees import LEAF, Static, TreeDef, flatten, is_array, rebuild, unflatten
from fastgrad.engine import Value

Argnums = int | Sequence[int]


class _Transform:
    """While a function runs whose derivatives are wanted: operations record, whatever no_grad is around.

    Args:
        inlines: Whether recorded functions, those of `jit` and `vmap`, run as plain Python, so that more than a
            reverse sweep can go through them.
    """

    def __init__(self, inlines: bool) -> None:
        self._inlines = inlines

    def __enter__(self) -> None:
        self._pauses = _core.enter_transform(self._inlines)

    def __exit__(self, *exc_info: object) -> None:
        _core.leave_transform(self._inlines, self._pauses)


class Evaluation:
    """The outputs of a function for fresh variables in the place of the numbers in some of its arguments.

    Derivatives are floats where the arguments are plain numbers. They are Values, connected to the arguments, where
    an argument holds Values, and wherever this runs inside a function that is itself differentiated or recorded.

    Args:
        argnums: The positions of the arguments to differentiate by.
        inlines: As for a transform; derivatives that are Values need it in any case.
        directions: More of what decides whether derivatives are Values.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        argnums: Argnums,
        arguments: Sequence[Any],
        named: Mapping[str, Any],
        *,
        inlines: bool,
        directions: Any = None,
    ) -> None:
        self._name: str = getattr(function, "__name__", type(function).__name__)
        self.as_values = _core.is_transforming() or holds_values((arguments, named, directions))
        self._inlines = inlines or self.as_values
        leaves: list[Any] = []
        structures = {i: flatten(arguments[i], leaves) for i in self._positions(argnums, len(arguments))}
        if not leaves:
            raise TypeError(f"{self._name}() was given no number to differentiate by")
        self.inner: TreeDef = (tuple, *structures.values())
        if isinstance(argnums, int):
            self.inner = self.inner[1]
        with _Transform(self._inlines):
            self.variables, self._oldest = _core.new_variables(leaves)
            following = iter(self.variables)
            given = list(arguments)
            for i, structure in structures.items():
                given[i] = unflatten(structure, following)
            results: list[Any] = []
            self.outer = flatten(function(*given, **named), results)
            self._outputs: list[_core.Value] = [r if isinstance(r, _core.Value) else Value(r) for r in results]

    def _positions(self, argnums: Argnums, count: int) -> list[int]:
        positions = [argnums] if isinstance(argnums, int) else list(argnums)
        for position in positions:
            if not -count <= position < count:
                raise TypeError(f"{self._name}() was given {count} positional arguments, and argnums is {argnums!r}")
        return [position % count for position in positions]

    def require_one_number(self, transform: str, instead: str) -> None:
        """Check that the function has one output.

        Raises:
            TypeError: it has none, or several.
        """
        if self.outer is not LEAF:
            raise TypeError(
                f"{transform}() needs a function that returns one number: {self._name}() returned "
                f"{_description(self.outer, len(self._outputs))}; {instead}"
            )

    def results(self) -> Any:
        """What the function returned: floats, or Values."""
        leaves = _core.as_results(self._outputs) if self.as_values else [output.data for output in self._outputs]
        return unflatten(self.outer, iter(leaves))

    def gradient(self) -> list[Any]:
        """Of the one output, for each variable."""
        if self.as_values:
            return self.linearised(as_values=True).pull([1.0])
        return self.swept([1.0])

    def swept(self, cotangents: list[Any]) -> list[float]:
        """The gradient of sum(cotangents * outputs), by a sweep that also runs what has only a backward."""
        return _core.swept_gradients(self._outputs, cotangents, self.variables)

    def linearised(self, *, as_values: bool, outputs: Sequence[_core.Value] = ()) -> _core.Linearization:
        """How the outputs, or others that were computed from the variables, depend on the variables."""
        return _core.Linearization(outputs or self._outputs, self.variables, self._oldest, as_values=as_values)

    def recorded_gradient(self) -> list[Value]:
        """The gradient of the one output as Values that were computed from the variables."""
        with _Transform(self._inlines):
            return self.linearised(as_values=True).pull([1.0])

    def recorded_slope(self, direction: list[Any]) -> Value:
        """How the one output changes along a direction, as a Value that was computed from the variables."""
        with _Transform(self._inlines):
            slope: Value = self.linearised(as_values=True).push(direction)[0]
        return slope

    def jacobian(self) -> Any:
        """The derivative of each output in each variable: an array of floats or of Values."""
        try:
            return self._rows(self.linearised(as_values=self.as_values), len(self._outputs))
        except _core.Underivable:
            if self.as_values:
                raise
        return self.swept_jacobian()

    def swept_jacobian(self) -> Any:
        """The same by a sweep for each output."""
        import numpy as np

        count = len(self._outputs)
        return np.array([self.swept(_unit(i, count)) for i in range(count)])

    def hessian(self) -> Any:
        """The second derivatives of the one output: an array of floats or of Values."""
        gradient = self.recorded_gradient()
        rows = self._rows(self.linearised(as_values=self.as_values, outputs=gradient), len(gradient))
        for i, row in enumerate(rows):  # symmetric; a recording leaves out what the upper triangle would take
            row[i + 1 :] = rows[i + 1 :, i]
        return rows

    def _rows(self, linearisation: _core.Linearization, count: int) -> Any:
        if not self.as_values:
            return linearisation.jacobian()
        import numpy as np

        width = len(self.variables)
        if count <= width:
            return np.array([linearisation.pull(_unit(i, count)) for i in range(count)], dtype=object)
        return np.array([linearisation.push(_unit(j, width)) for j in range(width)], dtype=object).T


def holds_values(tree: Any) -> bool:
    """Whether there is a Value in nested lists, tuples, dicts and arrays."""
    if isinstance(tree, _core.Value):
        return True
    if isinstance(tree, dict):
        tree = tree.values()
    elif is_array(tree):
        tree = tree.reshape(-1).tolist() if tree.dtype.kind == "O" else ()
    elif not isinstance(tree, (list, tuple)):
        return False
    return any(map(holds_values, tree))


def leaves_like(tree: Any, structure: TreeDef, what: str, like: str) -> list[Any]:
    """The leaves of a tree that must have a given structure.

    Raises:
        ValueError: it has another.
    """
    leaves: list[Any] = []
    if flatten(tree, leaves) != structure:
        raise ValueError(f"{what} must have the structure of {like}, numbers in the same containers, not {tree!r}")
    return leaves


def blocks(outer: TreeDef, inner: TreeDef, rows: Any) -> Any:
    """Derivatives as trees: the outputs' structure around the variables'; arrays get the axes of both."""
    row = 0

    def take_rows(shape: tuple[int, ...]) -> Any:
        nonlocal row
        count = math.prod(shape)
        block = rows[row : row + count]
        row += count
        if not shape:
            return unflatten(inner, iter(block[0].tolist()))
        column = 0

        def take_columns(inner_shape: tuple[int, ...]) -> Any:
            nonlocal column
            width = math.prod(inner_shape)
            part = block[:, column : column + width].reshape(shape + inner_shape)
            column += width
            return part

        return rebuild(inner, take_columns)

    return rebuild(outer, take_rows)


def _unit(position: int, count: int) -> list[Any]:
    return [float(i == position) for i in range(count)]


def _description(structure: TreeDef, count: int) -> str:
    if isinstance(structure, Static):
        return repr(structure.value)
    kind = structure[0] if isinstance(structure[0], str) else structure[0].__name__
    return f"{count} of them in a container of type '{kind}'"
