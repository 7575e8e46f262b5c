"""Lifetimes: types, nodes, memory, threads, and ten million nodes."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import sys
import threading
import weakref
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from fastgrad import Graph, Value, _core
from support.checks import check
from support.endurance import ACTS, grown
from support.programs import run

DEEP = 1_000_000

# AddressSanitizer holds freed memory back, which counts as resident: off for processes whose memory is measured.
SMALL_QUARANTINE = f"{os.environ.get('ASAN_OPTIONS', '')}:quarantine_size_mb=1:thread_local_quarantine_size_kb=64"


def chain(length: int) -> tuple[Value, Value]:
    x = v = Value(1.0)
    for _ in range(length):
        v = v * 1.0
    return x, v


needs_proc = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")

# ---- counts


def test_plain_values_stay_outside_the_garbage_collector():
    assert not gc.is_tracked(Value(1.0))
    assert not gc.is_tracked(Value(1.0) * 2.0)
    assert not Value.__flags__ & 1 << 14, "Py_TPFLAGS_HAVE_GC without a collector's header before each object"


def test_values_in_containers_survive_the_garbage_collector():
    run(
        """
        import gc
        from fastgrad import Value
        for _ in range(100):
            held = [Value(float(i)) * 2.0 for i in range(500)]
            others = [[i] for i in range(500)]
            gc.collect(0)
            assert held[7].data == 14.0
        """
    )


@needs_proc
def test_a_million_values_leave_nothing():
    program = """
        import gc, os, sys
        from fastgrad import Value, _core

        def resident_bytes():
            with open("/proc/self/statm", encoding="ascii") as statm:
                return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

        def build(times):
            a = Value(2.0)
            for i in range(times):
                v = (a * float(i) + 1.0).tanh()
                v.label = "v"
                if i % 100 == 0:
                    v.backward()
                    v.topological_order()
                    Value(1.0, (v,), (2.0,)).backward()

        build(50_000)
        gc.collect()
        types, resident = sys.getrefcount(Value), resident_bytes()
        build(350_000)
        gc.collect()
        assert sys.getrefcount(Value) == types
        assert _core.memory()["live_nodes"] == 0
        growth = resident_bytes() - resident
        assert growth < 4 << 20, growth
        """
    run(program, ASAN_OPTIONS=SMALL_QUARANTINE)


def test_reference_counts_of_a_subclass_and_of_operands_come_back(live_nodes: Callable[[], int]):
    class Parameter(Value):
        pass

    number, label = 12345.678, "a label of its own"
    things = (Parameter, number, label, None)
    before = [sys.getrefcount(thing) for thing in things]
    for _ in range(1_000):
        p = Parameter(number, label=label)
        (p * number + 1.0).backward(number)
        p.data = number
        p.label = label
    del p
    assert [sys.getrefcount(thing) for thing in things] == pytest.approx(before, abs=5)


def test_exception_in_the_middle_of_an_expression_leaves_nothing(live_nodes: Callable[[], int]):
    a = Value(1.0)
    for _ in range(1_000):
        with pytest.raises(ZeroDivisionError):
            (a * 2.0 + 3.0).exp() / ((a - a) * 5.0)
    assert live_nodes() == 1


def test_exactly_what_a_value_needs_stays_alive(live_nodes: Callable[[], int]):
    a = Value(1.0)
    b = a * 2.0
    c = b + a
    assert live_nodes() == 3
    del b
    assert live_nodes() == 3
    del c
    assert live_nodes() == 1
    constant = (a * 7.0)._prev - {a}
    assert live_nodes() == 2
    del constant


def test_history_lives_while_its_result_does(live_nodes: Callable[[], int]):
    x, v = chain(1_000)
    assert live_nodes() == 1_001
    kept = v.detach()
    del v
    assert live_nodes() == 2
    assert (x.data, kept.data) == (1.0, 1.0)


@needs_proc
@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
def test_graphs_and_errors_leave_no_node_and_no_reference(act: Callable[[int], None], live_nodes: Callable[[], int]):
    growth = grown(2_000, act)
    assert (growth.nodes, growth.references) == (0, 0)


# ---- weak references


def test_weak_references_die_with_the_object():
    a = Value(1.0)
    product = a * 2.0
    seen: list[str] = []
    gone, gone_product = weakref.ref(a, lambda _: seen.append("a")), weakref.ref(product)
    assert gone() is a
    del product
    assert gone_product() is None
    del a
    assert (gone(), seen) == (None, ["a"])


def test_weak_containers_of_values():
    a, b = Value(1.0), Value(2.0)
    names = weakref.WeakKeyDictionary({a: "a", b: "b"})
    product = a * b
    del b
    assert [names.get(v) for v in (a, *product._prev)].count("a") == 2
    assert len(names) == 1


def test_callback_of_a_weak_reference_may_look_at_the_graph():
    output = run(
        """
        import weakref
        from fastgrad import Value
        a = Value(1.0, label="a")
        b = a * 2.0
        seen = []
        watch = weakref.ref(a, lambda _: seen.extend(v for v in b._prev if v.label == "a"))
        del a
        others = [Value(float(i)) for i in range(5, 2000)]
        (again,) = (v for v in b._prev if v.label == "a")
        assert seen[0] is again, "two objects for one node"
        print(seen[0].data, again.data, len(set(others)))
        """
    )
    assert output == "1.0 1.0 1995\n"


def test_finalizer_of_a_subclass_may_look_at_the_graph(live_nodes: Callable[[], int]):
    seen = []

    class Noisy(Value):
        def __del__(self) -> None:
            seen.append((self.data, self._prev, (self * 2.0).data))

    root = Noisy(3.0) * 2.0
    del root
    assert seen == [(3.0, set(), 6.0)]


def test_finalizer_of_a_subclass_may_keep_the_object(live_nodes: Callable[[], int]):
    kept = []

    class Undying(Value):
        def __del__(self) -> None:
            kept.append(self)

    root = Undying(3.0, label="again") * 2.0
    del root
    (again,) = kept
    assert (again.data, again.label) == (3.0, "again")
    (again * 2.0).backward()
    assert again.grad == 2.0
    check()
    kept.clear()
    del again
    assert live_nodes() == 0, "a finalizer runs once"


# ---- memory


def test_training_loop_runs_in_constant_memory(live_nodes: Callable[[], int]):
    weights = [Value(0.1 * i) for i in range(20)]

    def step() -> tuple[int, int]:
        loss = sum((sum(w * float(i) for w in weights).tanh() - 0.5) ** 2 for i in range(50))
        loss.backward()
        for w in weights:
            w.data -= 0.01 * w.grad
            w.grad = 0.0
        memory = _core.memory()
        return memory["live_nodes"], memory["bytes"]

    first = step()
    assert {step() for _ in range(50)} == {first}


def test_parameters_do_not_pin_the_memory_of_a_step(live_nodes: Callable[[], int]):
    before = _core.memory()["chunks"]
    kept = []
    for _ in range(200):
        kept.append(Value(1.0))
        chain(2_000)
    assert live_nodes() == 200
    assert _core.memory()["chunks"] <= before + 2  # a step fills two, which each pinned step would keep
    del kept


def test_ten_million_nodes_are_built_swept_copied_freed_and_their_memory_used_again(found: Counter[str]):
    output = run(
        """
        import copy, gc, os, sys
        from fastgrad import Value, _core
        gc.disable()

        def resident_bytes():
            if not sys.platform.startswith("linux"):
                return 0
            with open("/proc/self/statm", encoding="ascii") as statm:
                return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

        def build(n):
            x = v = Value(1.0)
            for _ in range(n // 2):
                v = v * 1.0 + 0.5
            v.backward()
            assert x.grad == 1.0
            return v

        n = 10_000_000
        start = resident_bytes()
        v = build(n)
        peak = resident_bytes()
        first = _core.memory()
        assert first["live_nodes"] == n + 1
        assert first["bytes"] <= 64 * n, first["bytes"] / n
        del v
        freed = _core.memory()
        assert freed["live_nodes"] == 0
        assert freed["bytes"] <= 32 << 20, freed["bytes"]
        kept = resident_bytes() - start
        assert kept <= 0.05 * (peak - start), (start, peak, kept)

        v = build(n)
        assert _core.memory()["peak_bytes"] == first["peak_bytes"]
        twin = copy.deepcopy(v)
        assert twin._node_count() == v._node_count() == 2 * n + 1  # with the constants
        assert twin.data == v.data
        del v
        twin.backward(2.0)
        del twin
        assert _core.memory()["live_nodes"] == 0
        print(freed["live_nodes"], kept, peak - start)
        """,
        ASAN_OPTIONS=SMALL_QUARANTINE,
    )
    found["nodes"], found["bytes"], found["peak"] = map(int, output.split())


# ---- depth, threads, processes


def test_deep_chain_on_a_small_stack(live_nodes: Callable[[], int]):
    failures: list[BaseException] = []

    def work() -> None:
        try:
            x, v = chain(DEEP)
            v.backward()
            assert x.grad == 1.0
            assert v._node_count() == 2 * DEEP + 1  # each constant counts as a leaf
            twin = copy.copy(v)
            v.zero_grad()
            del v, twin
            _, v = chain(DEEP // 10)
            again = pickle.loads(pickle.dumps(copy.deepcopy(v)))
            assert again.data == v.data
            assert f"{DEEP // 10 + 1:,} Values" in v.draw_dot().source
            assert Graph([v], [])()[0] == v.data
        except BaseException as error:
            failures.append(error)

    before = threading.stack_size(65_536)
    try:
        thread = threading.Thread(target=work)
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    assert failures == []


def test_sweeps_of_two_threads_may_overlap_in_their_closures():
    output = run(
        """
        import threading
        from fastgrad import Value
        in_first, in_second, first_done = threading.Event(), threading.Event(), threading.Event()

        def build(entered, other):
            a = Value(2.0)
            b = a * 3.0
            out = Value(b.data, (b,), "own")
            def step():
                entered.set()
                other.wait(10)
                b.grad += out.grad
            out._backward = step
            return a, out * b

        first, first_loss = build(in_first, in_second)
        second, second_loss = build(in_second, first_done)

        def run_first():
            first_loss.backward()
            first_done.set()

        def run_second():
            in_first.wait(10)
            second_loss.backward()

        threads = [threading.Thread(target=run) for run in (run_first, run_second)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        print(first.grad, second.grad)
        """
    )
    assert output == "36.0 36.0\n"


def test_closure_may_drop_the_graph_that_is_being_swept():
    output = run(
        """
        from fastgrad import Value, _core
        a = Value(2.0)
        unnamed = [a * 5.0 for _ in range(100)]
        b = a * 3.0
        out = Value(b.data, (b,), "own")
        root = out * sum(unnamed)
        del unnamed
        def step():
            global out
            del out
            before = _core.memory()["live_nodes"]
            root.__init__(1.0)
            assert _core.memory()["live_nodes"] == before + 1, "the sweep holds its graph"
            junk = [Value(7.0) * 3.0 for _ in range(5000)]
        out._backward = step
        root.backward()
        print(root.data, a.grad)
        (b * 2.0).backward()
        print(a.grad)
        """
    )
    assert output == "1.0 3000.0\n3006.0\n"


def test_number_that_changes_an_operand_while_it_is_read():
    output = run(
        """
        from fastgrad import Value
        a = Value(1.0, label="a")
        junk = []
        class Sly:
            def __float__(self):
                a.__init__(5.0)
                junk.extend(Value(9.0) for _ in range(5))
                return 1.0
        v = Value(1.0, (a,), (Sly(),))
        print([operand.data in (1.0, 5.0) for operand in v._operands()])
        """
    )
    assert output == "[True]\n"


def test_values_may_be_dropped_in_any_order(live_nodes: Callable[[], int]):
    def nodes_of(order: Callable[[list[Any]], list[Any]]) -> None:
        values = [Value(1.0)]
        for i in range(2_000):
            values.append(values[-1] * values[i // 2])
        values = order(values)
        while values:
            values.pop()

    nodes_of(lambda values: values)
    nodes_of(lambda values: values[::-1])
    nodes_of(lambda values: values[::2] + values[1::2])
    assert live_nodes() == 0
