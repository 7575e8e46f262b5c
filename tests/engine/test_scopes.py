"""Scopes: names for parts of a computation."""

from __future__ import annotations

import copy
import pickle
import random
import threading
from collections.abc import Callable
from typing import Any

import pytest

import fastgrad
from fastgrad import Value, _core, jit, scope
from fastgrad.nn import MLP, Linear, Module, Sequential


def test_values_belong_to_the_innermost_scope():
    outside = Value(1.0)
    with scope("block"):
        a = outside * 2.0
        with scope("attention"):
            b = a.exp()
            leaf = Value(3.0)
        c = b + leaf
    d = c * c
    scopes = [v._scope for v in (outside, a, b, leaf, c, d)]
    assert scopes == ["", "block", "block/attention", "block/attention", "block", ""]


def test_a_scope_is_a_decorator_and_may_be_entered_again():
    inner = scope("inner")

    @inner
    def f(x: Value, depth: int) -> Value:
        return f(x * 2.0, depth - 1) if depth else x * 2.0

    assert f(Value(1.0), 0)._scope == "inner"
    assert f(Value(1.0), 2)._scope == "inner/inner/inner"
    assert (Value(1.0) * 2.0)._scope == ""


def test_an_exception_leaves_the_scope():
    with pytest.raises(ZeroDivisionError), scope("risky"):
        Value(1.0) / 0.0
    assert Value(1.0)._scope == ""


def test_a_scope_is_thread_local():
    seen: list[str] = []
    with scope("main"):
        thread = threading.Thread(target=lambda: seen.append(Value(1.0)._scope))
        thread.start()
        thread.join()
        assert Value(1.0)._scope == "main"
    assert seen == [""]


def test_copies_keep_their_scope_and_pickles_do_not():
    with scope("part"):
        v = Value(1.0) * 2.0
    assert copy.copy(v)._scope == "part"
    assert pickle.loads(pickle.dumps(v))._scope == ""


def test_expanded_nodes_belong_to_the_scope_of_their_sequence():
    xs = [Value(0.5), Value(1.5)]
    with scope("head"):
        loss = fastgrad.cross_entropy(xs, 0)
    parts = _core.expanded(loss * 2.0).topological_order()
    assert {v._scope for v in parts if v._prev} == {"head", ""}


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [("", ValueError, "one character"), (3, TypeError, "is a str, not 3"), (None, TypeError, "is a str, not None")],
)
def test_names_are_text(name: Any, error: type[Exception], message: str):
    with pytest.raises(error, match=message):
        scope(name)
    with pytest.raises(TypeError, match="a scope's name is a str"):
        _core.enter_scope(3)  # type: ignore[arg-type]


@pytest.mark.parametrize("number", [-1, 65_535, 10**12])
def test_a_scope_that_does_not_exist_cannot_be_returned_to(number: int):
    with pytest.raises(ValueError, match=f"no scope has the number {number}"):
        _core.leave_scope(number)


# --- modules


def scopes_of(root: Value) -> set[str]:
    return {v._scope for v in root.topological_order() if v._prev}


def test_layers_open_scopes_named_by_the_attributes_that_lead_to_them():
    random.seed(1)
    assert scopes_of(MLP(2, [3, 1])([1.0, 2.0])) == {"MLP/layers.0", "MLP/layers.1"}

    class Model(Module):
        def __init__(self) -> None:
            self.body = Sequential(Linear(2, 3), "tanh")
            self.head = Linear(3, 1)

        def __call__(self, x: list[float]) -> Value:
            return self.head(self.body(x))[0] * 2.0

    model = Model()
    assert scopes_of(model([1.0, 2.0])) == {"Model/body/0", "Model/body/1", "Model/head", "Model"}
    model.body.insert(0, Linear(2, 2))
    assert scopes_of(model([1.0, 2.0])) == {f"Model/body/{i}" for i in range(3)} | {"Model/head", "Model"}


def test_calling_the_base_class_opens_no_second_scope():
    class Doubled(Linear):
        def __call__(self, x: Any) -> Any:
            return [2.0 * y for y in super().__call__(x)]

    assert scopes_of(Doubled(1, 1)([3.0])[0]) == {"Doubled"}


def test_a_module_may_open_none():
    class Quiet(Linear):
        opens_scope = False

        def __call__(self, x: Any) -> Any:
            return [2.0 * y for y in super().__call__(x)]

    assert scopes_of(Quiet(1, 1)([3.0])[0]) == {""}


def test_recorded_functions_may_use_scopes(live_nodes: Callable[[], int]):
    layer = Linear(2, 1)

    @jit
    def f(x: Any) -> Any:
        with scope("inside"):
            return layer(x)[0]

    assert f([1.0, 2.0]).data == layer([1.0, 2.0])[0].data
    assert f([1.0, 2.0])._scope == ""
