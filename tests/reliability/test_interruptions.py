"""Ctrl-C during a long computation: it stops, and the store is as it was before."""

from __future__ import annotations

import copy
import ctypes
import os
import pickle
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import fastgrad
from fastgrad import Graph, Value
from support.checks import check

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of another process")

LENGTH = 60_000


@pytest.fixture(autouse=True)
def ctrl_c_interrupts() -> Iterator[None]:
    """Makes Ctrl-C work as in a terminal: a shell's background jobs ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def chain(length: int = LENGTH) -> tuple[Value, Value]:
    x = v = Value(1.0, label="x")
    for _ in range(length // 2):
        v = v * 1.0 + x
    return x, v


def until_interrupted(act: Callable[[], Any], delay: float) -> None:
    command = f"read go; sleep {delay}; kill -INT {os.getpid()}"
    with subprocess.Popen(["sh", "-c", command], stdin=subprocess.PIPE, text=True) as sender:
        try:
            assert sender.stdin is not None
            print("go", file=sender.stdin, flush=True)  # here, where the test waits for the interrupt
            last = time.monotonic() + 600
            while time.monotonic() < last:
                act()
            pytest.fail("no interrupt came")
        except KeyboardInterrupt:
            pass


def copied(v: Value) -> Callable[[], Any]:
    return lambda: copy.deepcopy(v)


def pickled(v: Value) -> Callable[[], Any]:
    return lambda: pickle.loads(pickle.dumps(v))


def captured(v: Value) -> Callable[[], Any]:
    return lambda: Graph([v], [])


def saved_and_loaded(v: Value) -> Callable[[], Any]:
    graph = Graph([v], [])
    return lambda: pickle.loads(pickle.dumps(graph))


def replayed_on_one_thread(v: Value) -> Callable[[], Any]:
    graph = Graph([v], [])
    return lambda: graph.value_and_grad()


def replayed_on_threads(v: Value) -> Callable[[], Any]:
    x, w = Value(1.0), Value(1.0)
    y = x
    for _ in range(50):
        y = (y * w + x).sin()
    graph = Graph([y], [x])
    batch = np.ones((100_000, 1))
    return lambda: graph.value_and_grad(batch, threads=3)


WORK: dict[str, Callable[[Value], Callable[[], Any]]] = {
    "a reverse sweep": lambda v: v.backward,
    "a traversal": lambda v: v._node_count,
    "a traversal that sets": lambda v: v.zero_grad,
    "a deep copy": copied,
    "a pickle": pickled,
    "a capture and its passes": captured,
    "saving and loading": saved_and_loaded,
    "a replay": replayed_on_one_thread,
    "a replay on threads": replayed_on_threads,
}


@pytest.mark.parametrize("work", WORK)
def test_store_is_as_it_was_after_an_interruption_of(
    work: str, live_nodes: Callable[[], int], tried: Callable[..., None]
):
    x, v = chain()
    act = WORK[work](v)
    nodes = live_nodes()
    for delay in (0.01, 0.017, 0.04):
        until_interrupted(act, delay)
        check()
        assert live_nodes() == nodes
        tried()
    v.zero_grad()
    v.backward()
    assert x.grad == 1.0 + LENGTH // 2
    assert v._node_count() == LENGTH // 2 * 3 + 1  # including the constants
    act()
    assert live_nodes() <= nodes


def sets_the_interrupt() -> Any:
    """A number that leaves Ctrl-C pending when it is read: no Python code runs before the native code continues."""
    function = ctypes.PyDLL(None).PyErr_SetInterrupt
    function.restype = float  # its argument is whatever the C function leaves in a register
    return type("Interrupting", (), {"__float__": function})()


def test_pending_interrupt_stops_a_sweep_at_its_second_chunk(live_nodes: Callable[[], int]):
    x, v = chain()
    with pytest.raises(KeyboardInterrupt):
        v.backward(sets_the_interrupt())
    assert x.grad == 0.0 or x.grad != 1.0 + LENGTH // 2, "the sweep went to its end"
    check()
    v.zero_grad()
    v.backward()
    assert x.grad == 1.0 + LENGTH // 2


def test_handler_that_raises_nothing_may_sweep_and_build_while_the_sweep_waits(live_nodes: Callable[[], int]):
    x, v = chain()
    a = Value(3.0)
    seen = []

    def handle(*_: object) -> None:
        (v * a).backward()
        seen.append((a.grad, v._node_count(), len(v._prev)))
        x.grad = 0.0

    before = signal.signal(signal.SIGINT, handle)
    try:
        v.backward(sets_the_interrupt())
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == [(v.data, LENGTH // 2 * 3 + 1, 2)]
    check()
    x.grad = 0.0
    v.backward()
    assert x.grad == 1.0 + LENGTH // 2


def test_a_users_handler_is_called_after_a_traversal():
    _, v = chain()
    seen = []
    before = signal.signal(signal.SIGINT, lambda *_: seen.append(v._node_count()))
    try:
        v.backward(sets_the_interrupt())
        copy.deepcopy(v)
        ctypes.pythonapi.PyErr_SetInterrupt()
        assert v._node_count() == seen[0]
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(seen) == 2


def test_interrupted_sweep_inside_of_a_sweep_ends_both(live_nodes: Callable[[], int]):
    x, v = chain()
    out = Value(v.data, (v,), "own")
    out._backward = lambda: (v * 2.0).backward(sets_the_interrupt())
    with pytest.raises(KeyboardInterrupt):
        fastgrad.sum([out, v]).backward()
    check()
    out._backward = lambda: None
    v.zero_grad()
    v.backward()
    assert x.grad == 1.0 + LENGTH // 2
