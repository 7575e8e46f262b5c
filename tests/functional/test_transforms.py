"""fastgrad.functional: arguments and results, how transforms compose, what they leave unchanged, and errors."""

from __future__ import annotations

import collections
import math
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fastgrad
from fastgrad import Value, _core, functional, jit, no_grad
from fastgrad.functional import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from support.transforms import cube, data_of, every_transform, rosenbrock, rosenbrock_hessian

# ---- arguments and results


def test_functions_of_one_number():
    def f(x: Any) -> Any:
        return x.sin() * x

    x = 0.7
    first = math.cos(x) * x + math.sin(x)
    second = 2.0 * math.cos(x) - math.sin(x) * x
    assert grad(f)(x) == pytest.approx(first, rel=1e-15)
    assert value_and_grad(f)(x) == (math.sin(x) * x, grad(f)(x))
    assert jacobian(f)(x) == grad(f)(x)
    assert hessian(f)(x) == pytest.approx(second, rel=1e-15)
    assert jvp(f, (x,), (2.0,)) == (math.sin(x) * x, 2.0 * grad(f)(x))
    value, pull = vjp(f, x)
    assert (value, pull(3.0), pull(1)) == (math.sin(x) * x, (3.0 * grad(f)(x),), (grad(f)(x),))
    assert hvp(f, x, 3.0) == pytest.approx(3.0 * second, rel=1e-15)
    for number in (grad(f)(x), hessian(f)(x), jacobian(f)(x), value, pull(3.0)[0], hvp(f, x, 3.0)):
        assert type(number) is float


@pytest.mark.parametrize("number", [2, True + 1, np.float64(2.0), np.float32(2.0), np.int64(2)])
def test_any_kind_of_number_is_accepted(number: Any):
    assert grad(lambda x: x**3)(number) == 12.0
    assert hessian(lambda x: x**3)(number) == 12.0


def test_gradient_has_the_structure_of_the_argument():
    Point = collections.namedtuple("Point", "x y")
    tree = {"w": [1.0, (2.0, 3.0)], "p": Point(4.0, 5.0), "a": np.array([[6.0, 7.0]]), "name": "n", "none": None}

    def f(t: Any) -> Any:
        (a, (b, c)), p, m = t["w"], t["p"], t["a"]
        assert t["name"] == "n"
        assert m.shape == (1, 2)
        return a * b + c * p.x + p.y * m[0, 0] * m[0, 1]

    gradient = grad(f)(tree)
    array = gradient.pop("a")
    assert gradient == {"w": [2.0, (1.0, 4.0)], "p": Point(3.0, 42.0), "name": "n", "none": None}
    assert type(gradient["p"]) is Point
    assert array.dtype == np.float64
    assert array.tolist() == [[35.0, 30.0]]


def test_argnums():
    def f(x: Any, y: Any, scale: float = 1.0) -> Any:
        return scale * x * y**2

    assert grad(f)(2.0, 3.0) == 9.0
    assert grad(f, 1)(2.0, 3.0, scale=2.0) == 24.0
    assert grad(f, argnums=(1, 0))(2.0, 3.0) == (12.0, 9.0)
    assert grad(f, argnums=-1)(2.0, 3.0) == 12.0
    assert hessian(f, (0, 1))(2.0, 3.0) == ((0.0, 6.0), (6.0, 4.0))
    assert jacobian(f, (0, 1))(2.0, 3.0) == (9.0, 12.0)


def test_other_arguments_are_passed_on_unchanged():
    model, data = object(), np.arange(3)

    def f(x: Any, *rest: Any, **named: Any) -> Any:
        assert rest == (model,)
        assert named["data"] is data
        return x * x

    assert grad(f)(3.0, model, data=data) == 6.0


def test_arrays_get_the_axes_of_outputs_and_inputs():
    x = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    assert grad(lambda m: (m * m).sum())(x).tolist() == (2.0 * x).tolist()
    whole = jacobian(lambda m: m.sum(axis=1) * m[0, 0])(x)
    assert whole.shape == (2, 2, 3)
    assert whole[1].tolist() == [[15.0, 0.0, 0.0], [1.0, 1.0, 1.0]]
    second = hessian(lambda m: (m * m).sum() * m[1, 2])(x)
    assert second.shape == (2, 3, 2, 3)
    assert second[1, 2, 0, 1] == 4.0
    for array in (whole, second):
        assert array.dtype == np.float64


