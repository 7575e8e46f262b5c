"""`jit`: trace a function on its first call, and replay the recording from then on."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast, overload

from fastgrad import _core
from fastgrad.compile.graph import Graph
from fastgrad.compile.passes import PASSES
from fastgrad.compile.traced_function import TracedFunction
from fastgrad.compile.tracing import Recording, Trace, trace
from fastgrad.compile.trees import LEAF, Static, as_values, flatten, is_array, unflatten
from fastgrad.engine import Value, no_grad

__all__ = ["jit"]

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")


class Jitted(TracedFunction[P, R]):
    """A function wrapped by `jit`."""

    def __init__(self, function: Callable[P, R], static: str | Sequence[str], **options: Any) -> None:
        super().__init__(function, **options)
        self._static = (static,) if isinstance(static, str) else tuple(static)
        self._static_positions = _positions(function, self._static) if self._static else {}

    def _bind(self, function: Callable[..., R]) -> Jitted[..., R]:
        return Jitted(
            function, self._static, passes=self._passes, threads=self._threads, max_recordings=self._max_recordings
        )

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
        """The function's results, as nodes of the graph. Numbers may be given instead of Values."""
        arguments, named = self._static_marked(arguments, named)
        if _core.traces_through_jit():
            arguments, named = as_values((arguments, named))
            return cast("Callable[..., R]", self._function)(*arguments, **named)
        outputs, recording = self._run(arguments, named)
        if recording.out_tree is LEAF:
            return outputs
        return unflatten(recording.out_tree, iter(outputs if isinstance(outputs, tuple) else (outputs,)))

    def graph(self, *arguments: Any, **named: Any) -> Graph:
        """The recording for such arguments, made if there is none: to be printed, saved, run or read.

        Its inputs are the numbers among the arguments, in order. It is valid for arguments that give the same answers
        to its guards; other arguments raise ValueError.
        """
        with no_grad():
            return self._run(*self._static_marked(arguments, named))[1].graph

    def _static_marked(self, arguments: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        if self._static:
            arguments = tuple(Static(a) if i in self._static_positions else a for i, a in enumerate(arguments))
            named = {name: Static(a) if name in self._static else a for name, a in named.items()}
        return arguments, named

    def _run(self, arguments: Any, named: Any) -> tuple[Any, Recording]:
        """The outputs, and the recording that computed them."""
        leaves: list[Any] = []
        in_tree = flatten((arguments, named), leaves, keep_arrays=True)

        def run() -> Trace:
            inputs: list[Value] = []

            def placeholders() -> Iterator[Value]:
                for leaf in leaves:
                    for number in leaf.tolist() if is_array(leaf) else (leaf,):
                        inputs.append(Value(number))
                        yield inputs[-1]

            given, given_names = unflatten(in_tree, placeholders())
            return trace(self._function, self._name, given, given_names, inputs, [], guarded=True)

        return self._replay(in_tree, run, leaves, batch=None, values=[], shared=[], reduce="")


def _positions(function: Callable[..., Any], names: Sequence[str]) -> dict[int, str]:
    """The names by position, for parameters that may be given without their names.

    Raises:
        ValueError: a parameter does not exist.
    """
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):  # some functions written in C
        return {}
    any_name = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    for name in names:
        if name not in parameters and not any_name:
            raise ValueError(f"static_argnames names {name!r}, and there is no such parameter")
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return {i: p.name for i, p in enumerate(parameters.values()) if p.kind in positional and p.name in names}


class _Jit(Protocol):
    def __call__(self, function: Callable[P, R], /) -> Jitted[P, R]: ...


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
    containers of them. It is recorded once for each structure of its arguments. An array is passed to it as an object
    array of Values. The result is a node of the eager graph: its ``backward()`` reaches the Values among the
    arguments and the leaves that the function uses from outside, whose current numbers are read at each call.

    Comparisons are recorded with their answers. If a call gives another answer, the function is recorded again, and
    both recordings are kept. Anything that cannot be recorded raises an error instead of freezing a number: reading
    ``.data``, ``float()`` and the like. Plain numbers that the function uses from outside are constants of the
    recording; so are Values that it creates, unless they are kept outside. Leaves are known by identity: replacing
    one by another later goes unnoticed.

    The call that records raises Python's errors, such as ZeroDivisionError; a replay returns inf or nan. A method has
    recordings for each instance, which copies of the instance do not share.

    Args:
        static_argnames: Arguments that are part of the structure: hashable, compared by type and ``==``.
        max_recordings: How many recordings to keep for each structure.
        threads: How many threads a call may use.
        passes: The optimization passes: see `Graph`.

    Raises:
        TypeError: from the call that records, if the function reads a Value's number; the message names the line.
        RuntimeError: no recording is valid, and there are already ``max_recordings`` of them.
        ValueError: a static argument's name is not a parameter of the function, or an option is out of range.
    """

    def wrap(wrapped: Callable[..., Any]) -> Any:
        return Jitted(wrapped, static_argnames, passes=passes, threads=threads, max_recordings=max_recordings)

    return wrap if function is None else wrap(function)
