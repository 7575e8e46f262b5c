"""Custom operations: closures and local gradients, their place in a sweep, and how they are freed."""

from __future__ import annotations

import functools
import gc
import math
import weakref
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from fastgrad import Value
from support.interpreters import FREE_THREADED

# ---- idioms


def tanh(v: Value) -> Value:
    """micrograd's idiom: a closure that refers to its own output."""
    t = math.tanh(v.data)
    out = Value(t, (v,), "tanh")

    def _backward() -> None:
        v.grad += (1.0 - t * t) * out.grad

    out._backward = _backward
    return out


def tanh_by_local_gradient(v: Value) -> Value:
    """microgpt's idiom."""
    t = math.tanh(v.data)
    return Value(t, (v,), (1.0 - t * t,))


def tanh_by_partial(v: Value) -> Value:
    t = math.tanh(v.data)
    out = Value(t, (v,), "tanh")

    def add(target: Value, source: Value) -> None:
        target.grad += (1.0 - t * t) * source.grad

    out._backward = functools.partial(add, v, out)
    return out


def tanh_by_default_argument(v: Value) -> Value:
    t = math.tanh(v.data)
    out = Value(t, (v,), "tanh")

    def _backward(v: Value = v, out: Value = out) -> None:
        v.grad += (1.0 - t * t) * out.grad

    out._backward = _backward
    return out


class Tanh:
    """An operation as an object that keeps its input and output."""

    def __call__(self, v: Value) -> Value:
        self.v, self.t = v, math.tanh(v.data)
        self.out = Value(self.t, (v,), "tanh")
        self.out._backward = self.step
        return self.out

    def step(self) -> None:
        self.v.grad += (1.0 - self.t**2) * self.out.grad


IDIOMS: dict[str, Callable[[Value], Value]] = {
    "closure": tanh,
    "local gradient": tanh_by_local_gradient,
    "partial": tanh_by_partial,
    "default argument": tanh_by_default_argument,
    "bound method": lambda v: Tanh()(v),
}
every_idiom = pytest.mark.parametrize("own_tanh", IDIOMS.values(), ids=IDIOMS)


def network(own_tanh: Callable[[Value], Value], width: int, depth: int) -> tuple[Value, list[Value]]:
    """Layers of neurons with a custom activation."""
    inputs = layer = [Value(0.1 * i - 0.3) for i in range(width)]
    for _ in range(depth):
        total = sum(layer)
        layer = [own_tanh(total * 0.3 + v) for v in layer]
    return sum(layer), inputs


@every_idiom
def test_custom_operation_differentiates_as_the_built_in_one(own_tanh: Callable[[Value], Value]):
    ours, our_inputs = network(own_tanh, 4, 3)
    theirs, their_inputs = network(Value.tanh, 4, 3)
    for times in (1, 2):
        ours.backward()
        theirs.backward()
        assert ours.data == theirs.data
        assert [v.grad for v in our_inputs] == pytest.approx([v.grad for v in their_inputs], rel=1e-14), times


@every_idiom
def test_custom_operation_has_children_and_a_symbol(own_tanh: Callable[[Value], Value]):
    v = Value(0.5)
    out = own_tanh(v)
    assert isinstance(out, Value)
    assert repr(out) == f"Value(data={math.tanh(0.5)})"
    assert out._prev == {v}
    assert out._op in ("tanh", "")


def test_assigned_closure_can_be_read_and_replaced():
    a = Value(2.0)
    out = Value(4.0, (a,), "square")
    assert callable(out._backward)
    for factor in (1.0, 10.0):

        def step(factor: float = factor) -> None:
            a.grad += factor * out.grad

        out._backward = step
        assert out._backward is step
    out.backward()
    assert a.grad == 10.0


def test_custom_operation_without_a_closure_passes_nothing():
    a = Value(2.0)
    out = Value(4.0, (a,), "square")
    out.backward()
    assert (out.grad, a.grad) == (1.0, 0.0)


@pytest.mark.parametrize("kind", [tuple, list, set, frozenset, iter], ids=lambda kind: kind.__name__)
def test_children_may_come_in_any_iterable(kind: Callable[[Iterable[Value]], Any]):
    a, b, c = Value(1.0), Value(2.0), Value(3.0)
    out = Value(6.0, kind([a, b, c]), "sum")
    assert out._prev == {a, b, c}