def test_jacobian_of_trees_is_a_tree_of_trees():
    def f(t: Any) -> Any:
        return {"sum": t["a"].sum() + t["b"], "product": t["a"] * t["b"]}

    whole = jacobian(f)({"a": np.array([1.0, 2.0]), "b": 3.0})
    assert whole["sum"]["a"].tolist() == [1.0, 1.0]
    assert whole["sum"]["b"] == 1.0
    assert whole["product"]["a"].tolist() == [[3.0, 0.0], [0.0, 3.0]]
    assert whole["product"]["b"].tolist() == [1.0, 2.0]


@pytest.mark.parametrize("outputs", [1, 3, 8, 9, 30])
@pytest.mark.parametrize("inputs", [1, 7, 8, 20])
def test_jacobian_of_every_shape(outputs: int, inputs: int):
    matrix = np.random.default_rng(0).normal(size=(outputs, inputs))
    x = np.linspace(-1.0, 1.0, inputs)

    def f(v: Any) -> Any:
        return (matrix * v).sum(axis=1) ** 2

    expected = 2.0 * (matrix @ x)[:, None] * matrix
    assert jacobian(f)(x) == pytest.approx(expected, rel=1e-13)
    assert data_of(jacobian(f)(np.array(list(map(Value, x))))) == pytest.approx(expected, rel=1e-13)


def test_infinite_derivative_spoils_no_other():
    def f(x: Any) -> Any:
        return [x[0].sqrt() * 1.0, x[0] * 2.0 + x[1], x[1] ** 2]

    assert jacobian(f)([0.0, 3.0]) == [[math.inf, 0.0], [2.0, 1.0], [0.0, 6.0]]


def test_the_derivative_of_a_function_that_does_not_depend_on_its_argument_is_zero():
    w = Value(2.0)
    for f in (lambda x: 3.0, lambda x: w * 3.0, lambda x: x.detach() * 2.0, lambda x: fastgrad.floor(x)):
        assert grad(f)(1.5) == 0.0
        assert hessian(f)(1.5) == 0.0
        assert jvp(f, (1.5,), (1.0,))[1] == 0.0
        assert vjp(f, 1.5)[1](1.0) == (0.0,)
    assert jacobian(lambda x: [x[0], 1.0])([3.0, 4.0]) == [[1.0, 0.0], [0.0, 0.0]]
    zero = grad(lambda x: -x.detach() + x * 0.0)(1.0)
    assert math.copysign(1.0, zero) == 1.0


def test_hessian_of_rosenbrock():
    for n in (2, 3, 10, 25):
        x = np.linspace(-1.2, 1.1, n)
        assert hessian(rosenbrock)(x) == pytest.approx(rosenbrock_hessian(list(x)), rel=1e-14, abs=1e-12)
        v = np.cos(np.arange(n))
        assert hvp(rosenbrock, x, v) == pytest.approx(hessian(rosenbrock)(x) @ v, rel=1e-12)


def test_closure_over_parameters():
    w = Value(3.0)
    assert grad(lambda x: w * x**2)(2.0) == 12.0
    assert hessian(lambda x: w * x**2)(2.0) == 6.0
    w.data = 4.0
    assert grad(lambda x: w * x**2)(2.0) == 16.0


def test_names_and_documentation_are_those_of_the_function():
    def loss(x: Any, y: Any) -> Any:
        """Of two numbers."""
        return x * y

    for transform in (grad, value_and_grad, jacobian, hessian):
        assert transform(loss).__name__ == "loss"
        assert transform(loss).__doc__ == "Of two numbers."


# ---- custom operations


def test_custom_operations_with_a_closure_to_first_order():
    assert grad(cube)(2.0) == 12.0
    assert grad(lambda x: cube(x) * x)(2.0) == 32.0
    assert jacobian(lambda x: [cube(x[0]), x[1] * 2.0])([2.0, 1.0]) == [[12.0, 0.0], [0.0, 2.0]]
    _, pull = vjp(lambda x: [cube(x), x], 2.0)
    assert pull([1.0, 10.0]) == (22.0,)
    assert pull([0.0, 1.0]) == (1.0,)


def test_custom_operations_that_do_not_depend_on_the_variables_are_constants():
    c = cube(Value(2.0))
    assert hessian(lambda x: c * x**2)(3.0) == 16.0
    assert hessian(lambda x: cube(Value(2.0)) * x**2)(3.0) == 16.0


