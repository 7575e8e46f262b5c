"""The recordings of one function: what `jit` and `vmap` share."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import MethodType
from typing import Any, Generic, ParamSpec, TypeVar, cast

from fastgrad import _core
from fastgrad.engine import Value
from fastgrad.graphs import checked_passes
from fastgrad.trees import Structure, flatten

P = ParamSpec("P")
R = TypeVar("R")

#: The passes that keep every value to the last bit.
_EXACT = ("fold", "cse", "dce", "hoist")


@dataclass(slots=True)
class Recording:
    """A graph, the answers to the comparisons that led to it, and the structure of what the function returned."""

    graph: _core.Graph
    answers: list[bool]
    structure: Structure


@dataclass(slots=True)
class Run:
    """What is known when the function has run once: enough for a recording with any passes."""

    make_graph: Callable[..., _core.Graph]
    answers: list[bool]
    structure: Structure

    def recording(self, passes: Sequence[str]) -> Recording:
        return Recording(self.make_graph(passes=passes), self.answers, self.structure)


class _OfInstance(dict["Recorder[Any, Any]", "Recorder[Any, Any]"]):
    """The recorders of one instance's methods, which stay behind when the instance is copied or pickled."""

    def __init__(self, instance: object = None) -> None:
        super().__init__()
        self.instance = instance

    def __reduce__(self) -> tuple[Any, ...]:
        return _OfInstance, ()


class Recorder(Generic[P, R]):
    """What `jit` and `vmap` share: the recordings of one function by the structure of its arguments."""

    def __init__(self, function: Callable[P, R], passes: Iterable[str], threads: int, most: int) -> None:
        if threads < 1:
            raise ValueError(f"threads must be 1 or more, not {threads}")
        if most < 1:
            raise ValueError(f"max_recordings must be 1 or more, not {most}")
        functools.update_wrapper(cast("Callable[..., Any]", self), function)
        self._function = function
        self._name: str = getattr(function, "__name__", type(function).__name__)
        self._passes = checked_passes(passes)
        self._threads = threads
        self._most = most
        self._recordings: dict[Any, tuple[Recording, ...]] = {}

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """As a method: one set of recordings for each instance.

        Raises:
            TypeError: the instance has no ``__dict__`` to keep them in.
        """
        # A partial function takes no instance, whatever this Python's own rule for it is: it changes with 3.14.
        is_method = hasattr(self._function, "__get__") and not isinstance(self._function, functools.partial)
        if instance is None or not is_method:
            return self
        attributes = getattr(instance, "__dict__", None)
        if not isinstance(attributes, dict):
            raise TypeError(
                f"{self._name}() keeps its recordings in the __dict__ of the instance, and {instance!r} has none"
            )
        recorders = attributes.get("_recorders")
        if recorders is None or recorders.instance is not instance:  # the other: of the one that it is a copy of
            recorders = attributes["_recorders"] = _OfInstance(instance)
        bound = recorders.get(self)
        if bound is None:
            bound = recorders[self] = self._bind(self._function.__get__(instance, owner))
        return bound

    def _bind(self, function: Callable[..., R]) -> Recorder[..., R]:
        raise NotImplementedError

    def __copy__(self) -> Recorder[P, R]:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Recorder[..., R]:
        """Itself, as any function; a method is bound to the copy of its instance."""
        if isinstance(self._function, MethodType):
            return self._bind(copy.deepcopy(self._function, memo))
        return self

    def __reduce__(self) -> str | tuple[Any, ...]:
        """Pickle: by name, as any function."""
        if isinstance(self._function, MethodType):
            return getattr, (self._function.__self__, self._name)
        return cast("str", getattr(self, "__qualname__", self._name))

    def __repr__(self) -> str:
        return f"<recorded {self._function!r}>"

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
    ) -> Run:
        _core.begin_trace()
        try:
            result = cast("Callable[..., R]", self._function)(*arguments, **named)
        except BaseException:
            _core.end_trace()
            raise
        since, constants, conditions = _core.end_trace()
        if conditions and not guarded:
            raise TypeError(
                f"{self._name}() compares Values, which may turn out differently from sample to sample: choose with "
                "where(), maximum() or minimum()"
            )
        leaves: list[Any] = []
        structure = flatten(result, leaves)
        if not leaves:
            raise TypeError(f"{self._name}() is recorded, so it must return Values or numbers, not {result!r}")
        outputs = [leaf if isinstance(leaf, _core.Value) else Value(leaf) for leaf in leaves]
        constants += [output for leaf, output in zip(leaves, outputs, strict=True) if leaf is not output]
        make_graph = functools.partial(
            _core.Graph,
            [*outputs, *(condition for condition, _ in conditions)],
            inputs,
            constants=constants,
            shared=shared,
            conditions=len(conditions),
            since=since,
            instruction_set="",
        )
        return Run(make_graph, [answer for _, answer in conditions], structure)

    def _replay(self, key: Any, record: Callable[[], Run], leaves: list[Any], **how: Any) -> tuple[Any, Recording]:
        """The outputs of the first recording that fits, and that recording; made if there is none."""

        def outputs_of(recording: Recording) -> Any:
            return recording.graph.replay(
                leaves, answers=recording.answers, name=self._name, threads=self._threads, **how
            )

        recordings = self._recordings.get(key, ())
        for recording in recordings:
            outputs = outputs_of(recording)
            if outputs is not None:
                if recording is not recordings[0]:
                    self._put_first(key, recording)
                return outputs, recording
        if len(recordings) >= self._most:
            raise RuntimeError(
                f"{self._name}() has {len(recordings)} recordings for arguments of this structure, one for each way "
                "its comparisons turned out, and none fits this call: write the choice with where(), maximum() or "
                "minimum(), or give a larger max_recordings"
            )
        run = record()
        # Passes that round differently may turn a comparison of nearly equal numbers.
        for passes in (self._passes, [name for name in self._passes if name in _EXACT]):
            recording = run.recording(passes)
            outputs = outputs_of(recording)
            if outputs is not None:
                self._put_first(key, recording)
                return outputs, recording
        raise RuntimeError(f"{self._name}() compares numbers differently when it is run again: is it random?")

    def _put_first(self, key: Any, recording: Recording) -> None:
        """In a new tuple: another thread may be going through the one that there is, or have made the same."""
        others = (other for other in self._recordings.get(key, ()) if other.answers != recording.answers)
        self._recordings[key] = (recording, *others)
