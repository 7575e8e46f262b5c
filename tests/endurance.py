"""Whether anything grows while graphs come and go: `python tests/endurance.py`, for a million and 100,000 errors.

The suite runs the same with smaller numbers.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Callable
from contextlib import suppress

import fastgrad
from fastgrad import Graph, Value, memory


class Parameter(Value):
    """A user's subclass, with a state of its own."""


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


def resident_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def references() -> dict[str, int]:
    own_type = type(Value(1.0, (Value(1.0),), "own"))
    types = (Value, own_type, *Value.__mro__[1:-1], Parameter, Graph)
    return {each.__qualname__: sys.getrefcount(each) for each in types}


def grown(times: int, act: Callable[[int], None]) -> tuple[int, dict[str, int], int]:
    """How much nodes, references to types, and resident bytes grow over so many runs."""

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
    return more_nodes - nodes, {name: more_counts[name] - counts[name] for name in counts}, more_resident - resident


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--graphs", type=int, default=1_000_000)
    parser.add_argument("--errors", type=int, default=100_000)
    arguments = parser.parse_args()
    for act, times in ((build_and_drop, arguments.graphs), (fail, arguments.errors)):
        nodes, counts, resident = grown(times, act)
        print(f"{act.__name__}: {times:,} times: {nodes:+} nodes, {resident:+,} bytes, references {counts}")
        assert nodes == 0
        assert set(counts.values()) == {0}
        assert resident < 4 << 20


if __name__ == "__main__":
    main()