def test_local_gradients_are_constants():
    def square(x: Value) -> Value:
        return Value(x.data**2, (x,), (2.0 * x.data,))

    assert grad(square)(3.0) == 6.0
    assert jvp(square, (3.0,), (2.0,)) == (9.0, 12.0)
    assert grad(lambda x: square(x) * x)(3.0) == 27.0
    assert hessian(lambda x: square(x) * x)(3.0) == 12.0


@pytest.mark.parametrize(
    "call",
    [
        lambda: hessian(cube)(2.0),
        lambda: hvp(cube, 2.0, 1.0),
        lambda: grad(grad(cube))(2.0),
        lambda: jvp(cube, (2.0,), (1.0,)),
        lambda: grad(cube)(Value(2.0)),
        lambda: vjp(cube, Value(2.0)),
    ],
)
def test_closures_have_no_second_derivative(call: Callable[[], Any]):
    with pytest.raises(TypeError, match="custom operation 'cube' can be differentiated once, and backwards"):
        call()


# ---- what they leave unchanged


def graph_with_gradients() -> tuple[list[Value], Value]:
    """Leaves and an interior Value, all with a gradient from another computation."""
    a, b = Value(2.0), Value(-3.0)
    c = a * b
    for i, value in enumerate((a, b, c)):
        value.grad = 10.0 + i
    return [a, b, c], c


@every_transform
def test_no_gradient_changes(transform: Callable[..., Any]):
    values, c = graph_with_gradients()
    a, b, _ = values
    transform(lambda x: (a * x + b) * c * x)(1.5)
    transform(lambda x: (a * x + b) * c * x)(a)
    if transform in (grad, value_and_grad, jacobian):
        transform(lambda x: cube(a * x) * c)(1.5)
        inner = jit(lambda x: a * x * x)
        transform(lambda x: inner(x) * c)(1.5)
    assert [v.grad for v in values] == [10.0, 11.0, 12.0]


def test_no_gradient_changes_where_a_closure_raises():
    values, c = graph_with_gradients()

    def broken(x: Value) -> Value:
        out = Value(x.data, (x,), "broken")

        def backward() -> None:
            values[0].grad += 1.0
            raise RuntimeError("no derivative today")

        out._backward = backward
        return out

    for transform in (grad, jacobian):
        with pytest.raises(RuntimeError, match="no derivative today"):
            transform(lambda x: broken(x * values[0]) * c)(1.0)
    assert [v.grad for v in values] == [10.0, 11.0, 12.0]


@every_transform
def test_an_exception_in_the_function_leaves_everything_as_it_was(transform: Callable[..., Any]):
    values, c = graph_with_gradients()
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), no_grad():
            transform(lambda x: (x * c) / 0)(1.0)
        assert not _core.is_transforming()
        assert not _core.traces_through_jit()
    assert [v.grad for v in values] == [10.0, 11.0, 12.0]
    assert (values[0] * 2.0)._prev, "no_grad is over"


@every_transform
def test_nothing_stays_alive(transform: Callable[..., Any], live_nodes: Callable[[], int]):
    w = Value(3.0)
    before = live_nodes()
    f = transform(lambda x: (w * x).sin() * x / (x + 1.0))
    for _ in range(3):
        f(2.0)
        f(Value(2.0))
        with pytest.raises(ZeroDivisionError):
            f(-1.0)
    assert live_nodes() == before


def test_gradients_inside_another_sweep():
    """A gradient computed while another sweep is in progress disturbs neither."""
    x = Value(3.0)
    shared = x * 2.0

    def own(v: Value) -> Value:
        out = Value(v.data**2, (v,), "own")

        def backward() -> None:
            v.grad += grad(lambda t: t * t * (shared / shared.data))(v.data) * out.grad

        out._backward = backward
        return out

    (own(shared) * shared).backward()
    assert shared.grad == 3.0 * 36.0
    assert x.grad == 2.0 * 3.0 * 36.0


# ---- no_grad and threads


def test_no_grad_around_and_inside():
    w = Value(2.0)
    with no_grad():
        assert grad(lambda x: w * x**3)(2.0) == 24.0
        assert hessian(lambda x: w * x**3)(2.0) == 24.0
        assert hvp(lambda x: w * x**3, 2.0, 1.0) == 24.0
        slope = grad(lambda x: w * x**3)(Value(2.0))
        assert (slope.data, slope._prev) == (24.0, set())

    def f(x: Any) -> Any:
        with no_grad():
            factor = x * 2.0
        return factor * x

    assert grad(f)(3.0) == 6.0


