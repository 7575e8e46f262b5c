"""Recorded functions as objects: metadata, methods, copies, threads, and how long they keep what they hold alive."""

from __future__ import annotations

import copy
import functools
import gc
import pickle
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from fastgrad import Value, jit, vmap
from support.programs import run
from support.recordings import Counted, assert_same_as_eager
from support.threads import in_threads

# ---- as functions


@jit
def module_level(x: Any, y: Any = 2.0) -> Any:
    """Multiply."""
    return x * y


def test_it_looks_like_the_function_that_it_was_made_of():
    assert (module_level.__name__, module_level.__doc__, module_level.__module__) == (
        "module_level", "Multiply.", __name__,
    )  # fmt: skip
    assert module_level.__wrapped__(3.0) == 6.0
    assert repr(module_level).startswith("<recorded <function module_level at ")
    mapped = vmap(module_level.__wrapped__)
    assert (mapped.__name__, mapped.__doc__) == ("module_level", "Multiply.")


def test_copies_and_pickles_of_it_are_itself_as_with_any_function():
    for twin in (copy.copy(module_level), copy.deepcopy(module_level), pickle.loads(pickle.dumps(module_level))):
        assert twin is module_level


class Scale:
    """A callable object with state."""

    def __init__(self, factor: float) -> None:
        self.factor = Value(factor)

    def __call__(self, x: Any) -> Any:
        return x * self.factor


def test_lambdas_partials_callables_and_builtins():
    w = Value(3.0)
    for function in (
        lambda x: x * w,
        functools.partial(lambda w, x: x * w, w),
        functools.partial(module_level.__wrapped__, y=w),
        Scale(3.0),
        w.__mul__,
    ):
        f = jit(function)
        assert [f(2.0).data, f(3.0).data, f.recordings] == [6.0, 9.0, 1]
    assert jit(sum)([1.0, Value(2.0)]).data == 3.0
    assert jit(functools.partial(module_level, 2.0))(y=w)._op == "partial"


def test_decorated_twice_it_is_recorded_once():
    counted = Counted(lambda x: x * 2.0)
    f = jit(jit(counted))
    assert [f(1.0).data, f(2.0).data, counted.runs] == [2.0, 4.0, 1]


# ---- as methods


class Model:
    runs = 0

    def __init__(self, w: float) -> None:
        self.w = Value(w)

    @jit
    def loss(self, x: Any) -> Any:
        type(self).runs += 1
        return self.w * x

    @vmap(reduce="sum")
    def total(self, x: Any) -> Any:
        return self.w * x

    @staticmethod
    @jit
    def twice(x: Any) -> Any:
        return x * 2.0

    @property
    @jit
    def squared(self) -> Any:
        return self.w * self.w

    multiply = jit(loss.__wrapped__)
    triple = jit(functools.partial(module_level.__wrapped__, 3.0))


class Shifted(Model):
    @jit
    def loss(self, x: Any) -> Any:
        return super().loss(x) + 100.0


def test_each_instance_has_separate_recordings():
    Model.runs = 0
    a, b = Model(2.0), Model(3.0)
    for _ in range(3):
        assert (a.loss(10.0).data, b.loss(10.0).data) == (20.0, 30.0)
    assert Model.runs == 2
    assert (a.loss.recordings, b.loss.recordings, Model.loss.recordings) == (1, 1, 0)
    a.w.data = 5.0
    result = a.loss(10.0)
    result.backward()
    assert (result.data, a.w.grad, b.w.grad) == (50.0, 10.0, 0.0)


def test_other_kinds_of_methods():
    model = Model(2.0)
    for _ in range(2):
        assert model.total([1.0, 2.0]).data == 6.0
        assert model.twice(4.0).data == Model.twice(4.0).data == 8.0
        assert model.multiply(4.0).data == 8.0
        assert model.triple(4.0).data == 12.0
    assert model.total.recordings == model.multiply.recordings == 1
    assert model.loss.recordings == 0, "`multiply` has the function's name, and yet is another method"


def test_a_method_that_calls_the_one_that_it_overrides():
    model = Shifted(2.0)
    assert [model.loss(1.0).data for _ in range(3)] == [102.0] * 3
    assert super(Shifted, model).loss(1.0).data == 2.0
    assert model.loss(1.0).data == 102.0


