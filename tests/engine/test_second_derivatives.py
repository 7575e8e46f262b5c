"""Second derivatives of every operation of the table against mpmath, higher ones of compositions, and properties of
random programs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mpmath import mp

import fastgrad
from fastgrad import Value, vmap
from fastgrad.functional import grad, hessian, hvp, jacobian, jvp, vjp
from fastgrad.functional.evaluation import Evaluation
from fastgrad.reference import OPERATIONS, Operation
from support.exact import error, exact_second_partial, exact_value
from support.operations import every_true_derivative
from support.recipes import NAMES, Recipe, cook, recipes

TOLERANCE = 1e-12  # relative to max(1, |exact|)
LARGEST = 1e300  # beyond this, floats are not compared


def function_of(name: str) -> Callable[[list[Any]], Any]:
    return lambda x: getattr(fastgrad, name)(*x)


# ---- the table


@every_true_derivative
def test_second_derivatives_are_exact(operation: Operation):
    compared = 0
    for point in operation.points:
        second = hessian(function_of(operation.name))(list(point))
        for i in range(len(point)):
            for j in range(i + 1):
                exact = exact_second_partial(operation.name, i, j, *point)
                if abs(exact) > LARGEST:
                    continue
                compared += 1
                assert error(second[i][j], exact) <= TOLERANCE, (point, i, j)
    assert compared >= 5


@pytest.mark.parametrize("order", [1, 2, 3])
def test_every_derivative_of_polygamma_is_exact(order: int):
    for x, n in OPERATIONS["polygamma"].points:

        def derivative(x: Any, n: float = n) -> Any:
            return fastgrad.polygamma(x, n)

        for _ in range(order):
            derivative = grad(derivative)
        assert error(derivative(x), exact_value("polygamma", x, n + order)) <= 1e-12, (x, n)


@every_true_derivative
def test_gradient_recorded_as_values_is_the_one_of_the_sweep(operation: Operation):
    function = grad(function_of(operation.name))
    for point in operation.points:
        recorded = [value.data for value in function(list(map(Value, point)))]
        assert recorded == function(list(point)), point


@every_true_derivative
def test_derivatives_are_made_without_comparisons(operation: Operation):
    """A comparison would raise here: each derivative holds on both sides of a kink."""
    points = np.array(operation.points)
    over_all = vmap(grad(function_of(operation.name)), passes=())(points)
    for row, point in zip(over_all, operation.points, strict=True):
        assert [value.data for value in row] == grad(function_of(operation.name))(list(point)), point


KINKS = [
    ("relu", (0.0,), [[0.0]]),
    ("abs", (0.0,), [[0.0]]),
    ("sign", (0.0,), [[0.0]]),
    ("elu", (1e-300, 2.0), [[0.0, 0.0], [0.0, 0.0]]),
    ("leaky_relu", (0.0, 0.25), [[0.0, 0.0], [0.0, 0.0]]),
    ("hypot", (0.0, 0.0), [[0.0, 0.0], [0.0, 0.0]]),
    ("maximum", (2.0, 2.0), [[0.0, 0.0], [0.0, 0.0]]),
    ("copysign", (0.0, -1.0), [[0.0, 0.0], [0.0, 0.0]]),
    ("pow", (0.0, 2.0), [[2.0, 0.0], [0.0, 0.0]]),
    ("pow", (0.0, 3.0), [[0.0, 0.0], [0.0, 0.0]]),
    ("pow", (-2.0, 3.0), [[-12.0, math.nan], [math.nan, math.nan]]),
    ("elu", (800.0, 2.0), [[0.0, 0.0], [0.0, 0.0]]),
]


@pytest.mark.parametrize(("name", "point", "expected"), KINKS, ids=[f"{name}{point}" for name, point, _ in KINKS])
def test_second_derivatives_at_a_kink(name: str, point: tuple[float, ...], expected: list[list[float]]):
    assert hessian(function_of(name))(list(point)) == pytest.approx(np.array(expected), abs=0.0, nan_ok=True)


# ---- higher derivatives of compositions

THIRD = [
    (lambda x: x**5, lambda x: 60.0 * x**2),
    (lambda x: (x * x).sin(), lambda x: -12.0 * x * mp.sin(x * x) - 8.0 * x**3 * mp.cos(x * x)),
    (lambda x: x.tanh(), lambda x: mp.diff(mp.tanh, x, 3)),
    (lambda x: (x * x + 1.0).log() / x, lambda x: mp.diff(lambda t: mp.log(t * t + 1) / t, x, 3)),
    (lambda x: x**x, lambda x: mp.diff(lambda t: t**t, x, 3)),
    (lambda x: x.lgamma() * x.erf(), lambda x: mp.diff(lambda t: mp.loggamma(t) * mp.erf(t), x, 3)),
    (lambda x: fastgrad.hypot(x, 2.0).rsqrt(), lambda x: mp.diff(lambda t: mp.hypot(t, 2) ** -0.5, x, 3)),
    (lambda x: x.gelu() + x.silu(), lambda x: mp.diff(lambda t: t * mp.ncdf(t) + t / (1 + mp.exp(-t)), x, 3)),
    (lambda x: fastgrad.atan2(x, 1.0 - x), lambda x: mp.diff(lambda t: mp.atan2(t, 1 - t), x, 3)),
    (lambda x: fastgrad.norm([x, x * x, 1.0]), lambda x: mp.diff(lambda t: mp.sqrt(t**2 + t**4 + 1), x, 3)),
]


@pytest.mark.parametrize(("function", "exact"), THIRD)
def test_third_derivatives_of_compositions(function: Callable[[Any], Any], exact: Callable[[float], Any]):
    with mp.workdps(40):
        for x in (0.3, 0.7, 1.9):
            assert error(grad(grad(grad(function)))(x), exact(mp.mpf(x))) <= 1e-12, x


def test_many_derivatives_of_an_exponential():
    def function(x: Any) -> Any:
        return (2.0 * x).exp()

    for order in range(1, 9):
        function = grad(function)
        assert function(0.25) == pytest.approx(2.0**order * math.exp(0.5), rel=1e-15)


# ---- sequences

SEQUENCES: dict[str, Callable[[Any], Any]] = {
    "sum": lambda x: fastgrad.sum([v * v for v in x]),
    "mean": lambda x: fastgrad.mean([v.sin() for v in x]),
    "dot": lambda x: fastgrad.dot(x[:2], x[1:], bias=x[0]) ** 3,
    "norm": lambda x: fastgrad.norm(x),
    "max": lambda x: fastgrad.maximum([v * v for v in x]) * fastgrad.minimum(list(x)),
    "mse": lambda x: fastgrad.mse([x[0] * x[1], x[2].exp()], [x[1], 2.0]),
    "logsumexp": lambda x: fastgrad.logsumexp(x),
    "cross_entropy": lambda x: fastgrad.cross_entropy([x[0] * x[1], x[1], x[2]], 1),
    "softmax": lambda x: fastgrad.dot(fastgrad.softmax(x), x),
    "log_softmax": lambda x: fastgrad.log_softmax(x)[1] * fastgrad.softmax(x)[2],
    "nested": lambda x: fastgrad.logsumexp([fastgrad.dot(x, x), fastgrad.mean(x), *fastgrad.softmax(x)]),
    "of the node itself": lambda x: next(iter(fastgrad.softmax(x)[0]._prev)) * x[0],
}


@pytest.mark.parametrize("function", SEQUENCES.values(), ids=SEQUENCES)
def test_sequence_operations(function: Callable[[Any], Any]):
    x, step = [0.3, -0.7, 1.1], 1e-6
    assert [v.data for v in grad(function)(list(map(Value, x)))] == pytest.approx(grad(function)(x), rel=1e-14)
    differences = []
    for i in range(len(x)):
        above, below = ([v + sign * step * (k == i) for k, v in enumerate(x)] for sign in (1.0, -1.0))
        slopes = zip(grad(function)(above), grad(function)(below), strict=True)
        differences.append([(a - b) / (2.0 * step) for a, b in slopes])
    assert np.array(hessian(function)(x)) == pytest.approx(np.array(differences), abs=1e-8)


# ---- random programs

tame_numbers = st.one_of(st.floats(0.05, 3.0), st.floats(-3.0, -0.05))
#: At a kink, second derivatives depend on the order in which they are taken; polygamma is for positive numbers.
KINKED = {"abs", "relu", "leaky_relu", "elu", "maximum", "minimum", "copysign", "keep_if", "drop_if"}
smooth = [name for name in NAMES if name not in {*KINKED, "polygamma"}]
programs = recipes(smooth, constants=tame_numbers, most_steps=12)


def computed(recipe: Recipe, leaves: list[Any]) -> list[Any]:
    """The nodes of the recipe for these leaves; those that cannot be built are left out."""
    remaining = iter(leaves)

    class Kitchen:
        Value = staticmethod(lambda number: next(remaining))

        def __getattr__(self, name: str) -> Any:
            return getattr(fastgrad, name)

    return cook(recipe, Kitchen())[0]


def is_tame(recipe: Recipe) -> bool:
    """Whether no number is so small or so large that slopes cancel: second slopes of hypot(x, -x) at 1e-8 are 1e8."""
    nodes = computed(recipe, list(map(Value, recipe.leaves)))
    return all(
        0.01 <= abs(node.data) <= 100.0 or node._op in ("less", "less_equal", "floor", "ceil") for node in nodes
    )


def all_finite(*trees: Any) -> bool:
    return all(bool(np.all(np.abs(np.array(tree, dtype=float)) < 1e100)) for tree in trees)


@settings(max_examples=150)
@given(recipe=programs, direction=st.lists(tame_numbers, min_size=4, max_size=4))
def test_derivatives_of_random_programs_agree_with_each_other(recipe: Recipe, direction: list[float]):
    assume(is_tame(recipe))
    x = recipe.leaves

    def function(leaves: list[Any]) -> Any:
        return computed(recipe, leaves)[-1]

    v = direction[: len(x)]
    gradient = grad(function)(x)
    raw = Evaluation(function, 0, (x,), {}, trace_through_jit=True)
    rows = raw.linearized(as_values=False, outputs=raw.recorded_gradient()).jacobian()
    assume(all_finite(gradient, rows))
    scale = 1e-9 * max(1.0, float(np.max(np.abs(rows))))

    recorded = grad(function)(list(map(Value, x)))
    assert [value.data for value in recorded] == gradient
    assert rows == pytest.approx(rows.T, abs=scale, rel=1e-9)
    second = np.array(hessian(function)(x))
    assert second == pytest.approx(rows, abs=scale, rel=1e-9)
    assert np.array(jacobian(grad(function))(x)) == pytest.approx(second, abs=scale, rel=1e-9)
    assert hvp(function, x, v) == pytest.approx(second @ v, abs=4 * scale, rel=1e-9)

    value, slope = jvp(function, (x,), (v,))
    assert value == vjp(function, x)[0] == function(list(map(Value, x))).data
    assert slope == pytest.approx(np.dot(gradient, v), abs=1e-9 * max(1.0, *map(abs, gradient)), rel=1e-9)
    assert vjp(function, x)[1](1.0) == (gradient,)


@settings(max_examples=50)
@given(recipe=programs, count=st.integers(1, 12))
def test_jacobians_of_random_programs_are_the_same_forwards_and_backwards(recipe: Recipe, count: int):
    assume(is_tame(recipe))
    x = recipe.leaves

    def outputs(leaves: list[Any]) -> list[Any]:
        return computed(recipe, leaves)[-count:]

    whole = np.array(jacobian(outputs)(x))
    assume(all_finite(whole))
    _, pull = vjp(outputs, x)
    for i, row in enumerate(whole):
        assert pull([float(i == k) for k in range(len(whole))])[0] == pytest.approx(row, rel=1e-9, abs=1e-12)
    for j, column in enumerate(whole.T):
        tangent = [float(j == k) for k in range(len(x))]
        assert jvp(outputs, (x,), (tangent,))[1] == pytest.approx(column, rel=1e-9, abs=1e-12)
