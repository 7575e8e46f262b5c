"""Batches, threads and size: each row equals a single run of its sample, whatever the threads and callers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fastgrad import Graph, Value
from fastgrad.compile import PASSES
from support.programs import run
from support.replays import EVERY_WIDTH, INSTRUCTION_SETS, Capture, all_bits, assert_close
from support.threads import in_threads

both_ways = pytest.mark.parametrize("passes", [(), PASSES], ids=["without passes", "with all passes"])


def dot(xs: Any, ys: Any) -> Any:
    return sum(x * y for x, y in zip(xs, ys, strict=True))


def network(inputs: int = 6, width: int = 10) -> Capture:
    """Two layers, the second with the squares of the first, and one output that does not depend on the inputs."""
    numbers = iter(np.random.default_rng(3).uniform(-1.0, 1.0, 1000).tolist())
    x = [Value(next(numbers)) for _ in range(inputs)]
    first = [[Value(next(numbers)) for _ in x] for _ in range(width)]
    second = [Value(next(numbers)) for _ in range(width)]
    hidden = [dot(row, x).tanh() for row in first]
    outputs = [dot(second, hidden), dot(hidden, hidden), second[0] * second[1] + second[2]]
    return Capture(outputs, x, [w for row in first for w in row] + second)


def samples(batch: int, columns: int) -> np.ndarray:
    return np.random.default_rng(batch).uniform(-2.0, 2.0, (batch, columns))


# ---- rows


@both_ways
@pytest.mark.parametrize("instruction_set", INSTRUCTION_SETS)
@pytest.mark.parametrize("batch", [1, 2, 7, 8, 9, 31, 32, 33, 100])
def test_a_row_of_a_batch_is_that_sample_run_alone(passes: tuple[str, ...], instruction_set: str, batch: int):
    capture = network()
    graph = capture.graph(passes=passes, instruction_set=instruction_set)
    x, cotangents = samples(batch, 6), samples(batch, 9)[:, :3]
    together = capture.run(graph, x, cotangents)
    scales = capture.magnitudes(x, cotangents)
    of_bound = np.zeros(len(capture.bound))
    for i in range(batch):
        alone = capture.run(graph, x[i], cotangents[i])
        of_bound += alone.bound_gradients
        if not passes:
            assert all_bits(together.outputs[i]) == all_bits(alone.outputs)
            assert all_bits(together.input_gradients[i]) == all_bits(alone.input_gradients)
        assert together.outputs[i] == pytest.approx(alone.outputs, rel=1e-12, abs=1e-12)
        assert together.input_gradients[i] == pytest.approx(alone.input_gradients, rel=1e-12, abs=1e-12)
    assert (np.abs(together.bound_gradients - of_bound) <= 1e-12 * scales.bound_gradients + 1e-12).all()


@both_ways
def test_a_row_does_not_depend_on_the_other_rows(passes: tuple[str, ...]):
    capture = network()
    graph = capture.graph(passes=passes)
    x = samples(EVERY_WIDTH, 6)
    expected, gradients = graph.vjp(x, np.ones((EVERY_WIDTH, 3)))
    for poison in (np.nan, np.inf, 1e308):
        for row in (0, 31, 127, 128, 160, 168):
            poisoned = x.copy()
            poisoned[row] = poison
            outputs, input_gradients = graph.vjp(poisoned, np.ones((EVERY_WIDTH, 3)))
            others = np.arange(EVERY_WIDTH) != row
            assert all_bits(outputs[others]) == all_bits(expected[others])
            assert all_bits(input_gradients[others]) == all_bits(gradients[others])


@both_ways
def test_a_run_leaves_nothing_behind_for_the_next(passes: tuple[str, ...]):
    capture = network()
    graph = capture.graph(passes=passes)
    x = samples(300, 6)
    first = [capture.run(graph, x[:n], np.ones((n, 3))) for n in (1, 9, 41, 169, 300)]
    for poison in (np.nan, np.inf):
        capture.run(graph, np.full((300, 6), poison), np.full((300, 3), poison), threads=3)
    again = [capture.run(graph, x[:n], np.ones((n, 3))) for n in (1, 9, 41, 169, 300)]
    for before, after in zip(first, again, strict=True):
        for ours, theirs in zip(after, before, strict=True):
            assert all_bits(ours) == all_bits(theirs)


# ---- threads


@both_ways
@pytest.mark.parametrize("batch", [1, 40, 255, 256, 257, 512, 1000, 3000])
def test_threads_change_no_bit(passes: tuple[str, ...], batch: int):
    capture = network(3, 5)
    graph = capture.graph(passes=passes)
    x, cotangents = samples(batch, 3), samples(batch, 6)[:, :3]
    expected = capture.run(graph, x, cotangents)
    for threads in (2, 3, 8, 1000):
        for ours, theirs in zip(capture.run(graph, x, cotangents, threads), expected, strict=True):
            assert all_bits(ours) == all_bits(theirs)


@both_ways
def test_a_batch_of_several_shards_sums_bound_gradients_over_all_of_them(passes: tuple[str, ...]):
    capture = network(3, 5)
    x, cotangents = samples(3000, 3), samples(3000, 6)[:, :3]
    graph = capture.graph(passes=passes)
    parts = [capture.run(graph, x[i : i + 1000], cotangents[i : i + 1000]) for i in (0, 1000, 2000)]
    whole = capture.run(graph, x, cotangents, threads=2)
    parts[0].bound_gradients = sum(part.bound_gradients for part in parts)
    parts[0].outputs = np.concatenate([part.outputs for part in parts])
    parts[0].input_gradients = np.concatenate([part.input_gradients for part in parts])
    scales = capture.magnitudes(x, cotangents)
    for scale in scales:
        scale += 1.0
    assert_close(whole, parts[0], scales)


@both_ways
def test_several_python_threads_run_one_graph_at_once(passes: tuple[str, ...]):
    capture = network()
    graph = capture.graph(passes=passes)
    batches = [samples(n, 6) for n in (1, 5, 40, 700)]
    expected = [graph.vjp(x, np.ones((len(x), 3))) for x in batches]

    def work(number: int) -> None:
        for i in range(20):
            which = (number + i) % 4
            x = batches[which]
            outputs, gradients = graph.vjp(x, np.ones((len(x), 3)), threads=1 + i % 3)
            assert all_bits(outputs) == all_bits(expected[which][0])
            assert all_bits(gradients) == all_bits(expected[which][1])

    in_threads(4, work)


def test_several_python_threads_add_to_the_gradients_of_the_same_leaves():
    x, w = Value(1.0), Value(2.0)
    graph = Graph(w * x, [x])
    batch = np.ones((64, 1))
    in_threads(4, lambda _: [graph.value_and_grad(batch) for _ in range(50)])
    assert w.grad == 4 * 50 * 64


def test_a_forked_child_runs_graphs_with_threads_of_its_own():
    program = """
        import os, sys
        import numpy as np
        from fastgrad import Graph, Value
        x, w = Value(1.0), Value(2.0)
        graph = Graph(w * x, [x])
        batch = np.ones((2000, 1))
        assert graph(batch, threads=4).sum() == 4000.0
        child = os.fork()
        assert graph(batch, threads=4).sum() == 4000.0
        if child == 0:
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        print("done")
        """
    # Python 3.12 and later warn about threads at a fork; the child does not return to Python's own.
    assert run(program, "-W", "ignore::DeprecationWarning") == "done\n"


# ---- size


@both_ways
def test_a_chain_of_a_million_nodes(passes: tuple[str, ...]):
    x, w = Value(0.5), Value(1e-6)
    y: Any = x
    for _ in range(500_000):
        y = y + w
        y = -y
    graph = Graph(y, [x], passes=passes)
    assert graph.stats()["nodes"] == 1_000_002
    value, gradients = graph.value_and_grad([0.5])
    assert value == y.data
    replayed, w.grad = w.grad, 0.0
    y.backward()
    assert (gradients.tolist(), replayed) == ([x.grad], w.grad)


@both_ways
def test_a_sum_of_many_addends(passes: tuple[str, ...]):
    x = [Value(float(i)) for i in range(100_000)]
    graph = Graph(sum(x), x, passes=passes)
    value, gradients = graph.value_and_grad(np.arange(100_000.0))
    assert value == sum(range(100_000))
    assert gradients.tolist() == [1.0] * 100_000


@both_ways
def test_a_graph_too_wide_for_32_samples_at_a_time(passes: tuple[str, ...]):
    """The numbers of 32 samples would not stay in the cache, so they run 8 at a time."""
    x, w = [Value(0.001 * i) for i in range(3000)], [Value(0.5) for _ in range(3000)]
    capture = Capture([dot([v.tanh() for v in x], w)], x, w)
    plain, graph = capture.graph(passes=()), capture.graph(passes=passes)
    rows, cotangents = samples(41, 3000), samples(41, 1)
    expected = capture.run(plain, rows, cotangents)
    assert_close(capture.run(graph, rows, cotangents), expected, capture.magnitudes(rows, cotangents))