def test_a_copy_of_an_instance_has_separate_recordings():
    model = Model(2.0)
    model.loss(1.0)
    kept = model.loss
    for twin in (copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        twin.w = Value(7.0)
        assert [twin.loss(1.0).data, model.loss(1.0).data, twin.loss(1.0).data] == [7.0, 2.0, 7.0]
        assert twin.loss.recordings == 1
    assert kept is model.loss
    assert pickle.loads(pickle.dumps(model.loss))(1.0).data == 2.0
    model.callback = model.loss
    twin = copy.deepcopy(model)
    twin.w.data = 9.0
    assert twin.callback(1.0).data == 9.0


def test_an_instance_that_cannot_keep_recordings_is_an_error():
    class Slotted:
        __slots__ = ("w",)

        @jit
        def loss(self, x: Any) -> Any:
            return x * self.w

    with pytest.raises(TypeError, match=r"loss\(\) keeps its recordings in the __dict__ of the instance"):
        Slotted().loss(1.0)


def test_instances_can_be_collected(live_nodes: Callable[[], int]):
    model = Model(2.0)
    model.loss(model.total([1.0, 2.0])).backward()
    gone = weakref.ref(model)
    assert live_nodes() > 0
    del model
    gc.collect()
    assert gone() is None


# ---- subclasses


class Parameter(Value):
    """A Value with a name, as users define them."""

    def __init__(self, data: float, name: str) -> None:
        super().__init__(data)
        self.name = name


def test_instances_of_subclasses_as_arguments_and_from_outside():
    w, x = Parameter(2.0, "w"), Parameter(3.0, "x")
    assert_same_as_eager(jit(lambda x: x * w), lambda x: x * w, (x,), [w])
    assert_same_as_eager(jit(lambda x: [x * w, x]), lambda x: [x * w, x], (x,), [w])


def test_attributes_of_subclasses_live_as_long_as_the_recording_and_the_result(live_nodes: Callable[[], int]):
    w, x = Parameter(2.0, "w"), Parameter(3.0, "x")
    gone = weakref.ref(w)

    def recorded(w: Value) -> Any:
        return jit(lambda x: x * w)

    f = recorded(w)
    result = f(x)
    del w, x
    gc.collect()
    (operand,) = result._prev
    assert (type(operand), operand.name) == (Parameter, "x")
    result.backward()
    assert (operand.grad, gone().grad, gone().name) == (2.0, 3.0, "w")
    del f
    gc.collect()
    assert gone() is not None, "the result still has to reach it"
    result.backward()
    assert gone().grad == 6.0
    del result, operand
    gc.collect()
    assert gone() is None


# ---- memory


def test_repeated_calls_leave_nothing(live_nodes: Callable[[], int]):
    w = Value(2.0)
    one, several = jit(lambda x, a: (x * w).tanh() + a.sum()), jit(lambda x: {"a": x * w, "b": [x]})
    total = vmap(lambda x: x * w, reduce="sum")
    by_way = jit(lambda x: x * w if x > 0.0 else -x)

    def calls() -> None:
        x = Value(0.5)
        (one(x, np_ones) * several(x)["a"] + total([x, 2.0]) + by_way(x) + by_way(-0.5)).backward()
        several(x)

    import numpy as np

    np_ones = np.ones(3)
    calls()
    alive = live_nodes()
    for _ in range(100):
        calls()
    assert live_nodes() == alive


def test_a_recording_keeps_the_leaves_that_it_reads_and_nothing_else(live_nodes: Callable[[], int]):
    def recorded() -> Any:
        w, unused = Value(2.0), Value(3.0)
        f = jit(lambda x: (x * w).tanh() + (unused * 0.0 if x is None else 1.0) + Value(5.0) * x)
        f(1.0)
        return f._recordings

    recordings = recorded()
    gc.collect()
    assert live_nodes() == 1
    assert len(recordings) == 1


def test_results_keep_the_recording_alive(live_nodes: Callable[[], int]):
    x, w = Value(3.0), Value(2.0)
    f = jit(lambda x: [x * w, x])
    result = f(x)[0] + jit(lambda x: x * w)(x)
    del f
    gc.collect()
    result.backward()
    assert (x.grad, w.grad) == (4.0, 6.0)


def test_a_function_that_holds_its_own_results_can_be_collected(live_nodes: Callable[[], int]):
    w = Value(2.0)

    def f(x: Any) -> Any:
        return x * w

    recorded = jit(f)
    f.results = [recorded(Value(1.0)), recorded]
    gone = weakref.ref(recorded)
    del f, recorded
    gc.collect()
    assert gone() is None


def test_long_chains_of_calls(live_nodes: Callable[[], int]):
    one, several = jit(lambda x: x * 1.0), jit(lambda x: (x, x * 1.0))
    x = Value(1.0)
    v = x
    for _ in range(20_000):
        v = several(one(v))[1]
    v.backward()
    assert (v.data, x.grad) == (1.0, 1.0)
    del v


def test_recorded_functions_at_the_end_of_the_interpreter():
    printed = run(
        """
        from fastgrad import Value, jit, vmap

        class Parameter(Value):
            pass

        w = Parameter(2.0)
        f = jit(lambda x: [x * w, x])
        g = vmap(lambda x: x * w)
        results = f(Value(3.0)), g([1.0, Value(2.0)])
        results[0][0].backward()
        w.recorded = f
        print(w.grad)
        """
    )
    assert printed == "3.0\n"


# ---- threads


def test_one_recorded_function_in_many_threads():
    runs: list[int] = []

    def f(x: Any, ys: Any) -> Any:
        runs.append(1)
        total = sum((x * y).tanh() for y in ys)
        return total if x < 0.5 else total * x

    recorded = jit(f)
    ys = [i / 200.0 for i in range(200)]
    failures: list[Any] = []
    expected = {}
    for i in range(10):
        x = Value(i / 10.0)
        f(x, ys).backward()
        expected[i] = x.grad

    def work(first: int) -> None:
        for i in [(first + k) % 10 for k in range(30)]:
            x = Value(i / 10.0)
            recorded(x, ys).backward()
            if x.grad != pytest.approx(expected[i], rel=1e-12):
                failures.append((i, x.grad, expected[i]))

    in_threads(8, work)
    assert failures == []
    assert recorded.recordings == 2, "threads that record at the same time leave one recording for each way"
