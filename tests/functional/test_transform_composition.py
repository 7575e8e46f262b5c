"""Composition in fastgrad.functional: Values in, Values out; transforms in transforms, in `jit` and in `vmap`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fastgrad
from fastgrad import Graph, Value, jit, nn, vmap, where
from fastgrad.compile.trees import flatten
from fastgrad.functional import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from support.recordings import Counted
from support.transforms import POINT, data_of, every_transform, rosenbrock, rosenbrock_hessian

# ---- Values in, Values out


def test_values_give_values_that_are_connected():
    a, b = Value(2.0), Value(5.0)
    slope = grad(lambda x: x**3 * b)(a)
    assert (type(slope), slope.data) == (Value, 60.0)
    slope.backward()
    assert (a.grad, b.grad) == (60.0, 12.0)
    value, gradient = value_and_grad(lambda x: x[0] * x[1])([a, 1.0])
    assert [type(v) for v in (value, *gradient)] == [Value] * 3


def test_an_argument_that_is_not_differentiated_by_may_be_the_value():
    w = Value(3.0)
    for call in (lambda: grad(lambda x, w: w * x * x)(2.0, w), lambda: grad(lambda x, w: w[0] * x * x)(2.0, [w])):
        w.grad = 0.0
        call().backward()
        assert w.grad == 4.0


def test_tangents_and_cotangents_may_be_values():
    t = Value(3.0)
    slope = jvp(lambda x: x**2, (5.0,), (t,))[1]
    slope.backward()
    assert (slope.data, t.grad) == (30.0, 10.0)
    t.grad = 0.0
    _, pull = vjp(lambda x: x**2, 5.0)
    (pulled,) = pull(t)
    pulled.backward()
    assert (pulled.data, t.grad) == (30.0, 10.0)
    assert pull(3.0) == (30.0,)
    product = hvp(lambda x: x**3, 2.0, t)
    assert product.data == 36.0


def test_a_derivative_is_never_the_callers_own_leaf():
    a, x = Value(4.0), Value(2.0)
    slope = grad(lambda x: x * a)(x)
    assert slope is not a
    slope.data = -1.0
    assert a.data == 4.0


def test_only_what_the_function_computes_is_differentiated():
    """The argument's own history is not followed, and a closure over related Values is a constant."""
    a = Value(3.0)
    b = a * a
    assert grad(lambda x: x * a)(b).data == 3.0
    slope = grad(lambda x: x * a)(b)
    slope.backward()
    assert a.grad == 1.0


# ---- transforms in transforms


def test_gradients_of_gradients():
    f = power = lambda x: x**5
    for factor in (5.0, 20.0, 60.0, 120.0, 120.0, 0.0):
        f = grad(f)
        power = f
        assert f(1.0) == factor
    assert power(2.0) == 0.0


def test_perturbations_are_not_confused():
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0) == 1.0
    assert grad(lambda x: grad(lambda y: x * y)(1.0))(3.0) == 1.0
    assert grad(lambda x: x * grad(lambda y: x * y * y)(x))(2.0) == 24.0
    assert jvp(lambda x: jvp(lambda y: x * y, (1.0,), (1.0,))[1], (3.0,), (1.0,)) == (3.0, 1.0)
    assert jvp(lambda x: x * grad(lambda y: x * y)(2.0), (3.0,), (1.0,)) == (9.0, 6.0)


@every_transform
def test_every_transform_can_be_differentiated(transform: Callable[..., Any]):
    """The derivative of the sum of its results, as a function of the argument, against differences."""

    def total(x: float | Value) -> Any:
        leaves: list[Any] = []
        flatten(transform(lambda v: v[0] ** 3 * v[1].exp())([x, x * 0.5]), leaves)
        return sum(leaves)

    step = 1e-5
    expected = (total(1.3 + step) - total(1.3 - step)) / (2.0 * step)
    assert grad(total)(1.3) == pytest.approx(expected, rel=1e-8)
    assert jvp(total, (1.3,), (1.0,))[1] == pytest.approx(expected, rel=1e-8)
    assert jit(total)(1.3).data == pytest.approx(total(1.3), rel=1e-13)
    assert jit(grad(total))(1.3).data == pytest.approx(expected, rel=1e-8)


def test_hessian_is_the_jacobian_of_the_gradient_any_way_round():
    x = [0.3, -0.8, 1.7]
    expected = hessian(rosenbrock)(x)
    for way in (
        jacobian(grad(rosenbrock)),
        jacobian(jacobian(rosenbrock)),
        lambda x: [jvp(grad(rosenbrock), (x,), (e,))[1] for e in np.eye(3).tolist()],
        lambda x: [vjp(grad(rosenbrock), x)[1](e)[0] for e in np.eye(3).tolist()],
        lambda x: [grad(lambda x, e=e: jvp(rosenbrock, (x,), (e,))[1])(x) for e in np.eye(3).tolist()],
        lambda x: [hvp(rosenbrock, x, e) for e in np.eye(3).tolist()],
    ):
        assert np.array(way(x)) == pytest.approx(np.array(expected), rel=1e-13, abs=1e-12)


# ---- with jit and vmap


