"""`Evaluation`: run a function once on new variables. Every derivative of the package is computed from one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastgrad import _core
from fastgrad.compile.trees import LEAF, Static, TreeDef, flatten, is_array, rebuild, unflatten
from fastgrad.engine import Value

Argnums = int | Sequence[int]


class _Transform:
    """Entered while the function to differentiate runs: operations record, even inside no_grad.

    Args:
        trace_through_jit: Whether recorded functions, those of `jit` and `vmap`, run as plain Python, so that other
            transforms than a reverse sweep can go through them.
    """

    def __init__(self, trace_through_jit: bool) -> None:
        self._trace_through_jit = trace_through_jit

    def __enter__(self) -> None:
        self._pauses = _core.enter_transform(self._trace_through_jit)

    def __exit__(self, *exc_info: object) -> None:
        _core.leave_transform(self._trace_through_jit, self._pauses)


class Evaluation:
    """The outputs of a function, with new variables in place of the numbers in some of its arguments.

    Derivatives are floats if the arguments are plain numbers. They are Values, connected to the arguments, if an
    argument holds Values, or inside a function that is itself differentiated or recorded.

    Args:
        argnums: The positions of the arguments to differentiate by.
        trace_through_jit: As for a transform; derivatives that are Values always need it.
        directions: Further trees that make derivatives Values if they hold Values.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        argnums: Argnums,
        arguments: Sequence[Any],
        named: Mapping[str, Any],
        *,
        trace_through_jit: bool,
        directions: Any = None,
    ) -> None:
        self._name: str = getattr(function, "__name__", type(function).__name__)
        self.as_values = _core.is_transforming() or holds_values((arguments, named, directions))
        self._trace_through_jit = trace_through_jit or self.as_values
        leaves: list[Any] = []
        in_trees = {i: flatten(arguments[i], leaves) for i in self._positions(argnums, len(arguments))}
        if not leaves:
            raise TypeError(f"{self._name}() was given no number to differentiate by")
        self.in_tree: TreeDef = (tuple, *in_trees.values())
        if isinstance(argnums, int):
            self.in_tree = self.in_tree[1]
        with _Transform(self._trace_through_jit):
            self.variables, self._since = _core.new_variables(leaves)
            following = iter(self.variables)
            given = list(arguments)
            for i, in_tree in in_trees.items():
                given[i] = unflatten(in_tree, following)
            results: list[Any] = []
            self.out_tree = flatten(function(*given, **named), results)
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
            TypeError: it has none or several.
        """
        if self.out_tree is not LEAF:
            raise TypeError(
                f"{transform}() needs a function that returns one number: {self._name}() returned "
                f"{_description(self.out_tree, len(self._outputs))}; {instead}"
            )

    def results(self) -> Any:
        """The function's result: floats or Values."""
        leaves = _core.as_results(self._outputs) if self.as_values else [output.data for output in self._outputs]
        return unflatten(self.out_tree, iter(leaves))

    def gradient(self) -> list[Any]:
        """The gradient of the only output with respect to each variable."""
        if self.as_values:
            return self.linearized(as_values=True).pull([1.0])
        return self.swept([1.0])

    def swept(self, cotangents: list[Any]) -> list[float]:
        """The gradient of sum(cotangents * outputs), by a sweep, which also calls custom `_backward` functions."""
        return _core.swept_gradients(self._outputs, cotangents, self.variables)

    def linearized(self, *, as_values: bool, outputs: list[Value] | None = None) -> _core.Linearization:
        """How the outputs, or others computed from the variables, depend on the variables."""
        return _core.Linearization(outputs or self._outputs, self.variables, self._since, as_values=as_values)

    def recorded_gradient(self) -> list[Value]:
        """The gradient of the only output, as Values computed from the variables."""
        with _Transform(self._trace_through_jit):
            return self.linearized(as_values=True).pull([1.0])

    def recorded_slope(self, direction: list[Any]) -> Value:
        """The derivative of the only output along a direction, as a Value computed from the variables."""
        with _Transform(self._trace_through_jit):
            slope: Value = self.linearized(as_values=True).push(direction)[0]
        return slope

    def jacobian(self) -> Any:
        """The derivative of each output in each variable: an array of floats or Values."""
        try:
            return self._rows(self.linearized(as_values=self.as_values), len(self._outputs))
        except _core.Underivable:
            if self.as_values:
                raise
        return self.swept_jacobian()

    def swept_jacobian(self) -> Any:
        """The same, by one sweep for each output."""
        import numpy as np

        count = len(self._outputs)
        return np.array([self.swept(_unit(i, count)) for i in range(count)])

    def hessian(self) -> Any:
        """The second derivatives of the only output: an array of floats or Values."""
        gradient = self.recorded_gradient()
        rows = self._rows(self.linearized(as_values=self.as_values, outputs=gradient), len(gradient))
        for i, row in enumerate(rows):  # symmetric: a recording drops what only the upper triangle needs
            row[i + 1 :] = rows[i + 1 :, i]
        return rows

    def _rows(self, linearization: _core.Linearization, count: int) -> Any:
        if not self.as_values:
            return linearization.jacobian()
        import numpy as np

        width = len(self.variables)
        if count <= width:
            return np.array([linearization.pull(_unit(i, count)) for i in range(count)], dtype=object)
        return np.array([linearization.push(_unit(j, width)) for j in range(width)], dtype=object).T


def holds_values(tree: Any) -> bool:
    """Whether nested lists, tuples, dicts and arrays contain a Value."""
    if isinstance(tree, _core.Value):
        return True
    if isinstance(tree, dict):
        tree = tree.values()
    elif is_array(tree):
        tree = tree.reshape(-1).tolist() if tree.dtype.kind == "O" else ()
    elif not isinstance(tree, (list, tuple)):
        return False
    return any(map(holds_values, tree))


def leaves_like(tree: Any, treedef: TreeDef, what: str, like: str) -> list[Any]:
    """The leaves of a tree that must have the given `TreeDef`.

    Raises:
        ValueError: it has another.
    """
    leaves: list[Any] = []
    if flatten(tree, leaves) != treedef:
        raise ValueError(f"{what} must have the structure of {like}, numbers in the same containers, not {tree!r}")
    return leaves


def blocks(out_tree: TreeDef, in_tree: TreeDef, rows: Any) -> Any:
    """Derivatives as trees: the outputs' structure around the variables' structure; arrays get the axes of both."""
    row = 0

    def take_rows(shape: tuple[int, ...]) -> Any:
        nonlocal row
        count = math.prod(shape)
        block = rows[row : row + count]
        row += count
        if not shape:
            return unflatten(in_tree, iter(block[0].tolist()))
        column = 0

        def take_columns(in_shape: tuple[int, ...]) -> Any:
            nonlocal column
            width = math.prod(in_shape)
            part = block[:, column : column + width].reshape(shape + in_shape)
            column += width
            return part

        return rebuild(in_tree, take_columns)

    return rebuild(out_tree, take_rows)


def _unit(position: int, count: int) -> list[Any]:
    return [float(i == position) for i in range(count)]


def _description(treedef: TreeDef, count: int) -> str:
    if isinstance(treedef, Static):
        return repr(treedef.value)
    kind = treedef[0] if isinstance(treedef[0], str) else treedef[0].__name__
    return f"{count} of them in a container of type '{kind}'"
