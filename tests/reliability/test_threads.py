"""Threads with the GIL may do at the same time whatever they may do alone.

Further tests of threads are with their subjects: `no_grad`, scopes, recordings, batches, custom operations,
processes.
"""

from __future__ import annotations

import queue
import sys
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from fastgrad import Graph, Value, no_grad, scope
from support.programs import run
from support.scenarios import SCENARIOS, gradients, graph_of
from support.threads import in_threads


@pytest.fixture(autouse=True)
def threads_take_turns_often() -> Iterator[None]:
    """Makes threads switch a thousand times as often as usual."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    yield
    sys.setswitchinterval(before)


def numbers_of_a_life(seed: int) -> list[float]:
    """Builds a graph of every kind of node, sweeps it twice, and drops it."""
    a, b = Value(1.0 + seed / 8.0), Value(-0.5)
    root = graph_of(a, b)
    root.backward()
    root.backward(0.25)
    return [root.data, *gradients(a, b)]


def test_each_thread_has_graphs_of_its_own(live_nodes: Callable[[], int]):
    expected = [numbers_of_a_life(seed) for seed in range(8)]

    def work(number: int) -> None:
        for i in range(60):
            seed = (number + i) % 8
            assert numbers_of_a_life(seed) == expected[seed]

    in_threads(8, work)
    assert live_nodes() == 0


def test_everything_at_once(live_nodes: Callable[[], int]):
    """Every scenario of `scenarios.py` in each of four threads, which start with different ones."""
    expected = {name: prepare()() for name, prepare in SCENARIOS.items()}
    names = list(SCENARIOS)

    def work(number: int) -> None:
        for i in range(len(names)):
            name = names[(i + number * 4) % len(names)]
            act = SCENARIOS[name]()
            assert [act(), act()] == [expected[name]] * 2, name

    in_threads(4, work)
    assert live_nodes() == 0


def test_threads_share_leaves(live_nodes: Callable[[], int]):
    shared = Value(0.5)

    def work(seed: int) -> None:
        for i in range(100):
            x = Value(float(seed))
            v = x * shared
            for _ in range(20):
                v = v + x * float(i)
            v.backward()
            assert x.grad == 0.5 + 20.0 * i

    in_threads(8, work)
    assert shared.grad == 100.0 * sum(range(8))
    assert live_nodes() == 1


def test_a_value_that_one_thread_made_is_used_and_dropped_by_others(live_nodes: Callable[[], int]):
    x = Value(1.0)
    made: queue.Queue[Value] = queue.Queue()
    for _ in range(4):
        made.put(x * 1.0)

    def work(_: int) -> None:
        for _ in range(500):
            made.put(made.get() + x)

    in_threads(4, work)
    total = sum(made.get() for _ in range(4))
    assert isinstance(total, Value)
    total.backward()
    assert (total.data, x.grad) == (2004.0, 2004.0)
    del total
    assert live_nodes() == 1


@pytest.mark.usefixtures("live_nodes")
def test_threads_sweep_the_same_graph():
    a, b = Value(2.0), Value(-1.0)
    root = a * b + sum(a * float(i) for i in range(40))

    def work(_: int) -> None:
        for _ in range(50):
            root.backward()

    in_threads(4, work)
    assert (a.grad, b.grad) == (200.0 * (sum(range(40)) - 1.0), 200.0 * 2.0)


@pytest.mark.usefixtures("live_nodes")
def test_one_graph_is_captured_and_run_while_others_build():
    x, w = Value(0.5), Value(3.0)
    root = (x * w).tanh() * w + x
    rows = np.linspace(-1.0, 1.0, 600).reshape(600, 1)
    single, (batch, slopes) = Graph(root, [x])([0.25]), Graph(root, [x]).value_and_grad(rows)
    graph = Graph(root, [x])

    def work(number: int) -> None:
        for _ in range(20):
            if number % 2:
                numbers_of_a_life(number)
                continue
            mine = graph if number else Graph(root, [x])
            assert mine([0.25]).tobytes() == single.tobytes()
            values, gradients = mine.value_and_grad(rows, threads=2)
            assert (values.tobytes(), gradients.tobytes()) == (batch.tobytes(), slopes.tobytes())

    in_threads(6, work)


def test_a_run_sees_one_number_of_each_leaf():
    """It reads them at its beginning, so no sample is computed with another number than the first one."""
    x, w = Value(1.0), Value(1.0)
    graph = Graph(x * w, [x])
    rows = np.ones((2000, 1))

    def work(number: int) -> None:
        for i in range(100):
            if number == 0:
                w.data = float(i)
            else:
                assert np.ptp(graph(rows, threads=2)) == 0.0

    in_threads(4, work)


def test_no_grad_and_scopes_are_each_threads_own():
    a = Value(2.0)

    def work(number: int) -> None:
        for i in range(100):
            assert (a * a)._prev == {a}
            with scope(f"thread {number}"), scope(f"round {i % 3}"):
                assert (a * a)._scope == f"thread {number}/round {i % 3}"
            if number % 2:
                with no_grad():
                    assert (a * a)._prev == set()

    in_threads(6, work)


def test_scopes_and_no_grad_left_open_end_with_their_thread():
    run(
        """
        import threading
        from fastgrad import Value, no_grad, scope
        a = Value(2.0)
        def leave_open():
            scope("left open").__enter__()
            assert (a * a)._scope == "left open"
            no_grad().__enter__()
            assert (a * a)._prev == set()
        def look():
            assert ((a * a)._prev, (a * a)._scope) == ({a}, "")
        for target in (leave_open, look):
            thread = threading.Thread(target=target)
            thread.start()
            thread.join()
        look()
        """
    )
