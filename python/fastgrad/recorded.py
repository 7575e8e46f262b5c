"""Recorded functions: `jit` and `vmap`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Concatenate, Literal, ParamSpec, Protocol, TypeVar, cast, overload

from fastgrad import _core
from fastgrad.engine import Value
from fastgrad.graphs import PASSES
from fastgrad.recorder import Recorder, Run
from fastgrad.samples import numbers_of, samples_of
from fastgrad.trees import LEAF, Static, Structure, as_values, flatten, is_array, unflatten

__all__ = ["jit", "vmap"]

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")
Reduction = Literal["sum", "mean"] | None
Axes = int | None | Sequence[int | None]


class Jitted(Recorder[P, R]):
    """A function that `jit` made."""

    def __init__(self, function: Callable[P, R], static: str | Sequence[str], **options: Any) -> None:
        super().__init__(function, **options)
        self._static = (static,) if isinstance(static, str) else tuple(static)
        self._static_positions = _positions(function, self._static) if self._static else {}

    def _bind(self, function: Callable[..., R]) -> Jitted[..., R]:
        return Jitted(function, self._static, passes=self._passes, threads=self._threads, most=self._most)

    @overload
    def __get__(self, instance: None, owner: type | None = None) -> Jitted[P, R]: ...
    @overload
    def __get__(
        self: Jitted[Concatenate[Any, Q], R], instance: object, owner: type | None = None
    ) -> Jitted[Q, R]: ...
    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return super().__get__(instance, owner)

    @overload
    def __call__(self, *arguments: P.args, **named: P.kwargs) -> R: ...
    @overload
    def __call__(self, *arguments: Any, **named: Any) -> R: ...
    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """The function's results, as nodes of the graph; numbers may stand for Values."""
        if self._static:
            arguments = tuple(Static(a) if i in self._static_positions else a for i, a in enumerate(arguments))
            named = {name: Static(a) if name in self._static else a for name, a in named.items()}
        if _core.traces_through_jit():
            arguments, named = as_values((arguments, named))
            return cast("Callable[..., R]", self._function)(*arguments, **named)
        leaves: list[Any] = []
        structure = flatten((arguments, named), leaves, keep_arrays=True)

        def record() -> Run:
            inputs: list[Value] = []

            def placeholders() -> Iterator[Value]:
                for leaf in leaves:
                    for number in leaf.tolist() if is_array(leaf) else (leaf,):
                        inputs.append(Value(number))
                        yield inputs[-1]

            given, given_names = unflatten(structure, placeholders())
            return self._record(given, given_names, inputs, [], guarded=True)

        outputs, recording = self._replay(structure, record, leaves, batch=None, values=[], shared=[], reduce="")
        if recording.structure is LEAF:
            return outputs
        return unflatten(recording.structure, iter(outputs if isinstance(outputs, tuple) else (outputs,)))


def _positions(function: Callable[..., Any], names: Sequence[str]) -> dict[int, str]:
    """Where those parameters may stand without their names.

    Raises:
        ValueError: there is no such parameter.
    """
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):  # some of C's functions
        return {}
    any_name = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    for name in names:
        if name not in parameters and not any_name:
            raise ValueError(f"static_argnames names {name!r}, and there is no such parameter")
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return {i: p.name for i, p in enumerate(parameters.values()) if p.kind in positional and p.name in names}


