"""Recorded functions that compare Values: one recording for each combination of answers."""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fastgrad import Value, jit, nn
from support.recordings import Counted, assert_same_as_eager

w = Value(0.5)


def by_input(x: Any, y: Any) -> Any:
    return x * 2.0 if x < y else y * 3.0


def by_interior_value(x: Any, y: Any) -> Any:
    difference = (x - y).tanh()
    return difference * x if difference >= 0.5 else difference * y


def by_leaf_from_outside(x: Any, y: Any) -> Any:
    return x * w if w > x else y / w


def chained(x: Any, y: Any) -> Any:
    return x * x if 0.0 < x <= y < 2.0 else x - y


def negated_and_joined(x: Any, y: Any) -> Any:
    if not x < 1.0 and (y > 0.0 or x > y):
        return x * y
    return x + y * 2.0


def nested(x: Any, y: Any) -> Any:
    if x < 0.0:
        return -x if y < 0.0 else x * y
    return y


def largest_and_smallest(x: Any, y: Any) -> Any:
    return max(x, y, x * y) * 2.0 - min([x, y, 1.0])


def in_order(x: Any, y: Any) -> Any:
    return sum((v * (i + 1.0) for i, v in enumerate(sorted([x, y, x * y, Value(1.0)]))), Value(0.0))


def counting_steps(x: Any, y: Any) -> Any:
    total, steps = x * 0.0, 0
    while total < 1.5:
        total = total + x * x + 0.25
        steps += 1
    return total * y * steps


def newton(x: Any, y: Any) -> Any:
    root = x * 0.5 + 1.0
    while abs(root * root - x * x) > 1e-6:
        root = (root + x * x / root) * 0.5
    return root + y


def by_comparing_across_kinds(x: Any, y: Any) -> Any:
    return x if x < 1 and np.float64(2.0) >= y and x <= np.int64(1) else y


FUNCTIONS = [
    by_input,
    by_interior_value,
    by_leaf_from_outside,
    chained,
    negated_and_joined,
    nested,
    largest_and_smallest,
    in_order,
    counting_steps,
    newton,
    by_comparing_across_kinds,
]
every_function = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)


@every_function
def test_both_sides_of_every_comparison(function: Callable[..., Any]):
    recorded = jit(function, max_recordings=40)
    pairs = [(x, y) for x in (-1.25, -0.5, 0.5, 1.0, 1.75) for y in (-0.75, 0.5, 1.0, 2.5)]
    random.Random(1).shuffle(pairs)
    for x, y in pairs:
        assert_same_as_eager(recorded, function, (Value(x), Value(y)), [w])
    assert 1 < recorded.recordings < len(pairs)


@every_function
def test_a_recorded_path_is_not_recorded_again(function: Callable[..., Any]):
    counted = Counted(function)
    recorded = jit(counted, max_recordings=40)
    for _ in range(3):
        for x in (-0.5, 1.75):
            recorded(x, 1.0)
    assert counted.runs == recorded.recordings <= 2


def test_changing_a_leaf_from_outside_changes_the_path():
    threshold = Value(1.0)
    f = jit(lambda x: x * 2.0 if x < threshold else x * 3.0)
    assert f(2.0).data == 6.0
    threshold.data = 5.0
    assert f(2.0).data == 4.0
    threshold.data = 1.0
    assert (f(2.0).data, f.recordings) == (6.0, 2)


def test_comparisons_among_what_the_function_makes_need_no_other_recording():
    f = jit(lambda x: x * (2.0 if Value(1.0) < 2.0 else 3.0))
    assert [f(x).data for x in (1.0, -1.0)] == [2.0, -2.0]
    assert f.recordings == 1


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 0.0, -0.0])
def test_special_numbers_compare_as_floats_do(number: float):
    def f(x: Any) -> Any:
        return [Value(float(a)) * 1.0 for a in (bool(x < 0.0), bool(x <= 0.0), bool(x > 0.0), bool(x >= 0.0))]

    recorded = jit(f)
    for x in (1.0, number, 1.0, number):
        assert [v.data for v in recorded(x)] == [x < 0.0, x <= 0.0, x > 0.0, x >= 0.0]


def test_each_path_may_return_another_structure():
    f = jit(lambda x: [x, x * 2.0] if x > 0.0 else {"negative": -x})
    for _ in range(2):
        assert [v.data for v in f(3.0)] == [3.0, 6.0]
        assert f(-3.0)["negative"].data == 3.0


def test_numpys_comparisons_and_extremes_of_arrays():
    def f(a: Any) -> Any:
        return np.max(a) * 2.0 + np.where(a > 1.0, a, -a).sum()

    recorded = jit(f)
    for numbers in ([1.0, 2.0, 3.0], [3.0, 1.0, 2.0], [1.5, 2.5, 3.5]):
        assert_same_as_eager(recorded, f, (np.array([Value(x) for x in numbers]),))


def test_the_paths_of_several_structures_are_counted_separately():
    f = jit(lambda *xs: sorted(xs)[0] * 1.0, max_recordings=2)
    for xs in ((1.0, 2.0), (2.0, 1.0), (1.0, 2.0, 3.0), (2.0, 1.0, 3.0)):
        f(*xs)
    assert f.recordings == 4


def test_more_paths_than_recordings_is_an_error_that_says_what_to_do():
    def rank(xs: Any) -> Any:
        return sorted(xs)[0] * 1.0

    f = jit(rank, max_recordings=2)
    assert (f([1.0, 2.0, 3.0]).data, f([2.0, 1.0, 3.0]).data) == (1.0, 1.0)
    with pytest.raises(RuntimeError, match=r"rank\(\) has 2 recordings .* where\(\).* larger max_recordings"):
        f([3.0, 2.0, 1.0])
    assert f([10.0, 20.0, 30.0]).data == 10.0, "those that there are go on working"
    assert f.recordings == 2


@pytest.mark.parametrize("count", [8, 40, 200])
def test_a_comparison_within_rounding_of_a_tie_goes_as_in_python(count: int):
    """The passes sum in another order; if that changes an answer, the recording is made without them."""
    numbers = random.Random(1)
    for _ in range(10):
        ws = [Value(numbers.uniform(-1.0, 1.0)) for _ in range(count)]
        xs = [numbers.uniform(-1.0, 1.0) for _ in range(count)]
        threshold = sum((w * x for w, x in zip(ws, xs, strict=True)), Value(0.0)).data

        def f(*xs: Any, ws: list[Value] = ws, threshold: float = threshold) -> Any:
            total = sum((w * x for w, x in zip(ws, xs, strict=True)), Value(0.0))
            return total * 2.0 if total <= threshold else total * 3.0

        assert jit(f)(*xs).data == pytest.approx(2.0 * threshold, rel=1e-12)


def test_a_path_that_does_not_repeat_is_an_error():
    threshold = Value(1.0)

    def f(x: Any) -> Any:
        result = x * 2.0 if x > threshold else x * 3.0
        mover = threading.Thread(target=setattr, args=(threshold, "data", 9.0))
        mover.start()
        mover.join()
        return result

    with pytest.raises(RuntimeError, match="is it random"):
        jit(f)(2.0)


def test_a_network_with_relu_by_comparison():
    random.seed(5)
    model = nn.MLP(2, [4, 1], activation=lambda v: v if v > 0.0 else v * 0.0)
    recorded = jit(lambda xs: model(xs), max_recordings=16)
    for x in (-1.0, 0.0, 1.0):
        for y in (-1.0, 0.5):
            assert_same_as_eager(recorded, lambda xs: model(xs), ([Value(x), Value(y)],), model.parameters())