def test_jit_of_a_gradient_is_recorded_once():
    f = Counted(rosenbrock)
    fast = jit(grad(f))
    for x in (np.array(POINT), np.array([1.0, 2.0, 3.0]), np.array([0.0, 0.0, 0.1])):
        assert data_of(fast(x)) == pytest.approx(grad(rosenbrock)(x), rel=1e-13)
    assert f.runs == 1


def test_jit_of_a_hessian():
    fast = jit(hessian(rosenbrock))
    for x in (POINT, [1.0, 2.0, 3.0]):
        second = fast(x)
        assert np.array(data_of(second)) == pytest.approx(rosenbrock_hessian(x), rel=1e-13, abs=1e-12)
    assert fast.recordings == 1


def test_gradient_of_a_recorded_gradient():
    fast = jit(grad(lambda x: x.sin() * x))
    assert grad(fast)(0.7) == pytest.approx(grad(grad(lambda x: x.sin() * x))(0.7), rel=1e-14)
    assert grad(grad(fast))(0.7) == pytest.approx(grad(grad(grad(lambda x: x.sin() * x)))(0.7), rel=1e-14)


def test_recorded_functions_are_replayed_where_a_sweep_will_do_and_run_inline_elsewhere():
    f = Counted(rosenbrock)
    fast = jit(f)
    x = POINT
    assert grad(fast)(x) == pytest.approx(grad(rosenbrock)(x), rel=1e-13)
    assert jacobian(lambda x: [fast(x), x[0]])(x)[0] == pytest.approx(grad(rosenbrock)(x), rel=1e-13)
    assert vjp(fast, x)[1](2.0)[0] == pytest.approx([2.0 * g for g in grad(rosenbrock)(x)], rel=1e-13)
    assert f.runs == 1
    assert hessian(fast)(x) == pytest.approx(rosenbrock_hessian(x), rel=1e-13, abs=1e-12)
    assert jvp(fast, (x,), (x,))[0] == rosenbrock(list(map(Value, x))).data
    assert grad(grad(lambda t: fast([t, t, t])))(0.5) == pytest.approx(
        grad(grad(lambda t: rosenbrock([t, t, t])))(0.5), rel=1e-14
    )
    assert fast.recordings == 1


def test_mapped_functions_inside():
    mean = vmap(lambda x, w: (w * x).tanh(), in_axes=(0, None), reduce="mean")
    data = np.linspace(-1.0, 2.0, 5)

    def plain(w: Any) -> Any:
        return sum((w * x).tanh() for x in data) / len(data)

    assert grad(lambda w: mean(data, w))(0.7) == pytest.approx(grad(plain)(0.7), rel=1e-14)
    assert hessian(lambda w: mean(data, w))(0.7) == pytest.approx(hessian(plain)(0.7), rel=1e-14)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x.relu() * fastgrad.maximum(x, 1.0) * abs(x),
        lambda x: where(fastgrad.less(x, 0.0), x**3, x.exp()) + x.leaky_relu() + x.elu(),
        lambda x: fastgrad.hypot(x, 2.0) + fastgrad.minimum(x, 0.5) * x + fastgrad.copysign(2.0, x),
        lambda x: fastgrad.dot(fastgrad.softmax([x, 1.0]), [x, x * x]) + fastgrad.norm([x, 0.0]),
    ],
)
def test_vmap_of_derivatives_needs_no_comparison(f: Callable[[Any], Any]):
    xs = np.array([-2.0, -0.5, 0.25, 1.0, 3.0])
    for derivative in (grad(f), hessian(f), grad(grad(f))):
        mapped = [v.data for v in vmap(derivative)(xs)]
        assert mapped == pytest.approx([derivative(float(x)) for x in xs], rel=1e-12)


def test_comparisons_in_the_function_are_guards_as_ever():
    def f(x: Any) -> Any:
        return x**2 if x > 0.0 else -x

    fast = jit(grad(f))
    assert [fast(x).data for x in (3.0, -1.0, 5.0)] == [6.0, -1.0, 10.0]
    assert fast.recordings == 2


def test_graph_of_a_hessian_runs_natively():
    variables = list(map(Value, POINT))
    graph = Graph(hessian(rosenbrock)(variables), variables)
    for x in (POINT, [1.0, 2.0, 3.0]):
        assert graph(x).reshape(3, 3) == pytest.approx(rosenbrock_hessian(x), rel=1e-13, abs=1e-12)


def test_gradients_of_a_network_in_its_parameters():
    model = nn.MLP(2, [3, 1])
    x, y = [0.5, -1.0], 0.7
    parameters = model.parameters()

    def loss(weights: list[Any]) -> Any:
        before = [p.data for p in parameters]
        hidden = [(weights[3 * i] * x[0] + weights[3 * i + 1] * x[1] + weights[3 * i + 2]).tanh() for i in range(3)]
        assert [p.data for p in parameters] == before
        return (hidden[0] * weights[9] + hidden[1] * weights[10] + hidden[2] * weights[11] + weights[12] - y) ** 2

    numbers = [p.data for p in parameters]
    values = [Value(p) for p in numbers]
    loss(values).backward()
    assert grad(loss)(numbers) == [v.grad for v in values]
    second = np.array(hessian(loss)(numbers))
    assert second == pytest.approx(second.T)
    assert hvp(loss, numbers, numbers) == pytest.approx(second @ numbers, rel=1e-12)