class Mapped(Recorder[..., R]):
    """A function that `vmap` made."""

    def __init__(self, function: Callable[..., Any], in_axes: Axes, reduce: Reduction, **options: Any) -> None:
        super().__init__(function, **options)
        for axis in in_axes if isinstance(in_axes, (tuple, list)) else (in_axes,):
            if axis is not None and not isinstance(axis, int):
                raise TypeError(f"in_axes must be an int or None, or one for each argument, not {in_axes!r}")
        self._in_axes = in_axes
        self._reduce = reduce

    def _bind(self, function: Callable[..., Any]) -> Mapped[R]:
        return Mapped(
            function, self._in_axes, self._reduce, passes=self._passes, threads=self._threads, most=self._most
        )

    def __get__(self, instance: Any, owner: type | None = None) -> Mapped[R]:
        return cast("Mapped[R]", super().__get__(instance, owner))

    def _axes(self, arguments: tuple[Any, ...]) -> tuple[int | None, ...]:
        axes = self._in_axes if isinstance(self._in_axes, (tuple, list)) else (self._in_axes,) * len(arguments)
        if len(axes) != len(arguments):
            raise ValueError(f"in_axes has {len(axes)} entries for {len(arguments)} arguments of {self._name}()")
        return tuple(axes)

    def _split(self, arguments: tuple[Any, ...]) -> tuple[list[Any], int]:
        """For each argument the array of its samples, or None for one that all share; and how many samples.

        Raises:
            ValueError: an argument has no such axis; or there are no samples, or not equally many of each.
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
        columns: list[Any] = []
        values: list[tuple[int, int, _core.Value]] = []
        shared: list[Any] = []
        structures: list[tuple[Any, Any]] = []
        width = 0
        for argument, samples in zip(arguments, split, strict=True):
            if samples is None:
                structures.append((None, flatten(argument, shared)))
                continue
            structures.append((samples.shape[1:], None))
            rows = samples.reshape(batch, -1)
            if rows.dtype.kind == "O":
                rows = numbers_of(rows, width, values)
            width += rows.shape[1]
            columns.append(rows)

        def record() -> Run:
            return self._record_sample(structures, columns, shared)

        outputs, recording = self._replay(
            tuple(structures), record, columns, batch=batch, values=values, shared=shared, reduce=self._reduce or ""
        )
        if self._reduce:
            return cast("R", outputs)
        each = iter(outputs)
        return cast("R", [unflatten(recording.structure, each) for _ in range(batch)])

    def _record_sample(self, structures: list[Any], columns: list[Any], shared: list[Any]) -> Run:
        inputs = [Value(number) for rows in columns for number in rows[0].tolist()]
        placeholders = [Value(number.data if isinstance(number, _core.Value) else number) for number in shared]
        samples, others = iter(inputs), iter(placeholders)
        arguments = []
        for shape, structure in structures:
            if structure is not None:
                arguments.append(unflatten(structure, others))
            else:
                arguments.append(unflatten(("array", shape) if shape else LEAF, samples))
        run = self._record(tuple(arguments), {}, inputs, placeholders, guarded=False)
        self._require_reducible(run.structure)
        return run

    def _require_reducible(self, structure: Structure) -> None:
        if self._reduce and structure is not LEAF:
            raise ValueError(
                f"reduce={self._reduce!r} needs a function that returns one number: {self._name}() does not"
            )

    def _in_python(self, arguments: tuple[Any, ...], split: list[Any], batch: int) -> Any:
        """Inside another recording: sample by sample."""
        given = [as_values(a if samples is None else samples) for a, samples in zip(arguments, split, strict=True)]
        results: list[Any] = []
        for i in range(batch):
            sample = (g if samples is None else g[i] for g, samples in zip(given, split, strict=True))
            results.append(self._function(*sample))
        self._require_reducible(flatten(results[0], []))
        if not self._reduce:
            return results
        return sum(results) / batch if self._reduce == "mean" else sum(results)


class _Jit(Protocol):
    def __call__(self, function: Callable[P, R], /) -> Jitted[P, R]: ...


class _Vmap(Protocol):
    def __call__(self, function: Callable[..., R], /) -> Mapped[list[R]]: ...


class _VmapToOne(Protocol):
    def __call__(self, function: Callable[..., Any], /) -> Mapped[Value]: ...


@overload
def jit(
    function: Callable[P, R],
    /,
    *,
    static_argnames: str | Sequence[str] = ...,
    max_recordings: int = ...,
    threads: int = ...,
    passes: Iterable[str] = ...,
) -> Jitted[P, R]: ...
@overload
def jit(
    *,
    static_argnames: str | Sequence[str] = ...,
    max_recordings: int = ...,
    threads: int = ...,
    passes: Iterable[str] = ...,
) -> _Jit: ...
def jit(
    function: Callable[..., Any] | None = None,
    /,
    *,
    static_argnames: str | Sequence[str] = (),
    max_recordings: int = 8,
    threads: int = 1,
    passes: Iterable[str] = PASSES,
) -> Any:
    """Record a function on its first call, and run the recording natively from then on.

    The function takes numbers, Values, arrays, and nested lists, tuples and dicts of them, and returns Values or such
    containers of them; it is recorded once for each structure of its arguments. An array arrives as an object array
    of Values. The result is a node of the eager graph: its ``backward()`` reaches the Values among the arguments and
    the leaves that the function uses from outside, whose present numbers are read at each call.

    Comparisons are noted with their answers; when a call would answer otherwise, the function is recorded again and
    both recordings are kept. What cannot be noted is an error, never a frozen number: reading ``.data``, ``float()``
    and the like. Plain numbers that the function takes from outside are constants of the recording; so are Values
    that it makes, unless something outside keeps them. A leaf is known by its identity: one that takes another's
    place later is not noticed.

    The call that records raises what Python raises, such as ZeroDivisionError; a replay gives inf or nan.
    A method has recordings for each instance, which copies of the instance do not share.

    Args:
        static_argnames: Arguments that are part of the structure: hashable, compared by type and ``==``.
        max_recordings: How many recordings are kept for one structure.
        threads: How many threads a call may use.
        passes: The optimisation passes: see `Graph`.

    Raises:
        TypeError: from the call that records: the function read a number of a Value; the message names the line.
        RuntimeError: no recording fits, and there are ``max_recordings`` of them.
        ValueError: a static argument's name is not a parameter of the function, or an option makes no sense.
    """

    def wrap(wrapped: Callable[..., Any]) -> Any:
        return Jitted(wrapped, static_argnames, passes=passes, threads=threads, most=max_recordings)

    return wrap if function is None else wrap(function)


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
    """Turn a function of one sample into one of many, which run side by side in SIMD lanes and threads.

    Args:
        in_axes: The axis of the samples in each argument, or None for an argument that all samples share; one entry
            for all arguments, or one for each.
        reduce: None for a list with one result a sample; ``"sum"`` or ``"mean"`` of the results as one Value, whose
            ``backward()`` costs as much as one multiplication for each leaf.
        threads: How many threads a call may use; the result is the same for any number.
        passes: The optimisation passes: see `Graph`.

    Raises:
        TypeError: the function compares Values, which may turn out differently from sample to sample; or it reads a
            number of a Value.
        ValueError: the arguments have no such axis or different lengths, or ``reduce`` is given and the function
            returns more than one number.
    """
    if reduce not in (None, "sum", "mean"):
        raise ValueError(f"reduce must be None, 'sum' or 'mean', not {reduce!r}")

    def wrap(wrapped: Callable[..., Any]) -> Any:
        return Mapped(wrapped, in_axes, reduce, passes=passes, threads=threads, most=1)

    return wrap if function is None else wrap(function)
