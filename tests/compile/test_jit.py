"""`jit`: the arguments of a recorded function, when it is recorded, and that its results are the plain function's."""

from __future__ import annotations

import functools
import math
import random
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import pytest

import fastgrad
from fastgrad import Value, jit, maximum, nn, no_grad, vmap, where
from fastgrad.compile.trees import flatten
from support.recordings import Counted, assert_same_as_eager, each_parameter, random_rows

# ---- arguments


@pytest.mark.parametrize(
    "number", [3, 3.0, np.float64(3), np.float32(3), np.int64(3), Fraction(3), Decimal(3)], ids=type
)
def test_every_kind_of_number_arrives_as_a_value_and_shares_one_recording(number: Any):
    def double(x: Value) -> Value:
        assert type(x) is Value
        return x * 2.0

    counted = Counted(double)
    f = jit(counted)
    assert [f(5.0).data, f(number).data, f(Value(number)).data] == [10.0, 6.0, 6.0]
    assert counted.runs == f.recordings == 1


def test_a_call_without_values_gives_a_leaf():
    assert jit(lambda x: x * x)(3.0)._prev == set()


class Point(NamedTuple):
    x: Any
    y: Any


NESTED: dict[str, tuple[Callable[..., Any], Callable[[], tuple[Any, ...]]]] = {
    "several": (lambda x, y: x * y - y, lambda: (Value(2.0), Value(-3.0))),
    "list": (lambda xs: xs[0] * xs[1] + xs[2], lambda: ([Value(2.0), 3.0, Value(4.0)],)),
    "tuple": (lambda pair: pair[0] / pair[1], lambda: ((Value(2.0), Value(4.0)),)),
    "named tuple": (lambda p: (p.x - p.y).tanh(), lambda: (Point(Value(0.5), Value(0.25)),)),
    "dict": (lambda d: d["w"] * d["x"] + d["b"], lambda: ({"w": Value(2.0), "x": 3.0, "b": Value(1.0)},)),
    "nested": (
        lambda t: t["rows"][1][0] * t["p"].y - t["rows"][0][1],
        lambda: ({"rows": [[1.0, Value(2.0)], (Value(3.0), 4.0)], "p": Point(5.0, Value(6.0))},),
    ),
    "empty containers": (lambda x, nothing, none: x * (2.0 + len(nothing) + len(none)), lambda: (Value(2.0), [], {})),
    "array of objects": (lambda a: a[0] * a[1], lambda: (np.array([Value(2.0), Value(3.0)]),)),
    "mixed array": (lambda a: (a * a).sum(), lambda: (np.array([Value(2.0), 3.0], dtype=object),)),
    "Values and arrays": (lambda w, x: x @ np.array(w), lambda: ([Value(2.0), Value(3.0)], np.array([4.0, 5.0]))),
    "2-D array": (lambda a, w: (a * w).sum() + a[1, 2], lambda: (np.arange(6.0).reshape(2, 3), Value(2.0))),
}


@pytest.mark.parametrize(("function", "make_arguments"), NESTED.values(), ids=NESTED)
def test_nested_arguments_give_the_values_and_gradients_of_the_plain_function(
    function: Callable[..., Any], make_arguments: Callable[[], tuple[Any, ...]]
):
    assert_same_as_eager(jit(function), function, make_arguments())


@pytest.mark.parametrize("shape", [(3,), (2, 3), (1, 2, 2), (0,)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int32, np.uint8, bool])
def test_an_array_arrives_as_an_array_of_values_of_its_shape(shape: tuple[int, ...], dtype: Any):
    def total(a: Any, x: Value) -> Any:
        assert (a.shape, a.dtype) == (shape, object)
        assert all(type(v) is Value for v in a.flat)
        return a.sum() + x

    f = jit(total)
    for fill in (1, 0):
        assert f(np.full(shape, fill, dtype), 0.5).data == fill * math.prod(shape) + 0.5


def test_arrays_in_any_memory_order_are_read_in_their_own():
    f = jit(lambda a: a[0, 1] * 10.0 + a[1, 0])
    rows = np.array([[1.0, 2.0], [3.0, 4.0]])
    for a in (rows, np.asfortranarray(rows), rows.repeat(2, axis=1)[:, ::2], rows.tolist()):
        assert f(np.asarray(a)).data == 23.0
    assert f(rows.T).data == 32.0


def test_an_array_and_an_array_of_objects_share_one_recording():
    counted = Counted(lambda a: a[0] - a[1])
    f = jit(counted)
    assert f(np.array([3.0, 1.0])).data == 2.0
    assert f(np.array([Value(5.0), 1.0])).data == 4.0
    assert counted.runs == 1


# ---- one recording for each structure


STRUCTURES = [
    (1.0,),
    (1.0, 2.0),
    ([1.0, 2.0],),
    ((1.0, 2.0),),
    ([1.0], 2.0),
    (Point(1.0, 2.0),),
    ({"x": 1.0},),
    ({"y": 1.0},),
    (np.ones(2),),
    (np.ones((2, 1)),),
    (1.0, None),
    (1.0, True),
    (1.0, False),
    (1.0, "a"),
    (1.0, b"a"),
]


