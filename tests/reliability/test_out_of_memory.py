"""Each allocation fails in turn: MemoryError, nothing is lost, and everything continues to work."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import pytest

import fastgrad
from fastgrad import Value, _core
from support.checks import check
from support.interpreters import DEBUG, FREE_THREADED
from support.programs import run
from support.scenarios import SCENARIOS

fail_allocations: Callable[[int, int], int] | None = getattr(_core, "fail_allocations", None)
pytestmark = pytest.mark.skipif(
    fail_allocations is None, reason="a build without failing allocations: needs FASTGRAD_CHECKS, on Linux"
)


@contextmanager
def failing(first: int, last: int):
    """Fails the native allocations from the first to the last; yields a list that gets the number requested."""
    requested: list[int] = []
    fail_allocations(first, last)
    try:
        yield requested
    finally:
        requested.append(fail_allocations(0, 0))


def attempt(act: Callable[[], Any], first: int, last: int) -> tuple[bool, Any, int]:
    """Whether it ran out of memory or else its result, and how many allocations it requested."""
    with failing(first, last) as requested:
        try:
            result, failed = act(), False
        except MemoryError:
            result, failed = None, True
    return failed, result, requested[0]


@pytest.mark.parametrize("last", ["that one", "all later ones"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_each_allocation_fails_in_turn(
    name: str, last: str, live_nodes: Callable[[], int], tried: Callable[..., None]
):
    act = SCENARIOS[name]()
    act()  # objects that are created once now exist
    expected = act()
    gc.collect()
    before = _core.memory()["live_nodes"]
    for number in range(1, 10_000):
        failed, result, requested = attempt(act, number, number if last == "that one" else 1 << 60)
        check()
        if _core.memory()["live_nodes"] != before:
            gc.collect()  # closures of custom operations
        assert _core.memory()["live_nodes"] == before, f"allocation {number} failed, and nodes are lost"
        assert failed or result == expected, f"allocation {number} failed unseen"
        tried(requested >= number)
        if requested < number:
            break
        assert act() == expected, f"after allocation {number} failed"
    assert not failed
    assert number > 1 or name == "leaves and operations", "no allocation was requested"


def test_pages_run_out_while_a_chain_grows(live_nodes: Callable[[], int], tried: Callable[..., None]):
    def grow() -> None:
        v = Value(1.0)
        while True:
            v = v * 1.0

    def leaves() -> None:
        values = []
        while True:
            values.append(Value(1.0))

    def terms() -> None:
        x = [Value(1.0)]
        while True:
            x.append(fastgrad.sum(x))

    for act in (grow, leaves, terms):
        failed, _, requested = attempt(act, 1, 1 << 60)
        assert failed
        assert requested >= 1
        assert live_nodes() == 0
        check()
        tried()
    assert math.isclose((Value(2.0) * 3.0).data, 6.0)


@pytest.mark.skipif(
    DEBUG or FREE_THREADED,
    reason="CPython 3.13 crashes without memory for a function, in a debug build and in a free-threaded one",
)
def test_the_python_allocator_fails_in_turn(tried: Callable[..., None]):
    """In programs that do little in Python itself, because CPython 3.10 and 3.13 crash in a list comprehension.

    Nor do they pass keyword arguments to the native module, because pybind11 3.1 would crash.
    """
    pytest.importorskip("_testcapi", reason="this Python comes without its own tests' _testcapi")
    output = run(
        """
        import gc, sys, _testcapi
        from fastgrad import _core
        from support.scenarios import SCENARIOS

        def attempt(act, number):
            _testcapi.set_nomemory(number, number + 1)
            try:
                act()
            except MemoryError:
                return True
            finally:
                _testcapi.remove_mem_hooks()
            return False

        gc.disable()
        tried = 0
        for name in (
            "leaves and operations", "labels and scopes", "sequences",
            "custom operations", "sweeps inside of sweeps", "looking at a graph",
        ):
            act = SCENARIOS[name]()
            act()
            expected = act()
            gc.collect()
            before = _core.memory()["live_nodes"]
            number = last = 0
            while number - last < 30:  # some failures are harmless
                if attempt(act, number):
                    tried, last = tried + 1, number
                _core.check()
                assert act() == expected, (name, number)
                if _core.memory()["live_nodes"] != before:
                    gc.collect()
                assert _core.memory()["live_nodes"] == before, (name, number)
                number += 1
        print(tried)
        """
    )
    tried(int(output))
