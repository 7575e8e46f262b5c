"""Graphs that are created, fail and are freed many times, and what remains: `tools/endurance.py` runs more."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

import fastgrad
from fastgrad import Graph, Value, memory


class Parameter(Value):
    """A user's subclass with additional state."""


def build_and_drop(number: int) -> None:
    x, w = Value(0.5, label="x"), Parameter(float(number))
    out = (fastgrad.dot([x, w, 2.0], [w, 1.0, x]) + x * w).tanh()
    own = Value(out.data, (out, w), "own")
    if number % 8 == 0:

        def step() -> None:
            out.grad += own.grad

        own._backward = step
    (own * fastgrad.softmax([x, out])[1]).backward()
    if number % 64 == 0:
        Graph([out], [x])([1.0])


def fail(number: int) -> None:
    x = Value(float(number))
    errors: list[Callable[[], object]] = [
        lambda: (x * 2.0).exp() / (x - x),
        lambda: Value("x"),  # type: ignore[arg-type]
        lambda: x * "x",  # type: ignore[operator]
        lambda: fastgrad.dot([x], [x, x]),
        lambda: Graph([x * 2.0], [x, x]),
        lambda: setattr(x, "data", None),
        lambda: Value(1.0, (x, 3), "own"),  # type: ignore[arg-type]
        lambda: (x * 2.0)._backward(1),  # type: ignore[call-arg]
    ]
    with suppress(TypeError, ValueError, ZeroDivisionError, OverflowError):
        errors[number % len(errors)]()
        raise AssertionError(f"error {number % len(errors)} was none")


def fail_in_a_closure(number: int) -> None:
    x = Value(float(number))
    out = Value(x.data, (x,), "own")
    failing = True

    def step() -> None:
        x.grad += out.grad
        if failing:
            raise LookupError(number)

    out._backward = step
    root = out * x
    with suppress(LookupError):
        root.backward()
        raise AssertionError("the closure's error did not come out of backward()")
    failing = False
    root.zero_grad()
    root.backward()
    assert x.grad == 2.0 * x.data


ACTS: dict[Callable[[int], None], int] = {build_and_drop: 1_000_000, fail: 100_000, fail_in_a_closure: 100_000}


def resident_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def references() -> dict[str, int]:
    own_type = type(Value(1.0, (Value(1.0),), "own"))
    types = (Value, own_type, *Value.__mro__[1:-1], Parameter, Graph)
    return {each.__qualname__: sys.getrefcount(each) for each in types}


class Growth(NamedTuple):
    """What the given number of runs left behind; references are those to types."""

    tried: int
    nodes: int
    references: int
    bytes: int


def grown(times: int, act: Callable[[int], None]) -> Growth:
    def state() -> tuple[int, dict[str, int], int]:
        gc.collect()
        counts = references()
        gc.collect()
        return memory().live_nodes, counts, resident_bytes()

    for number in range(times // 4):  # until allocators and caches are warm
        act(number)
    nodes, counts, resident = state()
    for number in range(times):
        act(number)
    more_nodes, more_counts, more_resident = state()
    lost = sum(abs(more_counts[name] - counts[name]) for name in counts)
    return Growth(times, more_nodes - nodes, lost, more_resident - resident)