def test_each_structure_is_recorded_once():
    @Counted
    def first(*arguments: Any) -> Any:
        return flatten(arguments, leaves := []) and leaves[0] * 2.0

    f = jit(first)
    for _ in range(3):
        for arguments in STRUCTURES:
            assert f(*arguments).data == 2.0
    assert first.runs == f.recordings == len(STRUCTURES)


def test_none_bool_and_str_decide_at_recording():
    @Counted
    def f(x: Value, squared: bool = False, then: str | None = None) -> Value:
        x = x * x if squared else x
        return x if then is None else getattr(x, then)()

    recorded = jit(f)
    for _ in range(2):
        assert recorded(2.0).data == 2.0
        assert recorded(2.0, True).data == 4.0
        assert recorded(2.0, np.True_).data == 4.0
        assert recorded(2.0, True, "neg").data == -4.0
        assert recorded(2.0, then="relu").data == 2.0
        assert recorded(2.0, then=None).data == 2.0
    assert f.runs == 5, "NumPy's bool is a bool; a default that is given by name is another structure"


def test_keyword_arguments():
    counted = Counted(lambda x, *, scale, shift=1.0: x * scale + shift)
    f = jit(counted)
    scale = Value(3.0)
    f(2.0, scale=scale).backward()
    assert scale.grad == 2.0
    assert (f(2.0, scale=5.0).data, f(2.0, scale=5.0, shift=0.5).data) == (11.0, 10.5)
    assert counted.runs == 2


@pytest.mark.parametrize("names", ["n", ["n"], ("n", "mode")])
def test_static_arguments_are_part_of_the_structure_by_name_and_by_position(names: Any):
    @Counted
    def power(x: Value, n: int, mode: str = "times") -> Value:
        assert type(n) is int
        return functools.reduce(lambda a, b: a * b, [x] * n)

    f = jit(static_argnames=names)(power)
    for _ in range(2):
        assert [f(2.0, n=3).data, f(2.0, 3).data, f(3.0, n=2).data, f(3.0, 2).data] == [8.0, 8.0, 9.0, 9.0]
    assert power.runs == 4


def test_static_arguments_of_different_types_are_different():
    f = jit(lambda x, kind: x * {int: 2.0, float: 3.0, bool: 4.0}[type(kind)], static_argnames="kind")
    assert [f(1.0, kind=kind).data for kind in (1, 1.0, True)] == [2.0, 3.0, 4.0]


# ---- the same numbers as the plain function


def loss_of(model: nn.MLP, xs: Any, ys: Any) -> Value:
    """micrograd's demo: svm "max-margin" loss and L2 regularization."""
    scores = [model(x) for x in xs]
    margin = sum(((1.0 - y * score).relu() for y, score in zip(ys, scores, strict=True)), Value(0.0)) / len(xs)
    return margin + 1e-4 * sum((p * p for p in model.parameters()), Value(0.0))


def train(decorate: Callable[[Callable[..., Any]], Callable[..., Any]]) -> list[Any]:
    random.seed(1337)
    model = nn.MLP(2, [8, 8, 1])
    xs, ys = random_rows(10, 2), [random.choice((-1.0, 1.0)) for _ in range(10)]
    loss = decorate(lambda xs, ys: loss_of(model, xs, ys))
    history: list[Any] = []
    for step in range(20):
        model.zero_grad()
        total = loss(xs, ys)
        total.backward()
        history += [total.data, *each_parameter(model)]
        for p in model.parameters():
            p.data -= (1.0 - 0.9 * step / 20) * p.grad
    return history


def test_twenty_steps_of_training_are_those_without_it_and_record_once():
    counted: list[Counted] = []

    def recorded_once(loss: Callable[..., Any]) -> Callable[..., Any]:
        counted.append(Counted(loss))
        return jit(counted[0])

    for ours, plain in zip(train(recorded_once), train(lambda loss: loss), strict=True):
        assert ours == pytest.approx(plain, rel=1e-9, abs=1e-12)
    assert counted[0].runs == 1


@pytest.mark.parametrize("row", fastgrad.operations(), ids=lambda row: row.name)
def test_every_operation_of_the_table(row: Any):
    function = getattr(fastgrad, row.name)
    elsewhere = {"atanh": [0.25], "acosh": [1.5], "polygamma": [0.6, 2.0]}
    numbers = elsewhere.get(row.name, [0.6, 0.3][: row.arity])
    assert_same_as_eager(jit(lambda *x: function(*x)), function, [Value(x) for x in numbers])


def test_where_maximum_and_detach():
    def f(x: Any, y: Any) -> Any:
        return where(fastgrad.less(x, y), x * x, y * 3.0) + maximum(x, y) * x.detach() + where(x < 0.0, x, -x)

    recorded = jit(f)
    for x, y in ((1.0, 2.0), (2.0, 1.0), (-2.0, -3.0)):
        assert_same_as_eager(recorded, lambda x, y: f(x, y), (Value(x), Value(y)))
    assert recorded.recordings == 1, "choices in the graph need no recording of their own"


