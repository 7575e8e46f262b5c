"""Each allocation fails in turn: MemoryError, nothing lost, and everything goes on working."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import pytest

import fastgrad
from checks import check
from fastgrad import Value, _core
from programs import run
from scenarios import SCENARIOS

fail_allocations: Callable[[int, int], int] | None = getattr(_core, "fail_allocations", None)
pytestmark = pytest.mark.skipif(
    fail_allocations is None, reason="a build without failing allocations: needs FASTGRAD_CHECKS, on Linux"
)


@contextmanager
def failing(first: int, last: int):
    """Fails the native allocations from the first to the last; gives a list that gets how many were tried."""
    tried: list[int] = []
    fail_allocations(first, last)
    try:
        yield tried
    finally:
        tried.append(fail_allocations(0, 0))


def attempt(act: Callable[[], Any], first: int, last: int) -> tuple[bool, Any, int]:
    """Whether it ran out of memory, else what it gave, and how many allocations it tried."""
    with failing(first, last) as tried:
        try:
            result, failed = act(), False
        except MemoryError:
            result, failed = None, True
    return failed, result, tried[0]


@pytest.mark.parametrize("last", ["that one", "all later ones"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_each_allocation_fails_in_turn(name: str, last: str, live_nodes: Callable[[], int]):
    act = SCENARIOS[name]()
    act()  # what is made once is there now
    expected = act()
    gc.collect()
    before = _core.memory()["live_nodes"]
    for number in range(1, 10_000):
        failed, result, tried = attempt(act, number, number if last == "that one" else 1 << 60)
        check()
        if _core.memory()["live_nodes"] != before:
            gc.collect()  # closures of own operations
        assert _core.memory()["live_nodes"] == before, f"allocation {number} failed, and nodes are lost"
        assert failed or result == expected, f"allocation {number} failed unseen"
        if tried < number:
            break
        assert act() == expected, f"after allocation {number} failed"
    assert not failed
    assert number > 1 or name == "leaves and operations", "no allocation was tried"


def test_pages_run_out_while_a_chain_grows(live_nodes: Callable[[], int]):
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
        failed, _, tried = attempt(act, 1, 1 << 60)
        assert failed
        assert tried >= 1
        assert live_nodes() == 0
        check()
    assert math.isclose((Value(2.0) * 3.0).data, 6.0)


def test_the_python_allocator_fails_in_turn():
    pytest.importorskip("_testcapi", reason="this Python comes without its own tests' _testcapi")
    run(
        """
        import gc, sys, _testcapi
        from fastgrad import Value, _core
        import fastgrad

        a, b = Value(2.0, label="a"), Value(-1.0)
        check = getattr(_core, "check", lambda: None)
        xs = [a, b, 0.5]

        def operations(): return ((a * 3.0 + b) / 7.0).tanh()
        def sequences(): return fastgrad.softmax(xs)[0] + fastgrad.dot(xs, xs)
        def looking(): return (a * 2.0)._prev, (a + b)._operands_or_constants(), a.exp().topological_order()
        def own(): return Value(3.0, (a, b), (1.0, 2.0), "label")
        def closure(): Value(3.0, (a, b), "own")._backward = check
        def sweep(): (a * b + fastgrad.logsumexp(xs)).backward(b)
        def twin(): return (a * b).__copy__(), a.detach()
        def snapshot(): return _core.place_in_graph(a * b)
        def scope(): _core.leave_scope(_core.enter_scope("a scope"))

        gc.disable()
        for act in (operations, sequences, looking, own, closure, sweep, twin, snapshot, scope):
            act()
            gc.collect()
            before = _core.memory()["live_nodes"]
            for number in range(1, 1_000):
                failed = False
                _testcapi.set_nomemory(number, number + 1)
                try:
                    act()
                except MemoryError:
                    failed = True
                finally:
                    _testcapi.remove_mem_hooks()
                check()
                if _core.memory()["live_nodes"] != before:
                    gc.collect()
                assert _core.memory()["live_nodes"] == before, (act.__name__, number)
                if not failed and number > 60:
                    break
            act()
        """
    )
