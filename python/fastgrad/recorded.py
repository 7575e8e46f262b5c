"""Recorded functions: `jit` and `vmap`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, ParamSpec, TypeVar, cast, overload

from fastgrad import _core
from fastgrad.engine import Value
from fastgrad.graphs import PASSES, checked_passes
from fastgrad.trees import LEAF, Static, Structure, flatten, is_array, unflatten

__all__ = ["jit", "vmap"]

P = ParamSpec("P")
R = TypeVar("R")
Reduction = Literal["sum", "mean"] | None


@dataclass(slots=True)
class Recording:
    """A graph, the answers to the comparisons that led to it, and the structure of what the function returned."""

    graph: _core.Graph
    answers: list[bool]
    structure: Structure


class Recorder(Generic[R]):
    """What `jit` and `vmap` share: the recordings of one function by the structure of its arguments."""

    def __init__(self, function: Callable[..., R], passes: Iterable[str], threads: int, most: int) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self._name = getattr(function, "__name__", type(function).__name__)
        self._passes = checked_passes(passes)
        self._threads = threads
        self._most = most
        self._recordings: dict[Any, list[Recording]] = {}

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """As a method: one set of recordings for each instance."""
        if instance is None:
            return self
        bound = self._bind(self._function.__get__(instance, owner))
        name = self.__dict__.get("__name__", self._name)
        if hasattr(instance, "__dict__"):
            instance.__dict__[name] = bound
        return bound

    def _bind(self, function: Callable[..., R]) -> Recorder[R]:
        raise NotImplementedError

    @property
    def recordings(self) -> int:
        """How many recordings there are."""
        return sum(map(len, self._recordings.values()))

    def _record(
        self,
        arguments: tuple[Any, ...],
        named: dict[str, Any],
        inputs: list[Value],
        shared: list[Value],
        guarded: bool,
    ) -> Recording:
        _core.begin_recording()
        try:
            result = self._function(*arguments, **named)
        except BaseException:
            _core.end_recording()
            raise
        oldest, constants, conditions = _core.end_recording()
        if conditions and not guarded:
            raise TypeError(
                f"{self._name}() compares Values, which may turn out differently from sample to sample: choose with "
                "where(), maximum() or minimum()"
            )
        leaves: list[Any] = []
        structure = flatten(result, leaves)
        outputs = [leaf if isinstance(leaf, _core.Value) else Value(leaf) for leaf in leaves]
        constants += [output for leaf, output in zip(leaves, outputs, strict=True) if leaf is not output]
        graph = _core.Graph(
            [*outputs, *(condition for condition, _ in conditions)],
            inputs,
            constants=constants,
            shared=shared,
            conditions=len(conditions),
            oldest=oldest,
            passes=self._passes,
            instruction_set="",
        )
        return Recording(graph, [answer for _, answer in conditions], structure)

    def _replay(
        self, key: Any, record: Callable[[], Recording], leaves: list[Any], **how: Any
    ) -> tuple[Any, Recording]:
        """The outputs of the first recording that fits, and that recording; made if there is none."""
        recordings = self._recordings.setdefault(key, [])
        for position, recording in enumerate(recordings):
            outputs = recording.graph.replay(
                leaves, answers=recording.answers, name=self._name, threads=self._threads, **how
            )
            if outputs is not None:
                if position:
                    recordings.insert(0, recordings.pop(position))
                return outputs, recording
        if len(recordings) >= self._most:
            raise RuntimeError(
                f"{self._name}() has {len(recordings)} recordings for arguments of this structure, one for each way "
                "its comparisons turned out, and none fits this call: write the choice with where(), maximum() or "
                "minimum(), or give a larger max_recordings"
            )
        recording = record()
        recordings.insert(0, recording)
        outputs = recording.graph.replay(
            leaves, answers=recording.answers, name=self._name, threads=self._threads, **how
        )
        if outputs is None:
            raise RuntimeError(f"{self._name}() compares numbers differently when it is run again: is it random?")
        return outputs, recording


class Jitted(Recorder[R]):
    """A function that `jit` made."""

    def __init__(self, function: Callable[..., R], static: Sequence[str], **options: Any) -> None:
        super().__init__(function, **options)
        self._static = (static,) if isinstance(static, str) else tuple(static)

    def _bind(self, function: Callable[..., R]) -> Jitted[R]:
        return Jitted(function, self._static, passes=self._passes, threads=self._threads, most=self._most)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        if _core.is_recording():
            return self._function(*arguments, **named)
        fixed = {name: named.pop(name) for name in self._static if name in named}
        leaves: list[Any] = []
        structure = flatten((arguments, named), leaves, keep_arrays=True)
        key = (structure, tuple(fixed.items()))

        def record() -> Recording:
            inputs: list[Value] = []

            def placeholders() -> Iterator[Value]:
                for leaf in leaves:
                    for number in leaf.tolist() if is_array(leaf) else (leaf,):
                        inputs.append(Value(number))
                        yield inputs[-1]

            given, given_names = unflatten(structure, placeholders())
            return self._record(given, {**given_names, **fixed}, inputs, [], guarded=True)

        outputs, recording = self._replay(key, record, leaves, batch=None, values=[], shared=[], reduce="")
        if recording.structure is LEAF:
            return outputs
        return unflatten(recording.structure, iter(outputs if isinstance(outputs, tuple) else (outputs,)))


class Mapped(Recorder[R]):
    """A function that `vmap` made."""

    def __init__(self, function: Callable[..., R], in_axes: Any, reduce: Reduction, **options: Any) -> None:
        super().__init__(function, **options)
        self._in_axes = in_axes
        self._reduce = reduce

    def _bind(self, function: Callable[..., R]) -> Mapped[R]:
        return Mapped(
            function, self._in_axes, self._reduce, passes=self._passes, threads=self._threads, most=self._most
        )

    def _axes(self, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        axes = self._in_axes if isinstance(self._in_axes, (tuple, list)) else (self._in_axes,) * len(arguments)
        if len(axes) != len(arguments):
            raise ValueError(f"in_axes has {len(axes)} entries for {len(arguments)} arguments of {self._name}()")
        return tuple(axes)

    def __call__(self, *arguments: Any) -> Any:
        if _core.is_recording():
            return self._in_python(arguments)
        columns: list[Any] = []
        values: list[tuple[int, int, Value]] = []
        shared: list[Any] = []
        structures = []
        batch: int | None = None
        width = 0
        for argument, axis in zip(arguments, self._axes(arguments), strict=True):
            if axis is None:
                structures.append((None, flatten(argument, shared)))
                continue
            samples = _as_samples(argument, axis, self._name)
            if batch is not None and len(samples) != batch:
                raise ValueError(
                    f"{self._name}() was given {batch} samples of one argument and {len(samples)} of another"
                )
            batch = len(samples)
            structures.append((samples.shape[1:], None))
            rows = samples.reshape(batch, -1)
            if rows.dtype.kind == "O":
                rows = _numbers_of(rows, width, values)
            width += rows.shape[1]
            columns.append(rows)
        if batch is None:
            raise ValueError(f"{self._name}() needs an argument with a leading axis: in_axes={self._in_axes!r}")
        if batch == 0:
            raise ValueError(f"{self._name}() was given no samples: the leading axis has length 0")

        def record() -> Recording:
            return self._record_sample(structures, columns, shared)

        outputs, recording = self._replay(
            tuple(structures), record, columns, batch=batch, values=values, shared=shared, reduce=self._reduce or ""
        )
        if self._reduce:
            return outputs
        each = iter(outputs)
        return [unflatten(recording.structure, each) for _ in range(batch)]

    def _record_sample(self, structures: list[Any], columns: list[Any], shared: list[Any]) -> Recording:
        inputs = [Value(number) for rows in columns for number in rows[0].tolist()]
        placeholders = [Value(number.data if isinstance(number, _core.Value) else number) for number in shared]
        samples, others = iter(inputs), iter(placeholders)
        arguments = []
        for shape, structure in structures:
            if structure is not None:
                arguments.append(unflatten(structure, others))
            else:
                arguments.append(unflatten(("array", shape) if shape else LEAF, samples))
        recording = self._record(tuple(arguments), {}, inputs, placeholders, guarded=False)
        if self._reduce and recording.structure is not LEAF:
            raise ValueError(
                f"reduce={self._reduce!r} needs a function that returns one number: {self._name}() does not"
            )
        return recording

    def _in_python(self, arguments: tuple[Any, ...]) -> Any:
        """Inside another recording: sample by sample."""
        axes = self._axes(arguments)
        samples = [
            a if axis is None else _as_samples(a, axis, self._name) for a, axis in zip(arguments, axes, strict=True)
        ]
        counts = {len(s) for s, axis in zip(samples, axes, strict=True) if axis is not None}
        if len(counts) != 1:
            raise ValueError(f"{self._name}() was given arguments of different lengths: {sorted(counts)}")
        count = counts.pop()
        results: list[Any] = [
            self._function(*(s if axis is None else s[i] for s, axis in zip(samples, axes, strict=True)))
            for i in range(count)
        ]
        if not self._reduce:
            return results
        return sum(results) / count if self._reduce == "mean" else sum(results)


def _as_samples(argument: Any, axis: int, name: str) -> Any:
    """The argument as an array whose leading axis is the samples'.

    Raises:
        ValueError: it has no such axis, or its samples differ in length.
    """
    import numpy as np

    array = argument if isinstance(argument, np.ndarray) else _as_array(argument)
    if not -array.ndim <= axis < array.ndim:
        raise ValueError(f"{name}() was told to map over axis {axis} of an argument of shape {array.shape}")
    return np.moveaxis(array, axis, 0) if axis else array


def _as_array(nested: Any) -> Any:
    import numpy as np

    leaves: list[Any] = []
    structure = flatten(nested, leaves)
    shape = _shape_of(structure)
    if not any(isinstance(leaf, _core.Value) for leaf in leaves):
        return np.array(leaves, dtype=np.float64).reshape(shape)
    array = np.empty(len(leaves), dtype=object)
    for position, leaf in enumerate(leaves):
        array[position] = leaf
    return array.reshape(shape)


def _shape_of(structure: Structure) -> tuple[int, ...]:
    if structure is LEAF:
        return ()
    if isinstance(structure, Static) or structure[0] is dict:
        raise ValueError("a mapped argument must be an array, or nested lists of numbers")
    if structure[0] == "array":
        return cast("tuple[int, ...]", structure[1])
    shapes = {_shape_of(item) for item in structure[1:]}
    if len(shapes) > 1:
        raise ValueError(f"the samples of a mapped argument must have one shape, not {sorted(shapes)}")
    return (len(structure) - 1, *(shapes.pop() if shapes else ()))


def _numbers_of(rows: Any, offset: int, values: list[tuple[int, int, Value]]) -> Any:
    import numpy as np

    numbers = np.empty(rows.shape)
    for (row, column), item in np.ndenumerate(rows):
        if isinstance(item, _core.Value):
            values.append((row, offset + column, item))
            numbers[row, column] = item.data
        else:
            numbers[row, column] = item
    return numbers


@overload
def jit(function: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def jit(
    *,
    static_argnames: str | Sequence[str] = ...,
    max_recordings: int = ...,
    threads: int = ...,
    passes: Iterable[str] = ...,
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
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
    and the like. Plain numbers that the function takes from outside are constants of the recording.

    Args:
        static_argnames: Keyword arguments that are part of the structure: hashable, compared by ``==``.
        max_recordings: How many recordings are kept for one structure.
        threads: How many threads a call may use.
        passes: The optimisation passes: see `Graph`.

    Raises:
        TypeError: from the call that records: the function read a number of a Value; the message names the line.
        RuntimeError: no recording fits, and there are ``max_recordings`` of them.
    """

    def wrap(wrapped: Callable[..., Any]) -> Any:
        return Jitted(wrapped, static_argnames, passes=passes, threads=threads, most=max_recordings)

    return wrap if function is None else wrap(function)


@overload
def vmap(
    function: Callable[..., Any],
    /,
    in_axes: Any = ...,
    reduce: Reduction = ...,
    *,
    threads: int = ...,
    passes: Iterable[str] = ...,
) -> Callable[..., Any]: ...
@overload
def vmap(
    *, in_axes: Any = ..., reduce: Reduction = ..., threads: int = ..., passes: Iterable[str] = ...
) -> Callable[[Callable[..., Any]], Callable[..., Any]]: ...
def vmap(
    function: Callable[..., Any] | None = None,
    /,
    in_axes: Any = 0,
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
