"""gradcheck: what it detects, what it accepts, and its report."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fastgrad
from fastgrad import Value, jit
from fastgrad.functional import Report, gradcheck
from fastgrad.reference import Operation
from support.operations import every_true_derivative
from support.transforms import POINT, cube, rosenbrock


def wrong_by(factor: float) -> Callable[[Value], Value]:
    """The cube, with an error in its derivative."""

    def wrong(x: Value) -> Value:
        return Value(x.data**3, (x,), (3.0 * x.data**2 * factor,))

    return wrong


# ---- detected errors


@every_true_derivative
def test_every_operation_passes_to_second_order(operation: Operation):
    tame = [
        point
        for point in operation.points
        if all(0.1 < abs(x) <= 4.0 for x in point) and not 0.0 < abs(point[0] - point[-1]) < 1e-3
    ]
    assert tame
    for point in tame:
        report = gradcheck(lambda x: getattr(fastgrad, operation.name)(*x), list(point), order=2)
        assert report, f"{point}\n{report}"


def test_a_wrong_derivative_is_found():
    for factor in (0.0, 0.99, 1.001, -1.0, math.nan, math.inf):
        report = gradcheck(wrong_by(factor), 2.0)
        assert not report
        assert [check.name for check in report.failures] == ["x"]
        assert report.failures[0].hint == ""
    assert gradcheck(wrong_by(1.0), 2.0)


def test_a_wrong_closure_is_found():
    def wrong(x: Value) -> Value:
        out = Value(x.data**2, (x,), "square")

        def backward() -> None:
            x.grad += x.data * out.grad

        out._backward = backward
        return out

    assert gradcheck(cube, 1.5)
    assert not gradcheck(wrong, 1.5)


def test_only_the_wrong_one_of_several_is_named():
    report = gradcheck(lambda t: t["a"][0] * wrong_by(1.5)(t["a"][1]) + t["b"], {"a": np.array([2.0, 3.0]), "b": 1.0})
    assert [check.name for check in report.failures] == ["x['a'][1]"]
    assert [check.name for check in report.checks] == ["x['a'][0]", "x['a'][1]", "x['b']"]


def test_second_order_finds_a_derivative_that_was_taken_for_a_constant():
    f = wrong_by(1.0)
    assert gradcheck(f, 2.0)
    report = gradcheck(f, 2.0, order=2)
    assert [(check.name, check.agrees) for check in report.checks] == [("x", True), ("x, x", False)]
    assert (report.checks[1].analytic, report.checks[1].numerical) == (0.0, pytest.approx(12.0, rel=1e-6))


def test_several_outputs_are_named():
    def f(x: list[Value]) -> Any:
        return {"sum": x[0] + x[1], "rest": [x[0] * wrong_by(2.0)(x[1])]}

    report = gradcheck(f, [1.0, 2.0])
    assert [check.name for check in report.failures] == ["f['rest'][0], x[1]"]
    assert str(report).startswith("jacobian: 3 of 4 derivatives agree\n")


# ---- accepted functions


@pytest.mark.parametrize("x", [1e-8, 1.0, 1e8, -1e150])
def test_the_step_fits_the_size_of_the_number(x: float):
    assert gradcheck(lambda v: v * v, x)


def test_rounding_of_large_values_is_tolerated():
    assert gradcheck(lambda x: x.sin() + 1e9, 1.0)
    assert not gradcheck(lambda x: wrong_by(1.01)(x) + 1e3, 1.0)


def test_recorded_functions():
    assert gradcheck(jit(rosenbrock), POINT, order=2)


def test_a_function_that_does_not_depend_on_its_argument():
    assert gradcheck(lambda x: 3.0, 1.0, order=2)


# ---- kinks, and ends of domains


@pytest.mark.parametrize("x", [0.0, 1e-9, -1e-9])
def test_a_kink_is_named(x: float):
    report = gradcheck(lambda v: v.relu(), x)
    assert not report
    assert "DIFFERS: a kink? The slopes on its two sides are" in str(report)


def test_a_steep_curve_is_not_a_kink():
    report = gradcheck(lambda v: wrong_by(1.5)(v) * 1e6, 2.0)
    assert "kink" not in str(report)
    assert not report


def test_a_function_that_raises_a_step_away_is_named():
    report = gradcheck(lambda x: x[0].sqrt() + x[1], [0.0, 1.0])
    assert [check.agrees for check in report.checks] == [False, True]
    assert "a step away: ValueError: sqrt(-1e-06)" in str(report)


def test_a_function_that_raises_at_the_point_raises():
    with pytest.raises(ZeroDivisionError):
        gradcheck(lambda x: x / 0, 1.0)


# ---- the report


def test_text_of_a_report():
    report = gradcheck(lambda x: x[0] * 4.0 + wrong_by(1.5)(x[1]) + x[2].relu(), [0.0, 2.0, 0.0])
    assert str(report).splitlines() == [
        "gradient: 1 of 3 derivatives agree",
        "derivative  analytic  numerical  difference  verdict",
        f"x[0]        4         4          {abs(report.checks[0].numerical - 4.0):.1e}     agrees",
        "x[1]        18        12         6.0e+00     DIFFERS",
        "x[2]        0         0.5        5.0e-01     DIFFERS: a kink? The slopes on its two sides are 0 and 1",
    ]


def test_long_report_shows_the_failures():
    def f(x: Any) -> Any:
        return sum(v * v for v in x[:-1]) + wrong_by(2.0)(x[-1])

    lines = str(gradcheck(f, [1.0] * 100)).splitlines()
    assert lines[0] == "gradient: 99 of 100 derivatives agree"
    assert lines[2].startswith("x[99]")
    assert lines[3:] == ["... and 99 more"]


def test_raise_exception():
    assert isinstance(gradcheck(rosenbrock, POINT, raise_exception=True), Report)
    with pytest.raises(AssertionError, match=r"gradient: 0 of 1 derivatives agree\nderivative +analytic"):
        gradcheck(wrong_by(2.0), 1.0, raise_exception=True)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"order": 3}, ValueError, "order must be 1 or 2, not 3"),
        ({"eps": 0.0}, ValueError, "eps must be positive, not 0.0"),
        ({"eps": math.nan}, ValueError, "eps must be positive, not nan"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, Any], error: type[Exception], message: str):
    with pytest.raises(error, match=message):
        gradcheck(lambda x: x, 1.0, **options)


def test_functions_that_cannot_be_checked():
    with pytest.raises(TypeError, match="gradcheck of order 2"):
        gradcheck(lambda x: [x, x], 1.0, order=2)
    with pytest.raises(TypeError, match="custom operation 'cube'"):
        gradcheck(cube, 1.0, order=2)
    with pytest.raises(TypeError, match="no number to differentiate by"):
        gradcheck(lambda x: x, "abc")
