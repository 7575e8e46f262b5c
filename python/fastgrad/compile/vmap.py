"""`vmap`: trace a function of one sample, and replay the recording for many, in SIMD lanes and threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, Protocol, TypeVar, cast, overload

from fastgrad import _core
from fastgrad.compile.batching import numbers_of, samples_of
from fastgrad.compile.graph import Graph
from fastgrad.compile.passes import PASSES
from fastgrad.compile.traced_function import TracedFunction
from fastgrad.compile.tracing import Recording, Trace, trace
from fastgrad.compile.trees import LEAF, TreeDef, as_values, flatten, unflatten
from fastgrad.engine import Value, no_grad

__all__ = ["vmap"]

R = TypeVar("R")
Reduction = Literal["sum", "mean"] | None
Axes = int | None | Sequence[int | None]


class Mapped(TracedFunction[..., R]):
    """A function wrapped by `vmap`."""

    def __init__(self, function: Callable[..., Any], in_axes: Axes, reduce: Reduction, **options: Any) -> None:
        super().__init__(function, **options)
        for axis in in_axes if isinstance(in_axes, (tuple, list)) else (in_axes,):
            if axis is not None and not isinstance(axis, int):
                raise TypeError(f"in_axes must be an int or None, or one for each argument, not {in_axes!r}")
        self._in_axes = in_axes
        self._reduce = reduce

    def _bind(self, function: Callable[..., Any]) -> Mapped[R]:
        return Mapped(
            function,
            self._in_axes,
            self._reduce,
            passes=self._passes,
            threads=self._threads,
            max_recordings=self._max_recordings,
        )

    def __get__(self, instance: Any, owner: type | None = None) -> Mapped[R]:
        return cast("Mapped[R]", super().__get__(instance, owner))

    def _axes(self, arguments: tuple[Any, ...]) -> tuple[int | None, ...]:
        axes = self._in_axes if isinstance(self._in_axes, (tuple, list)) else (self._in_axes,) * len(arguments)
        if len(axes) != len(arguments):
            raise ValueError(f"in_axes has {len(axes)} entries for {len(arguments)} arguments of {self._name}()")
        return tuple(axes)

    def _split(self, arguments: tuple[Any, ...]) -> tuple[list[Any], int]:
        """For each argument the array of its samples, or None if all samples share it; and the number of samples.

        Raises:
            ValueError: an argument does not have this axis, there are no samples, or their numbers differ.
        """
        split: list[Any] = []
        batch: int | None = None
        for argument, axis in zip(arguments, self._axes(arguments), strict=True):
            if axis is None:
                split.append(None)
                continue
            samples = samples_of(argument, axis, self._name)
            split.append(samples)
            if batch is not None and len(samples) != batch:
                raise ValueError(
                    f"{self._name}() was given {batch} samples of one argument and {len(samples)} of another"
                )
            batch = len(samples)
        if batch is None:
            raise ValueError(f"{self._name}() needs an argument with samples: in_axes is {self._in_axes!r}")
        if batch == 0:
            raise ValueError(f"{self._name}() was given no samples: their axis has length 0")
        return split, batch

    def __call__(self, *arguments: Any) -> R:
        """The results for all samples."""
        split, batch = self._split(arguments)
        if _core.traces_through_jit():
            return cast("R", self._in_python(arguments, split, batch))
        outputs, recording = self._run(arguments, split, batch)
        if self._reduce:
            return cast("R", outputs)
        each = iter(outputs)
        return cast("R", [unflatten(recording.out_tree, each) for _ in range(batch)])

    def graph(self, *arguments: Any) -> Graph:
        """The recording for such arguments, made if there is none: to be printed, saved, run or read.

        Its inputs are the numbers of one sample, in the order of the arguments. Arguments that all samples share are
        bound: `Graph.parameters` has a new leaf for each of their numbers that is used, with the number given here,
        before the leaves from outside.
        """
        split, batch = self._split(arguments)
        with no_grad():
            recording = self._run(arguments, split, batch)[1]
        numbers: list[Any] = []
        for argument, samples in zip(arguments, split, strict=True):
            if samples is None:
                flatten(argument, numbers)
        given = {id(leaf): _data_of(numbers[i]) for i, leaf in recording.shared.items()}
        parameters = [Value(given[id(p)]) if id(p) in given else p for p in recording.graph.parameters]
        return recording.graph._bound_to(parameters)

    def _run(self, arguments: tuple[Any, ...], split: list[Any], batch: int) -> tuple[Any, Recording]:
        """The outputs, and the recording that computed them."""
        columns: list[Any] = []
        values: list[tuple[int, int, _core.Value]] = []
        shared: list[Any] = []
        in_trees: list[tuple[Any, Any]] = []  # for each argument, a sample's shape or the shared tree
        width = 0
        for argument, samples in zip(arguments, split, strict=True):
            if samples is None:
                in_trees.append((None, flatten(argument, shared)))
                continue
            in_trees.append((samples.shape[1:], None))
            rows = samples.reshape(batch, -1)
            if rows.dtype.kind == "O":
                rows = numbers_of(rows, width, values)
            width += rows.shape[1]
            columns.append(rows)

        def run() -> Trace:
            return self._trace_sample(in_trees, columns, shared)

        return self._replay(
            tuple(in_trees), run, columns, batch=batch, values=values, shared=shared, reduce=self._reduce or ""
        )

    def _trace_sample(self, in_trees: list[Any], columns: list[Any], shared: list[Any]) -> Trace:
        inputs = [Value(number) for rows in columns for number in rows[0].tolist()]
        placeholders = [Value(_data_of(number)) for number in shared]
        samples, others = iter(inputs), iter(placeholders)
        arguments = []
        for shape, tree in in_trees:
            if tree is not None:
                arguments.append(unflatten(tree, others))
            else:
                arguments.append(unflatten(("array", shape) if shape else LEAF, samples))
        traced = trace(self._function, self._name, tuple(arguments), {}, inputs, placeholders, guarded=False)
        self._require_reducible(traced.out_tree)
        return traced

    def _require_reducible(self, out_tree: TreeDef) -> None:
        if self._reduce and out_tree is not LEAF:
            raise ValueError(
                f"reduce={self._reduce!r} needs a function that returns one number: {self._name}() does not"
            )

    def _in_python(self, arguments: tuple[Any, ...], split: list[Any], batch: int) -> Any:
        """Run sample by sample, while another function is traced."""
        given = [as_values(a if samples is None else samples) for a, samples in zip(arguments, split, strict=True)]
        results: list[Any] = []
        for i in range(batch):
            sample = (g if samples is None else g[i] for g, samples in zip(given, split, strict=True))
            results.append(self._function(*sample))
        self._require_reducible(flatten(results[0], []))
        if not self._reduce:
            return results
        return sum(results) / batch if self._reduce == "mean" else sum(results)


def _data_of(number: Any) -> Any:
    return number.data if isinstance(number, _core.Value) else number


class _Vmap(Protocol):
    def __call__(self, function: Callable[..., R], /) -> Mapped[list[R]]: ...


class _VmapToOne(Protocol):
    def __call__(self, function: Callable[..., Any], /) -> Mapped[Value]: ...


@overload
def vmap(
    function: Callable[..., R],
    /,
    in_axes: Axes = ...,
    reduce: None = ...,
    *,
    threads: int = ...,
    passes: Iterable[str] = ...,
) -> Mapped[list[R]]: ...
@overload
def vmap(
    function: Callable[..., Any],
    /,
    in_axes: Axes = ...,
    *,
    reduce: Literal["sum", "mean"],
    threads: int = ...,
    passes: Iterable[str] = ...,
) -> Mapped[Value]: ...
@overload
def vmap(*, in_axes: Axes = ..., reduce: None = ..., threads: int = ..., passes: Iterable[str] = ...) -> _Vmap: ...
@overload
def vmap(
    *, in_axes: Axes = ..., reduce: Literal["sum", "mean"], threads: int = ..., passes: Iterable[str] = ...
) -> _VmapToOne: ...
def vmap(
    function: Callable[..., Any] | None = None,
    /,
    in_axes: Axes = 0,
    reduce: Reduction = None,
    *,
    threads: int = 1,
    passes: Iterable[str] = PASSES,
) -> Any:
    """Turn a function of one sample into one of many samples, which run side by side in SIMD lanes and threads.

    Args:
        in_axes: The axis of the samples in each argument, or None for an argument that all samples share: one entry
            for all arguments, or one for each.
        reduce: None for a list with one result for each sample; ``"sum"`` or ``"mean"`` for the sum or mean of the
            results as one Value, whose ``backward()`` costs one multiplication for each leaf.
        threads: How many threads a call may use; the result is the same for any number.
        passes: The optimization passes: see `Graph`.

    Raises:
        TypeError: the function compares Values, whose answer may differ between samples; or it reads a Value's
            number.
        ValueError: the arguments do not have this axis or differ in length, or ``reduce`` is given and the function
            returns more than one number.
    """
    if reduce not in (None, "sum", "mean"):
        raise ValueError(f"reduce must be None, 'sum' or 'mean', not {reduce!r}")

    def wrap(wrapped: Callable[..., Any]) -> Any:
        return Mapped(wrapped, in_axes, reduce, passes=passes, threads=threads, max_recordings=1)

    return wrap if function is None else wrap(function)
