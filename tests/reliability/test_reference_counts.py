"""Tests for leaks of Python objects and references: nothing may grow by one with each round.

A CPython built `--with-pydebug` counts all references; other builds cannot detect lost references to objects that
live anyway. Both detect lost objects as memory blocks that are never freed.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from contextlib import suppress

import pytest

import fastgrad
from fastgrad import Graph, Value, jit
from support.endurance import build_and_drop, fail
from support.interpreters import FREE_THREADED
from support.scenarios import SCENARIOS, Action

ROUNDS, ATTEMPTS = 20, 8

total_references: Callable[[], int] | None = getattr(sys, "gettotalrefcount", None)


def graphs_that_come_and_go() -> Action:
    return lambda: build_and_drop(64)


def errors() -> Action:
    return lambda: [fail(number) for number in range(8)]


def captured_graphs_that_nobody_runs() -> Action:
    x, w = Value(0.5), Value(3.0)
    root = (x * w).tanh() + fastgrad.dot([x, w, x], [w, 2.0, x])
    return lambda: Graph([root, w * x], [x]).listing()


def recorded_functions_of_values() -> Action:
    w, x = Value(0.5), Value(2.0)

    def act() -> None:
        f = jit(lambda a: (a * w).tanh() if a > 0.0 else a)
        (f(x) * f(x * -1.0)).backward()
        with suppress(TypeError):
            jit(float)(x)

    return act


EVERYTHING = {
    **SCENARIOS,
    "captured graphs that nobody runs": captured_graphs_that_nobody_runs,
    "recorded functions of Values": recorded_functions_of_values,
    "graphs that come and go": graphs_that_come_and_go,
    "errors": errors,
}
#: NumPy's wheels, built for interpreters that count nothing, take and release references uncounted.
WITH_ARRAYS = {
    "sequences", "capture", "replays", "saved graphs", "recorded functions", "optimizers", "derivatives",
    "graphs that come and go",
}  # fmt: skip


def grows(count: Callable[[], int], act: Action) -> bool:
    """Whether each of several attempts grows by one for each round; caches fill once, or occasionally."""

    def growth() -> int:
        gc.collect()
        before = count()
        for _ in range(ROUNDS):
            act()
        gc.collect()
        return count() - before

    act()
    gc.collect()
    gc.freeze()  # older objects are not traversed each time
    try:
        return all(abs(growth()) >= ROUNDS for _ in range(ATTEMPTS))
    finally:
        gc.unfreeze()


@pytest.mark.skipif(sys.getallocatedblocks() == 0, reason="PYTHONMALLOC=malloc: nobody counts blocks")
@pytest.mark.skipif(FREE_THREADED, reason="a free-threaded CPython gives blocks back some rounds later")
@pytest.mark.parametrize("name", EVERYTHING)
def test_no_memory_block_is_lost(name: str):
    assert not grows(sys.getallocatedblocks, EVERYTHING[name]())


@pytest.mark.skipif(total_references is None, reason="needs a CPython that was built --with-pydebug")
@pytest.mark.parametrize("name", sorted(EVERYTHING.keys() - WITH_ARRAYS))
def test_no_reference_is_lost(name: str):
    assert not grows(total_references, EVERYTHING[name]())
