"""`vmap`: a function of one sample applied to many at once gives the same as a loop in Python."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from fastgrad import Value, jit, less, maximum, nn, no_grad, vmap, where
from support.recordings import Counted, assert_same_as_eager, random_rows

SIZES = [1, 2, 3, 7, 8, 9, 16, 31, 64, 100]


def in_a_loop(function: Callable[..., Any], in_axes: Any = 0, reduce: str | None = None) -> Callable[..., Any]:
    """The expected result of `vmap`, for arrays of objects and nested lists."""

    def run(*arguments: Any) -> Any:
        axes = in_axes if isinstance(in_axes, tuple) else (in_axes,) * len(arguments)
        pairs = list(zip(arguments, axes, strict=True))
        samples = [a if axis is None else list(np.moveaxis(np.array(a), axis, 0)) for a, axis in pairs]
        count = next(len(s) for s, axis in zip(samples, axes, strict=True) if axis is not None)
        columns = [[s] * count if axis is None else s for s, axis in zip(samples, axes, strict=True)]
        results = [function(*row) for row in zip(*columns, strict=True)]
        if reduce is None:
            return results
        return sum(results, Value(0.0)) / (count if reduce == "mean" else 1.0)

    return run


def as_values(numbers: Any) -> Any:
    array = np.empty(np.shape(numbers), dtype=object)
    for place, number in np.ndenumerate(np.asarray(numbers)):
        array[place] = Value(float(number))
    return array


w, b = Value(0.7), Value(-0.2)


def neuron(x: Any, y: Any) -> Any:
    return ((x[0] * w - x[1] * x[1] + b) * y).tanh()


# ---- the same as a loop


@pytest.mark.parametrize("reduce", [None, "sum", "mean"])
@pytest.mark.parametrize("size", SIZES)
def test_it_equals_a_loop_in_python(size: int, reduce: Any):
    xs, ys = as_values(random_rows(size, 2)), as_values(random_rows(1, size, seed=1)[0])
    mapped = vmap(neuron, reduce=reduce)
    assert_same_as_eager(mapped, in_a_loop(neuron, reduce=reduce), (xs, ys), [w, b])
    assert_same_as_eager(mapped, in_a_loop(neuron, reduce=reduce), (xs.tolist(), ys.tolist()), [w, b])


@pytest.mark.parametrize("reduce", [None, "sum", "mean"])
def test_arrays_lists_and_values_are_the_same_samples(reduce: Any):
    rows, targets = random_rows(5, 2), [1.0, -1.0, 0.5, 2.0, 0.0]
    mapped = vmap(neuron, reduce=reduce)
    expected = mapped(rows, targets)
    numbers = [v.data for v in expected] if reduce is None else expected.data
    for xs in (
        np.array(rows),
        np.asfortranarray(rows),
        as_values(rows),
        [np.array(row) for row in rows],
        tuple(rows),
    ):
        result = mapped(xs, np.array(targets))
        assert ([v.data for v in result] if reduce is None else result.data) == numbers
    assert mapped.recordings == 1


@pytest.mark.parametrize("shape", [(4,), (4, 3), (4, 2, 3), (4, 1), (1, 1, 1), (2, 3, 1, 2)])
def test_samples_of_any_dimension(shape: tuple[int, ...]):
    def f(sample: Any) -> Any:
        if len(shape) == 1:
            assert type(sample) is Value
            return sample * w
        assert (sample.shape, sample.dtype) == (shape[1:], object)
        return (sample * w).sum() + sample.flat[-1]

    xs = as_values(np.random.default_rng(2).uniform(-1.0, 1.0, shape))
    for reduce in (None, "sum"):
        mapped = vmap(f, reduce=reduce)
        assert_same_as_eager(mapped, in_a_loop(f, reduce=reduce), (xs,), [w])
        assert_same_as_eager(mapped, in_a_loop(f, reduce=reduce), (xs.tolist(),), [w])


@pytest.mark.parametrize("in_axes", [0, 1, -1, -2, (0, 0), (1, -1), (-1, 0), [0, 1]])
def test_the_axis_of_the_samples(in_axes: Any):
    def f(x: Any, y: Any) -> Any:
        return (x[0] - x[2] * y[1]) * w

    xs, ys = (as_values(np.random.default_rng(seed).uniform(-1.0, 1.0, (3, 3))) for seed in (3, 4))
    axes = tuple(in_axes) if isinstance(in_axes, list) else in_axes
    assert_same_as_eager(vmap(f, in_axes), in_a_loop(f, axes), (xs, ys), [w])


def test_an_axis_in_the_middle():
    def f(x: Any) -> Any:
        assert x.shape == (2, 4)
        return (x[0, 3] - x[1, 0]) * w

    xs = as_values(np.arange(24.0).reshape(2, 3, 4))
    assert_same_as_eager(vmap(f, in_axes=1), in_a_loop(f, 1), (xs,), [w])
    assert len(vmap(f, in_axes=1)(xs)) == 3


@pytest.mark.parametrize("reduce", [None, "sum", "mean"])
def test_shared_arguments_get_the_gradients_of_all_samples(reduce: Any):
    def f(weights: Any, x: Any) -> Any:
        return (weights["w"][0] * x[0] + weights["w"][1] * x[1] + weights["b"]).tanh() * weights["scale"]

    weights = {"w": [Value(0.3), Value(-0.4)], "b": Value(0.1) * 2.0, "scale": 3.0, "unused": Value(5.0)}
    mapped = vmap(f, in_axes=(None, 0), reduce=reduce)
    for size in (1, 5, 50):
        xs = as_values(random_rows(size, 2))
        assert_same_as_eager(mapped, in_a_loop(f, (None, 0), reduce), (weights, xs))
    weights["w"][0].data = 0.9
    assert_same_as_eager(mapped, in_a_loop(f, (None, 0), reduce), (weights, xs))
    assert mapped.recordings == 1


def test_a_shared_array_and_a_shared_number():
    def f(matrix: Any, x: Any, power: Any) -> Any:
        return (matrix @ np.array([x, x * x]))[1] * power

    matrix = as_values([[1.0, 2.0], [3.0, 4.0]])
    mapped, loop = (m(f, (None, 0, None), reduce="sum") for m in (vmap, in_a_loop))
    assert_same_as_eager(mapped, loop, (matrix, as_values([0.5, 1.5]), 2.0))
    assert mapped(np.arange(4.0).reshape(2, 2), [1.0], Value(2.0)).data == 10.0


def test_the_same_value_in_several_samples_and_shared_and_from_outside():
    x = Value(0.5)

    def f(shared: Any, sample: Any) -> Any:
        return shared * sample * x

    for reduce in (None, "mean"):
        mapped, loop = (m(f, (None, 0), reduce) for m in (vmap, in_a_loop))
        assert_same_as_eager(mapped, loop, (x, [x, 2.0, x, Value(3.0)]), [x])


def test_the_chain_continues_behind_interior_values():
    def program(mapped: Callable[..., Any]) -> Callable[..., Any]:
        def run(a: Any, b: Any) -> Any:
            first, second = mapped([a * b, a.exp()], [b, b * 2.0])
            return first * second + a

        return run

    def f(x: Any, y: Any) -> Any:
        return (x - y * w).sin()

    assert_same_as_eager(program(vmap(f)), program(in_a_loop(f)), (Value(0.4), Value(0.6)), [w])


class Scores(NamedTuple):
    best: Any
    all: Any


def test_each_sample_gets_the_structure_that_the_function_returns():
    def f(x: Any) -> Any:
        return Scores(maximum(x[0], x[1]), {"double": [x[0] * 2.0], "constant": 7.0, "name": "f"})

    xs = as_values(random_rows(9, 2))
    mapped = vmap(f)
    assert_same_as_eager(mapped, in_a_loop(f), (xs,))
    results = mapped(xs)
    assert (type(results), len(results), {type(r) for r in results}) == (list, 9, {Scores})
    assert results[3].all["name"] == "f"
    results[3].all["double"][0].zero_grad()
    results[3].all["double"][0].backward()
    assert [x.grad for x in xs[:, 0]] == [2.0 * (i == 3) for i in range(9)]


def test_only_some_of_the_results_get_a_gradient():
    xs = as_values([1.0, 2.0, 3.0, 4.0])
    results = vmap(lambda x: x * x * w)(xs)
    w.grad = 0.0
    (results[1] * 10.0 - results[3]).backward()
    assert [x.grad for x in xs] == pytest.approx([0.0, 40.0 * w.data, 0.0, -8.0 * w.data])
    assert w.grad == pytest.approx(10.0 * 4.0 - 16.0)


def test_choices_in_the_graph():
    def f(x: Any) -> Any:
        return where(less(x, 0.0), x * x, x.sin()) + x.relu() * x.detach() + where(x < 0.5, x, 0.0) + abs(x)

    xs = as_values([-1.5, -0.5, 0.25, 0.75, 2.0])
    plain = in_a_loop(lambda x: where(x < 0.0, x * x, x.sin()) + x.relu() * x.data + where(x < 0.5, x, 0.0) + abs(x))
    assert_same_as_eager(vmap(f), plain, (xs,))


@pytest.mark.parametrize("size", [1, 2, 8, 11, 43])
@pytest.mark.parametrize("result", [lambda x: 3.0, lambda x: w, lambda x: w * 2.0, lambda x: x, lambda x: Value(2.0)])
def test_results_that_are_the_same_for_all_samples_or_the_sample(result: Callable[..., Any], size: int):
    xs = as_values(random_rows(1, size)[0])
    for reduce in (None, "sum", "mean"):
        loop = in_a_loop(lambda x: result(x) + Value(0.0), reduce=reduce)
        assert_same_as_eager(vmap(result, reduce=reduce), loop, (xs,), [w])
    several = vmap(lambda x: (result(x), x * w, w.tanh()))
    assert_same_as_eager(several, in_a_loop(lambda x: (result(x), x * w, w.tanh())), (xs,), [w])


# ---- recordings, leaves from outside


def test_it_is_recorded_once_for_each_structure_of_a_sample():
    @Counted
    def f(x: Any, y: Any) -> Any:
        return x * 1.0 if isinstance(x, Value) else x[0] * 1.0

    mapped = vmap(f, in_axes=(0, None))
    for size in (1, 5, 100, 1):
        for xs in (np.ones(size), np.ones((size, 2)), np.ones((size, 3)), np.ones((size, 2, 2))[:, 0]):
            for y in (1.0, [1.0], None):
                assert len(mapped(xs, y)) == size
    assert f.runs == mapped.recordings == 3 * 3


def test_leaves_from_outside_are_read_anew_at_each_call():
    scale = Value(2.0)
    mapped = vmap(lambda x: x * scale, reduce="sum")
    assert mapped([1.0, 2.0]).data == 6.0
    scale.data = 10.0
    result = mapped([1.0, 2.0])
    scale.data = 100.0
    result.backward()
    assert (result.data, scale.grad) == (30.0, 3.0)


def test_training_with_a_mapped_loss_is_training_with_a_loop():
    def losses(decorate: Callable[..., Any]) -> list[float]:
        random.seed(7)
        model = nn.MLP(2, [6, 1], activation="tanh")
        xs, ys = np.array(random_rows(20, 2)), np.array(random_rows(1, 20, seed=5)[0])
        loss = decorate(lambda x, y: (model(x) - y) ** 2)
        history = []
        for _ in range(10):
            model.zero_grad()
            total = loss(xs, ys)
            total.backward()
            history.append(total.data)
            for p in model.parameters():
                p.data -= 0.5 * p.grad
        return history

    assert losses(lambda f: vmap(f, reduce="mean")) == pytest.approx(losses(lambda f: in_a_loop(f, 0, "mean")))


def test_without_gradients_the_results_are_leaves():
    mapped, total = vmap(lambda x: x * w), vmap(lambda x: x * w, reduce="sum")
    for _ in range(2):
        with no_grad():
            assert [v._prev for v in [*mapped([Value(1.0), 2.0]), total([1.0])]] == [set()] * 3
    assert total([1.0])._prev == set()
    assert total([Value(1.0)])._prev != set()


def test_the_result_is_a_node_of_the_graph():
    def sample_loss(x: Any) -> Any:
        return x * w

    xs = as_values([1.0, 2.0])
    total = vmap(sample_loss, reduce="sum")(xs)
    assert (total._op, total._prev) == ("sample_loss", set(xs))
    first, second = vmap(sample_loss)(xs)
    assert first._prev == second._prev
    first.backward()
    first.zero_grad()
    assert (w.grad, xs[0].grad) == (0.0, 0.0)


def test_a_second_backward_adds_to_leaves():
    x, scale = Value(2.0), Value(3.0)
    total = vmap(lambda x: x * scale, reduce="mean")([x, 4.0]) * 10.0
    for times in (1.0, 2.0):
        total.backward()
        assert (x.grad, scale.grad) == (times * 15.0, times * 30.0)


@pytest.mark.parametrize("size", [1, 100, 1000])
def test_any_number_of_threads_gives_the_same_bits(size: int):
    rows = random_rows(size, 2)
    ys = random_rows(1, size, seed=9)[0]
    seen = []
    for threads in (1, 2, 3, 8):
        for reduce in ("sum", None):
            xs = as_values(rows)
            w.grad = b.grad = 0.0
            result = vmap(neuron, reduce=reduce, threads=threads)(xs, ys)
            total = sum(result, Value(0.0)) if reduce is None else result
            total.backward()
            seen.append((reduce, total.data, w.grad, b.grad, [x.grad for x in xs.flat]))
    assert seen[2:] == seen[:2] * 3


def test_a_recorded_function_and_a_mapped_one_inside_a_mapped_one():
    squares = vmap(lambda x: (x * w).tanh(), reduce="sum")
    twice = jit(lambda x: x * 2.0)

    def f(xs: Any) -> Any:
        return squares(xs) * twice(xs[0]) + twice(3.0)

    def plain(xs: Any) -> Any:
        return sum(((x * w).tanh() for x in xs), Value(0.0)) * xs[0] * 2.0 + 6.0

    assert_same_as_eager(vmap(f), in_a_loop(plain), (as_values(random_rows(4, 3)),), [w])


def test_repeated_calls_leave_nothing(live_nodes: Callable[[], int]):
    mapped, total = vmap(lambda x: (x * w, x)), vmap(lambda c, x: x * c, in_axes=(None, 0), reduce="mean")

    def calls() -> None:
        x = Value(1.0)
        (sum((a * b for a, b in mapped([x, 2.0, 3.0])), Value(0.0)) + total(x, [x, 2.0])).backward()
        mapped([x] * 5)

    calls()
    alive = live_nodes()
    for _ in range(50):
        calls()
    assert live_nodes() == alive


# ---- errors


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x if x < 0.0 else -x,
        lambda x: max(x, 1.0),
        lambda x: sorted([x, w])[0] * 1.0,
        lambda x: x if w > 0.0 else -x,
        lambda x: x if not 0.0 < x < 1.0 else -x,
    ],
)
def test_a_comparison_is_an_error_with_a_hint(function: Callable[..., Any]):
    mapped = vmap(function)
    for _ in range(2):
        with pytest.raises(TypeError, match=r"<lambda>\(\) compares Values.*where\(\), maximum\(\) or minimum\(\)"):
            mapped([1.0, 2.0])
    assert mapped.recordings == 0


ARGUMENTS: dict[str, tuple[Any, tuple[Any, ...], type[Exception], str]] = {
    "different lengths": (0, ([1.0, 2.0], [1.0]), ValueError, "2 samples of one argument and 1 of another"),
    "no samples": (0, ([], []), ValueError, r"f\(\) was given no samples"),
    "no samples in an array": (0, (np.ones((0, 3)), np.ones(0)), ValueError, r"f\(\) was given no samples"),
    "no axis": (0, (1.0, 2.0), ValueError, r"axis 0 of an argument of shape \(\)"),
    "axis too large": (1, ([1.0], [1.0]), ValueError, r"axis 1 of an argument of shape \(1,\)"),
    "axis too small": (-2, ([1.0], [1.0]), ValueError, r"axis -2 of an argument of shape \(1,\)"),
    "too few axes": ((0,), ([1.0], [1.0]), ValueError, r"1 entries for 2 arguments of f\(\)"),
    "too many axes": ((0, 0, 0), ([1.0], [1.0]), ValueError, r"3 entries for 2 arguments of f\(\)"),
    "nothing mapped": (None, ([1.0], [1.0]), ValueError, "needs an argument with samples: in_axes is None"),
    "rows of different lengths": (0, ([[1.0], [1.0, 2.0]], [1.0, 2.0]), ValueError, "must have one shape"),
    "a dict": (0, ({"a": [1.0]}, [1.0]), ValueError, "must be an array, or nested lists of numbers"),
    "None": (0, (None, [1.0]), ValueError, "must be an array, or nested lists of numbers"),
    "str": (0, (["a"], [1.0]), ValueError, "must be an array, or nested lists of numbers"),
    "an array of str": (0, (np.array(["1"]), [1.0]), TypeError, "must hold real numbers or Values, not <U1"),
    "complex": (0, (np.array([1j]), [1.0]), TypeError, "must hold real numbers or Values, not complex128"),
    "objects": (0, (np.array([1.0, "2"], dtype=object), [1.0, 2.0]), TypeError, "real number, not '2'"),
    "no arguments": (0, (), ValueError, "needs an argument with samples"),
}


@pytest.mark.parametrize("inside", [False, True], ids=["", "inside a recording"])
@pytest.mark.parametrize(("in_axes", "arguments", "error", "message"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_wrong_arguments_are_errors(in_axes: Any, arguments: Any, error: Any, message: str, inside: bool):
    def f(x: Any, y: Any) -> Any:
        return y * 1.0

    mapped = vmap(f, in_axes=in_axes)
    with pytest.raises(error, match=message):
        jit(lambda one: mapped(*arguments)[0] * one)(1.0) if inside else mapped(*arguments)


def test_wrong_options_are_errors():
    for in_axes in ("0", 1.0, (0, "0"), [None, ()]):
        with pytest.raises(TypeError, match="in_axes must be an int or None, or one for each argument"):
            vmap(lambda x, y: x, in_axes=in_axes)  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="reduce must be None, 'sum' or 'mean', not 'max'"):
        vmap(lambda x: x, reduce="max")  # type: ignore[call-overload]
    for mapped in (vmap(lambda x: [x], reduce="sum"), vmap(lambda x: (x, x), reduce="mean")):
        for f in (mapped, jit(mapped), jit(lambda xs, mapped=mapped: mapped(xs) * 1.0)):
            with pytest.raises(ValueError, match="needs a function that returns one number"):
                f([1.0, 2.0])