def test_operation_of_many_children():
    values = [Value(float(i)) for i in range(100)]
    norm = math.sqrt(sum(v.data**2 for v in values))
    out = Value(norm, values, [v.data / norm for v in values])
    (out * 2.0).backward()
    assert [v.grad for v in values] == [2.0 * (v.data / norm) for v in values]
    assert out._prev == set(values)


def test_child_named_twice_gets_both_contributions():
    a = Value(3.0)
    out = Value(9.0, (a, a), (3.0, 3.0))
    out.backward()
    assert (a.grad, out._prev) == (6.0, {a})


def test_symbol_and_label_are_any_text():
    out = Value(1.0, (Value(1.0),), "a\0b|é", "label")
    assert (out._op, out.label) == ("a\0b|é", "label")


def test_value_without_children_is_a_leaf_whatever_its_symbol():
    v = Value(2.0, (), "input")
    root = v * 3.0
    root.backward()
    root.backward()
    assert v.grad == 6.0


def test_step_by_hand_runs_the_closure():
    a = Value(0.5)
    out = tanh(a)
    out.grad = 1.0
    out._backward()
    out._backward()
    assert a.grad == 2.0 * (1.0 - math.tanh(0.5) ** 2)


def test_interior_children_start_from_zero_in_each_sweep():
    a = Value(0.5)
    b = a * 2.0
    out = tanh(b)
    out.backward()
    first = b.grad
    out.backward()
    assert b.grad == first
    assert a.grad == 4.0 * first


# ---- closures that fail, or do more than add


def test_error_in_a_closure_is_raised_and_the_next_sweep_is_right():
    a = Value(2.0)
    b = a * 3.0
    out = Value(b.data, (b,), "fails")
    failing = True

    def step() -> None:
        if failing:
            raise LookupError("from the closure")
        b.grad += out.grad

    out._backward = step
    root = out * b
    with pytest.raises(LookupError, match="from the closure"):
        root.backward()
    failing = False
    root.zero_grad()
    root.backward()
    assert (a.grad, b.grad, out.grad) == (36.0, 12.0, 6.0)
    other = a * b
    a.grad = 0.0
    other.backward()
    assert a.grad == 12.0


def test_closure_may_differentiate_another_graph():
    w = Value(3.0)
    inner = tanh(w * w)
    a = Value(2.0)
    b = a * 5.0
    out = Value(b.data, (b,), "own")

    def step() -> None:
        inner.backward()
        b.grad += w.grad * out.grad

    out._backward = step
    (out + a).backward()
    assert w.grad == 6.0 * (1.0 - math.tanh(9.0) ** 2)
    assert (a.grad, b.grad) == (1.0 + 5.0 * w.grad, w.grad)


def test_closure_may_differentiate_a_graph_that_shares_nodes():
    a = Value(2.0)
    shared = a * a
    aside = shared * 10.0
    out = Value(shared.data, (shared,), "own")

    def step() -> None:
        before = a.grad
        aside.backward()
        a.grad = before
        shared.grad += 3.0 * out.grad

    out._backward = step
    root = shared * 7.0 + out
    root.backward()
    assert (shared.grad, a.grad) == (10.0, 40.0)


def test_closure_may_build_and_drop_graphs():
    a = Value(2.0)
    b = a * 3.0
    out = Value(b.data, (b,), "own")

    def step() -> None:
        v = Value(1.0)
        for _ in range(5_000):
            v = v * 1.0 + 0.0
        v.backward()
        gc.collect()
        b.grad += out.grad

    out._backward = step
    (out * 2.0).backward()
    assert a.grad == 6.0


def test_closure_may_replace_itself():
    a = Value(2.0)
    out = Value(2.0, (a,), "own")

    def again() -> None:
        a.grad += 100.0 * out.grad

    def once() -> None:
        out._backward = again
        a.grad += out.grad

    out._backward = once
    out.backward()
    out.backward()
    assert a.grad == 101.0


# ---- lifetime


@every_idiom
def test_custom_operation_is_collected(own_tanh: Callable[[Value], Value], live_nodes: Callable[[], int]):
    for _ in range(10):
        own_tanh(Value(0.5) * 2.0).backward()
    assert live_nodes() == 0