def test_without_passes_values_and_gradients_are_equal_to_the_last_bit():
    random.seed(3)
    model = nn.MLP(3, [5, 1], activation="tanh")
    x = random_rows(1, 3)[0]
    plain = model(x)
    plain.backward()
    expected = [p.grad for p in model.parameters()]
    model.zero_grad()
    recorded = jit(lambda x: model(x), passes=())(x)
    recorded.backward()
    assert recorded.data == plain.data
    assert [p.grad for p in model.parameters()] == expected


def test_errors_of_arithmetic_come_from_the_call_that_records():
    """As documented: the call that records raises Python's errors, a replay returns inf or nan as C does."""
    divide = jit(lambda x: 1.0 / x)
    with pytest.raises(ZeroDivisionError):
        divide(0.0)
    assert divide.recordings == 0
    assert divide(4.0).data == 0.25
    assert divide(0.0).data == math.inf
    assert math.isnan(jit(lambda x: x - x)(math.inf).data)


# ---- values from outside


def test_leaves_from_outside_are_read_anew_at_each_call():
    w = Value(2.0)
    f = jit(lambda x: w * x)
    assert f(10.0).data == 20.0
    w.data = 3.0
    result = f(10.0)
    assert result.data == 30.0
    result.backward()
    assert w.grad == 10.0


def test_gradients_are_those_of_the_call_whatever_changes_before_backward():
    w, x = Value(2.0), Value(5.0)
    recorded, several = jit(lambda x: w * x), jit(lambda x: (w * x, x))
    results = [recorded(x), several(x)[0]]
    w.data, x.data = 100.0, 100.0
    for result in results:
        w.grad = x.grad = 0.0
        result.backward()
        assert (w.grad, x.grad) == (5.0, 2.0)


def test_a_number_from_outside_is_a_constant_of_the_recording():
    scale = 2.0
    f = jit(lambda x: x * scale)
    assert f(1.0).data == 2.0
    scale = 3.0
    assert f(1.0).data == 2.0


def test_a_leaf_that_is_replaced_by_another_is_not_noticed():
    """A leaf is known by its identity: set its data instead of replacing it by another Value."""
    w = Value(2.0)
    f = jit(lambda x: x * w)
    assert f(1.0).data == 2.0
    w = Value(3.0)
    assert f(1.0).data == 2.0


def test_values_that_the_function_makes_are_constants():
    def f(x: Value) -> Value:
        two, three, four = Value(2.0), Value(3.0, label="three"), sum([Value(4.0)], Value(0.0))
        return x * two + three * four

    recorded = jit(f)
    x = Value(1.0)
    assert_same_as_eager(recorded, f, (x,))
    assert recorded(x)._prev == {x}


def test_a_value_that_the_function_makes_and_keeps_is_a_parameter(live_nodes: Callable[[], int]):
    """For example, a layer that creates its weights when it first sees an input."""
    kept: list[Value] = []

    def lazy(x: Value) -> Value:
        if not kept:
            kept.append(Value(2.0))
        return x * kept[0]

    f = jit(lazy)
    assert f(3.0).data == 6.0
    kept[0].data = 5.0
    result = f(3.0)
    assert result.data == 15.0
    result.backward()
    assert kept[0].grad == 3.0


def test_without_gradients_the_results_are_leaves_even_of_the_call_that_records():
    w = Value(2.0)
    f, several = jit(lambda x: w * x), jit(lambda x: [w * x, w + x])
    for _ in range(2):
        with no_grad():
            results = [f(Value(3.0)), *several(Value(3.0))]
            assert (Value(1.0) + Value(1.0))._prev == set(), "recording did not end no_grad"
        assert [(r.data, r._prev) for r in results] == [(6.0, set()), (6.0, set()), (5.0, set())]
    f(3.0).backward()
    assert w.grad == 3.0


# ---- nesting


def test_a_recorded_function_inside_another_is_a_part_of_it():
    inner_runs = Counted(lambda x, y: (x * y).tanh())
    inner = jit(inner_runs)

    def outer(x: Any) -> Any:
        return inner(x, 2.0) + inner(0.5, x)

    f = jit(outer)
    x = Value(0.3)
    assert_same_as_eager(f, outer, (x,))
    assert inner.recordings == 1, "of the eager calls alone"
    runs = inner_runs.runs
    f(x)
    assert inner_runs.runs == runs


def test_a_mapped_function_inside_a_recorded_one():
    rows = np.array(random_rows(4, 2))
    for reduce in (None, "sum", "mean"):
        each = vmap(lambda w, x: (w * x[0] - x[1]).tanh(), in_axes=(None, 0), reduce=reduce)
        for samples in (rows, rows.tolist()):
            assert_same_as_eager(
                jit(lambda w, e=each, s=samples: e(w, s)), lambda w, e=each: e(w, rows), (Value(2.0),)
            )


def test_recursion():
    f = jit(lambda x, depth: x * (f(x, depth - 1) if depth else 1.0), static_argnames="depth")
    x = Value(2.0)
    result = f(x, depth=3)
    result.backward()
    assert (result.data, x.grad) == (16.0, 32.0)
    assert f.recordings == 1
