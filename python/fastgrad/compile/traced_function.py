"""The base of `jit` and `vmap`: a function with its recordings, usable as a method, copied and pickled."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterable
from types import MethodType
from typing import Any, Generic, ParamSpec, TypeVar, cast

from fastgrad import _core
from fastgrad.compile.passes import EXACT_PASSES, checked_passes
from fastgrad.compile.tracing import Recording, Trace

P = ParamSpec("P")
R = TypeVar("R")


class _OfInstance(dict["TracedFunction[Any, Any]", "TracedFunction[Any, Any]"]):
    """The traced methods of one instance. They are not copied or pickled with it."""

    def __init__(self, instance: object = None) -> None:
        super().__init__()
        self.instance = instance

    def __reduce__(self) -> tuple[Any, ...]:
        return _OfInstance, ()


class TracedFunction(Generic[P, R]):
    """A function with its recordings, keyed by the structure of its arguments."""

    def __init__(self, function: Callable[P, R], passes: Iterable[str], threads: int, max_recordings: int) -> None:
        if threads < 1:
            raise ValueError(f"threads must be 1 or more, not {threads}")
        if max_recordings < 1:
            raise ValueError(f"max_recordings must be 1 or more, not {max_recordings}")
        functools.update_wrapper(cast("Callable[..., Any]", self), function)
        self._function = function
        self._name: str = getattr(function, "__name__", type(function).__name__)
        self._passes = checked_passes(passes)
        self._threads = threads
        self._max_recordings = max_recordings
        self._recordings: dict[Any, tuple[Recording, ...]] = {}

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """As a method: one set of recordings for each instance.

        Raises:
            TypeError: the instance has no ``__dict__`` to keep them in.
        """
        # A partial function does not bind the instance. Python's own rule for this changes with 3.14.
        is_method = hasattr(self._function, "__get__") and not isinstance(self._function, functools.partial)
        if instance is None or not is_method:
            return self
        attributes = getattr(instance, "__dict__", None)
        if not isinstance(attributes, dict):
            raise TypeError(
                f"{self._name}() keeps its recordings in the __dict__ of the instance, and {instance!r} has none"
            )
        methods = attributes.get("_traced_methods")
        if methods is None or methods.instance is not instance:  # otherwise those of the original of this copy
            methods = attributes["_traced_methods"] = _OfInstance(instance)
        bound = methods.get(self)
        if bound is None:
            bound = methods[self] = self._bind(self._function.__get__(instance, owner))
        return bound

    def _bind(self, function: Callable[..., R]) -> TracedFunction[..., R]:
        raise NotImplementedError

    def __copy__(self) -> TracedFunction[P, R]:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> TracedFunction[..., R]:
        """The function itself, like any function; for a method, one bound to the copy of its instance."""
        if isinstance(self._function, MethodType):
            return self._bind(copy.deepcopy(self._function, memo))
        return self

    def __reduce__(self) -> str | tuple[Any, ...]:
        """Pickle by name, like any function."""
        if isinstance(self._function, MethodType):
            return getattr, (self._function.__self__, self._name)
        return cast("str", getattr(self, "__qualname__", self._name))

    def __repr__(self) -> str:
        return f"<recorded {self._function!r}>"

    @property
    def recordings(self) -> int:
        """The number of recordings."""
        return sum(map(len, self._recordings.values()))

    def _replay(
        self, in_tree: Any, trace: Callable[[], Trace], leaves: list[Any], **how: Any
    ) -> tuple[Any, Recording]:
        """The outputs of the first valid recording, and that recording, which is made if there is none."""

        def outputs_of(recording: Recording) -> Any:
            return _core.replay(recording.graph, leaves, name=self._name, threads=self._threads, **how)

        recordings = self._recordings.get(in_tree, ())
        for recording in recordings:
            outputs = outputs_of(recording)
            if outputs is not None:
                if recording is not recordings[0]:
                    self._put_first(in_tree, recording)
                return outputs, recording
        if len(recordings) >= self._max_recordings:
            raise RuntimeError(
                f"{self._name}() has {len(recordings)} recordings for arguments of this structure, one for each way "
                "its comparisons turned out, and none fits this call: write the choice with where(), maximum() or "
                "minimum(), or give a larger max_recordings"
            )
        traced = trace()
        # Passes that change rounding may change the answer when nearly equal numbers are compared.
        for passes in (self._passes, [name for name in self._passes if name in EXACT_PASSES]):
            recording = traced.recording(passes)
            outputs = outputs_of(recording)
            if outputs is not None:
                self._put_first(in_tree, recording)
                return outputs, recording
        raise RuntimeError(f"{self._name}() compares numbers differently when it is run again: is it random?")

    def _put_first(self, in_tree: Any, recording: Recording) -> None:
        """Build a new tuple: another thread may be iterating over the old one, or have added the same recording."""
        others = (other for other in self._recordings.get(in_tree, ()) if other.answers != recording.answers)
        self._recordings[in_tree] = (recording, *others)