@every_idiom
def test_layers_of_custom_operations_go_with_one_run_of_the_collector(
    own_tanh: Callable[[Value], Value], live_nodes: Callable[[], int]
):
    loss, inputs = network(own_tanh, 5, 8)
    loss.backward()
    del loss, inputs
    assert live_nodes() == 0  # which runs the collector once


def test_closure_is_alive_while_anything_needs_it(live_nodes: Callable[[], int]):
    a = Value(0.5)
    root = tanh(a) * 2.0
    gc.collect()
    root.backward()
    assert a.grad == 2.0 * (1.0 - math.tanh(0.5) ** 2)
    (out,) = (v for v in root._prev if v._op == "tanh")
    del root
    gc.collect()
    a.grad = 0.0
    out.backward()
    assert a.grad == 1.0 - math.tanh(0.5) ** 2


def test_closure_dies_with_its_node(live_nodes: Callable[[], int]):
    a = Value(1.0)
    out = Value(1.0, (a,), "own")

    def step() -> None:
        a.grad += 1.0

    out._backward = step
    gone = weakref.ref(step)
    del step, out
    assert gone() is None  # it does not refer to its output, so no cycle waits for the collector


@pytest.mark.parametrize("names_output", [True, False])
def test_deep_chain_of_closures_dies_without_recursion(names_output: bool, live_nodes: Callable[[], int]):
    if names_output and FREE_THREADED:
        pytest.skip("a free-threaded CPython needs one run of its collector for each layer")

    def link(v: Value) -> Value:
        out = Value(v.data, (v,), "same")

        def naming() -> None:
            v.grad += out.grad

        def nameless() -> None:
            v.grad += 1.0

        out._backward = naming if names_output else nameless
        return out

    a = v = Value(1.0)
    for _ in range(100_000):
        v = link(v)
    v.backward()
    assert a.grad == 1.0
    del v
    assert live_nodes() == 1


# ---- subclasses


class Tensorish(Value):
    """A user's subclass, which keeps a name and a count."""

    def __init__(self, data: float, *rest: Any, name: str = "") -> None:
        super().__init__(data, *rest)
        self.name = name


def test_attributes_of_a_subclass_survive_in_the_graph(live_nodes: Callable[[], int]):
    root = (Tensorish(2.0, name="w") * 3.0).exp() + Tensorish(1.0, name="b")
    gc.collect()
    assert {v.name for v in root.topological_order() if isinstance(v, Tensorish)} == {"w", "b"}


def test_subclass_dies_with_the_graph_that_held_it(live_nodes: Callable[[], int]):
    w = Tensorish(2.0, name="w")
    gone = weakref.ref(w)
    root = w * w + 1.0
    del w
    assert gone() is not None
    del root
    assert gone() is None


def test_subclass_makes_custom_operations(live_nodes: Callable[[], int]):
    a = Value(3.0)
    out = Tensorish(9.0, (a,), (6.0,), name="square")
    root = out * 2.0
    del out
    root.backward()
    assert a.grad == 12.0
    assert [v.name for v in root._prev if isinstance(v, Tensorish)] == ["square"]


def test_subclass_with_a_closure_is_collected(live_nodes: Callable[[], int]):
    def square(v: Value) -> Tensorish:
        out = Tensorish(v.data**2, (v,), "square", name="square")

        def step() -> None:
            v.grad += 2.0 * v.data * out.grad

        out._backward = step
        return out

    a = Value(1.5)
    root = square(square(square(a) + 1.0) * 2.0)
    root.backward()
    assert a.grad != 0.0
    del root, a
    assert live_nodes() == 0


def test_subclass_without_a_dict_makes_custom_operations_too():
    class Slotted(Value):
        __slots__ = ()

    a = Value(3.0)
    out = Slotted(9.0, (a,), (6.0,))
    out.backward()
    assert (type(out), a.grad) == (Slotted, 6.0)


def test_subclass_instance_that_is_initialized_again_leaves_the_old_graph(live_nodes: Callable[[], int]):
    w = Tensorish(2.0)
    root = w * 2.0
    watch = weakref.ref(w)
    Value.__init__(w, 3.0)
    assert (w.data, root.data, w in root._prev) == (3.0, 4.0, False)
    del w
    assert live_nodes() == 3  # root, its constant, which `_prev` turned into a leaf, and the former node of w
    assert watch() is None
