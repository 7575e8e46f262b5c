"""clip_grad_norm_ and clip_grad_value_: PyTorch's formulas, for gradients of all sizes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from fastgrad import Value, optim
from support.operations import bits

INF, NAN = math.inf, math.nan


def leaves(gradients: Sequence[float]) -> list[Value]:
    values = [Value(1.0) for _ in gradients]
    for value, gradient in zip(values, gradients, strict=True):
        value.grad = gradient
    return values


def gradients_of(values: Sequence[Value]) -> list[float]:
    return [value.grad for value in values]


#: Gradients, max_norm, norm_type; then the norm and the clipped gradients of torch 2.13.0, in float64.
CLIPPED: list[tuple[list[float], float, float, float, list[float]]] = [
    ([3.0, -4.0], 1.0, 2.0, 5.0, [0.599999880000024, -0.799999840000032]),
    ([3.0, -4.0], 10.0, 2.0, 5.0, [3.0, -4.0]),
    ([3.0, -4.0], 5.0, 2.0, 5.0, [2.99999940000012, -3.99999920000016]),
    ([3.0, -4.0], 1.0, 1.0, 7.0, [0.42857136734694745, -0.57142848979593]),
    ([3.0, -4.0], 1.0, 3.0, 4.497941445275415, [0.6669716290281047, -0.8892955053708063]),
    ([3.0, -4.0, 0.25], 1.0, INF, 4.0, [0.7499998125000469, -0.9999997500000625, 0.062499984375003904]),
    ([0.0, 0.0], 1.0, 2.0, 0.0, [0.0, 0.0]),
    ([3.0, -4.0], 0.0, 2.0, 5.0, [0.0, -0.0]),
    ([3.0, -4.0], INF, 2.0, 5.0, [3.0, -4.0]),
    ([3.0, INF], 1.0, 2.0, INF, [0.0, NAN]),
    ([3.0, NAN], 1.0, 2.0, NAN, [NAN, NAN]),
    ([INF, NAN], 1.0, INF, NAN, [NAN, NAN]),
    ([], 1.0, 2.0, 0.0, []),
]  # fmt: skip


@pytest.mark.parametrize(("gradients", "max_norm", "norm_type", "norm", "clipped"), CLIPPED)
def test_norm_is_clipped_as_pytorch_does(
    gradients: list[float], max_norm: float, norm_type: float, norm: float, clipped: list[float]
):
    values = leaves(gradients)
    found = optim.clip_grad_norm_(values, max_norm, norm_type)
    assert type(found) is float
    assert found == pytest.approx(norm, rel=1e-15, abs=0.0, nan_ok=True)
    assert gradients_of(values) == pytest.approx(clipped, rel=1e-15, abs=0.0, nan_ok=True)


@pytest.mark.parametrize(("gradients", "max_norm", "norm_type", "norm", "clipped"), CLIPPED)
def test_table_is_pytorchs(
    gradients: list[float], max_norm: float, norm_type: float, norm: float, clipped: list[float]
):
    torch = pytest.importorskip("torch", reason="compares with PyTorch itself")
    parameter = torch.zeros(len(gradients), dtype=torch.float64, requires_grad=True)
    parameter.grad = torch.tensor(gradients, dtype=torch.float64)
    found = float(torch.nn.utils.clip_grad_norm_([parameter], max_norm, norm_type))
    assert found == pytest.approx(norm, rel=1e-15, abs=0.0, nan_ok=True)
    assert parameter.grad.tolist() == pytest.approx(clipped, rel=1e-15, abs=0.0, nan_ok=True)


@pytest.mark.parametrize("scale", [5e-324, 1e-310, 1e-200, 1.0, 1e200, 3e307])
@pytest.mark.parametrize("norm_type", [1.0, 2.0, 3.0, INF])
def test_no_power_overflows_or_vanishes(scale: float, norm_type: float):
    values = leaves([3.0 * scale, -4.0 * scale])
    expected = {1.0: 7.0, 2.0: 5.0, 3.0: 91.0 ** (1.0 / 3.0), INF: 4.0}[norm_type] * scale
    assert optim.clip_grad_norm_(values, INF, norm_type) == pytest.approx(expected, rel=1e-15, abs=5e-324)


def test_norm_is_that_of_the_plain_formula_to_the_last_bit():
    gradients = [math.sin(3.0 * i) * math.exp(5.0 * math.cos(i)) for i in range(1000)]
    total = 0.0
    for gradient in gradients:
        total += gradient * gradient
    assert optim.clip_grad_norm_(leaves(gradients), 1.0) == math.sqrt(total)


@pytest.mark.parametrize("gradient", [INF, -INF, NAN])
def test_a_norm_that_is_not_finite_is_an_error_on_request(gradient: float):
    values = leaves([1.0, gradient])
    with pytest.raises(RuntimeError, match=f"the norm of the gradients is {abs(gradient)!r}, .*error_if_nonfinite"):
        optim.clip_grad_norm_(values, 1.0, error_if_nonfinite=True)
    assert [*map(bits, gradients_of(values))] == [bits(1.0), bits(gradient)]
    assert optim.clip_grad_norm_(values[:1], 0.5, error_if_nonfinite=True) == 1.0


def test_values_are_clipped_each():
    values = leaves([3.0, -4.0, 0.5, -0.0, INF, -INF, NAN])
    assert optim.clip_grad_value_((value for value in values), 1.5) is None
    expected = [1.5, -1.5, 0.5, -0.0, 1.5, -1.5, NAN]
    assert [*map(bits, gradients_of(values))] == [*map(bits, expected)]
    optim.clip_grad_value_(values, 0)
    assert gradients_of(values)[:6] == [0.0] * 6


def test_clipping_between_backward_and_step():
    a, b = Value(30.0), Value(40.0)
    optimizer = optim.SGD([a, b], lr=1.0)
    ((a * a + b * b) / 2.0).backward()
    assert optim.clip_grad_norm_(optimizer.parameters, max_norm=10.0) == 50.0
    optimizer.step()
    assert (a.data, b.data) == (pytest.approx(24.0, abs=1e-6), pytest.approx(32.0, abs=1e-6))