def test_each_thread_for_itself():
    inside, checked = threading.Event(), threading.Event()
    seen: list[Any] = []

    def slow(x: Any) -> Any:
        inside.set()
        assert checked.wait(10)
        return x * x

    thread = threading.Thread(target=lambda: seen.append(hessian(slow)(3.0)))
    thread.start()
    assert inside.wait(10)
    try:
        assert not _core.is_transforming()
        assert type(grad(lambda x: x * x)(2.0)) is float
    finally:
        checked.set()
        thread.join()
    assert seen == [2.0]


# ---- depth


def test_long_chains_without_recursion():
    def f(x: Any) -> Any:
        for _ in range(50_000):
            x = x * 0.99999 + 1e-9
        return x * x

    factor = 0.99999**50_000
    assert hessian(f)(0.5) == pytest.approx(2.0 * factor**2, rel=1e-9)
    assert jvp(f, (0.5,), (1.0,))[1] == pytest.approx(grad(f)(0.5), rel=1e-12)


# ---- errors

ERRORS: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: grad(lambda x: [x, x])(1.0), TypeError, "grad() needs a function that returns one number"),
    (
        lambda: grad(lambda x: {"a": x})(1.0),
        TypeError,
        "1 of them in a container of type 'dict'; use jacobian()",
    ),
    (lambda: grad(lambda x: None)(1.0), TypeError, "returned None"),
    (lambda: hessian(lambda x: (x, x))(1.0), TypeError, "hessian() needs a function that returns one number"),
    (lambda: hvp(lambda x: [x], 1.0, 1.0), TypeError, "hvp() needs a function that returns one number"),
    (lambda: grad(lambda x: x)(), TypeError, "given 0 positional arguments, and argnums is 0"),
    (lambda: grad(lambda x: x, 1)(1.0), TypeError, "given 1 positional arguments, and argnums is 1"),
    (lambda: grad(lambda x: x, (0, -2))(1.0), TypeError, "argnums is (0, -2)"),
    (lambda: grad(lambda x: x)("abc"), TypeError, "was given no number to differentiate by"),
    (lambda: grad(lambda x: x)([]), TypeError, "was given no number to differentiate by"),
    (lambda: grad(lambda x: x)(object()), TypeError, "is neither a number nor a list"),
    (lambda: grad(lambda x: x)(1j), TypeError, "is neither a number nor a list"),
    (lambda: grad(lambda x: object())(1.0), TypeError, "is neither a number nor a list"),
    (lambda: grad(lambda x: x[0])(np.array(["a"])), TypeError, "an array must hold real numbers or Values"),
    (lambda: jvp(lambda x: x, (1.0,), ([1.0],)), ValueError, "tangents must have the structure of primals"),
    (lambda: jvp(lambda x: x, (1.0,), ()), ValueError, "tangents must have the structure of primals"),
    (
        lambda: vjp(lambda x: [x, x], 1.0)[1](1.0),
        ValueError,
        "cotangents must have the structure of what",
    ),
    (lambda: hvp(lambda x: x[0], [1.0], [1.0, 2.0]), ValueError, "v must have the structure of x"),
    (lambda: grad(lambda x: x / 0)(1.0), ZeroDivisionError, "1.0 / 0.0: division by zero"),
]


@pytest.mark.parametrize(("call", "error", "message"), ERRORS)
def test_errors_say_what_was_given_and_what_to_do(call: Callable[[], Any], error: type[Exception], message: str):
    with pytest.raises(error) as raised:
        call()
    assert message in str(raised.value)


def test_native_half_checks_what_it_is_given():
    x = Value(2.0)
    linearization = _core.Linearization([x * 3.0], [x], x, as_values=False)
    for call, error in (
        (lambda: linearization.pull([]), ValueError),
        (lambda: linearization.push([1.0, 2.0]), ValueError),
        (lambda: linearization.pull(["a"]), TypeError),
        (lambda: _core.swept_gradients([x], [], [x]), ValueError),
        (lambda: _core.swept_gradients([1.0], [1.0], [x]), TypeError),
        (lambda: _core.Linearization([x], [x], None, as_values=False), TypeError),
        (lambda: _core.new_variables(["a"]), TypeError),
    ):
        with pytest.raises(error):
            call()


def test_everything_is_documented():
    for name in functional.__all__:
        assert getattr(functional, name).__doc__, name
