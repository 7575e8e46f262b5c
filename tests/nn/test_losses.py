"""Losses: PyTorch's values and gradients, edges, forms of arguments, recorded functions, and errors."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fastgrad
from fastgrad import Value, jit, nn, vmap
from fastgrad.functional import gradcheck
from fastgrad.nn import losses
from support.losses import CASES, Found, every_loss, values
from support.operations import bits


def assert_close(actual: Found, expected: Found, rel: float = 1e-12) -> None:
    for x, y in zip([actual[0], *actual[1], *actual[2]], [expected[0], *expected[1], *expected[2]], strict=True):
        assert x == pytest.approx(y, rel=rel, abs=1e-15)


@every_loss
def test_value_and_gradients_are_those_that_pytorch_found(name: str):
    assert_close(CASES[name].here(), CASES[name].found)


@every_loss
def test_value_and_gradients_are_pytorchs(name: str):
    torch = pytest.importorskip("torch", reason="compares with PyTorch itself")
    assert_close(CASES[name].here(), CASES[name].in_torch(torch))


#: Options and a point without a kink for each loss.
SMOOTH: dict[str, tuple[dict[str, Any], list[float], list[float]]] = {
    "l1_loss": ({}, [0.5, -1.5, 2.0], [0.25, 1.0, 3.0]),
    "huber_loss": ({"delta": 0.75}, [0.5, -1.5, 2.0], [0.25, 1.0, 3.0]),
    "binary_cross_entropy": ({}, [0.5, 0.125, 0.75], [0.25, 0.875, 0.5]),
    "binary_cross_entropy_with_logits": ({}, [0.5, -1.5, 2.0], [0.25, 0.875, 0.5]),
    "soft_cross_entropy": ({}, [0.5, -1.5, 2.0], [0.25, 0.625, 0.125]),
    "kl_div": ({}, [-0.5, -1.5, -2.0], [0.25, 0.625, 0.125]),
    "kl_div of logarithms": ({"log_target": True}, [-0.5, -1.5, -2.0], [-0.25, -0.75, -1.0]),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_first_and_second_derivatives_are_those_of_the_values(name: str):
    options, *point = SMOOTH[name]
    loss = getattr(nn, name.split()[0])
    gradcheck(lambda both: loss(*both, **options), point, order=2, raise_exception=True)


# ---- edges


def test_an_input_on_the_wrong_side_has_a_finite_binary_loss_and_a_gradient_that_takes_it_back():
    p = values([0.0, 1.0])
    loss = nn.binary_cross_entropy(p, [1.0, 0.0])
    loss.backward()
    assert loss.data == pytest.approx(100.0, rel=1e-15)
    assert [x.grad for x in p] == pytest.approx([-math.exp(99.0) / 2.0, math.exp(99.0) / 2.0], rel=1e-12)


def test_an_input_on_the_right_side_has_no_binary_loss():
    p = values([0.0, 1.0])
    loss = nn.binary_cross_entropy(p, [0.0, 1.0])
    loss.backward()
    assert (bits(loss.data), [x.grad for x in p]) == (bits(0.0), [0.5, -0.5])


@pytest.mark.parametrize("p", [1e-300, 1e-50, math.exp(-99.0), 1e-42, 1e-20])
def test_binary_logarithm_is_its_tangent_below_exp_minus_99(p: float):
    bound = math.exp(-99.0)
    x = Value(p)
    loss = nn.binary_cross_entropy(x, 1.0)
    loss.backward()
    assert loss.data == pytest.approx(100.0 - p / bound if p < bound else -math.log(p), rel=1e-14)
    assert x.grad == pytest.approx(-1.0 / max(p, bound), rel=1e-12)


def test_largest_number_below_1_has_the_gradient_of_the_logarithm():
    x = Value(1.0 - 2.0**-53)
    loss = nn.binary_cross_entropy(x, 0.0)
    loss.backward()
    assert (loss.data, x.grad) == (pytest.approx(53.0 * math.log(2.0)), 2.0**53)


@pytest.mark.parametrize("target", [0.0, 1.0])
def test_small_binary_losses_keep_their_digits(target: float):
    sign = 1.0 - 2.0 * target
    assert nn.binary_cross_entropy_with_logits(-40.0 * sign, target) == pytest.approx(math.exp(-40.0), rel=1e-14)
    assert nn.binary_cross_entropy_with_logits(-700.0 * sign, target) == pytest.approx(math.exp(-700.0), rel=1e-14)
    assert nn.binary_cross_entropy(1e-20, 0.0) == pytest.approx(1e-20, rel=1e-14)


@pytest.mark.parametrize(("difference", "slope"), [(0.0, 0.0), (2.0, 2.0), (-2.0, -2.0), (math.inf, 2.0)])
def test_huber_loss_has_one_slope_at_its_ties(difference: float, slope: float):
    x = Value(difference)
    nn.huber_loss(x, 0.0, delta=2.0).backward()
    assert x.grad == slope


def test_l1_loss_has_no_slope_at_0():
    x, y = Value(3.0), Value(3.0)
    nn.l1_loss(x, y).backward()
    assert (x.grad, y.grad) == (0.0, 0.0)


def test_classes_with_a_target_of_0_are_left_out_even_at_minus_infinity():
    logits = values([1.0, -math.inf, 0.5])
    loss = nn.soft_cross_entropy(logits, [0.25, 0.0, 0.75])
    loss.backward()
    assert loss.data == nn.soft_cross_entropy([1.0, 0.5], [0.25, 0.75])
    assert all(math.isfinite(x.grad) for x in logits)
    assert nn.kl_div([math.log(0.5), -math.inf], [1.0, 0.0]) == pytest.approx(math.log(2.0))
    assert nn.kl_div([math.log(0.5), -math.inf], [0.0, -math.inf], log_target=True) == pytest.approx(math.log(2.0))


def test_divergence_of_a_target_value_of_0_is_finite():
    y = Value(0.0)
    loss = nn.kl_div([-1.0, -0.5], [y, 1.0])
    loss.backward()
    assert loss.data == 0.5
    assert -710.0 < y.grad < -700.0


def test_a_target_that_is_the_number_0_or_1_gives_the_loss_of_a_value():
    for target in (0.0, 1.0):
        for loss, x in ((nn.binary_cross_entropy, 0.3), (nn.binary_cross_entropy_with_logits, 1.7)):
            assert loss(x, target) == pytest.approx(loss(x, Value(target)).data, rel=1e-15)


# ---- what they have to do with each other


@pytest.mark.parametrize("loss", [nn.soft_cross_entropy, nn.kl_div])
def test_a_sample_without_a_target_has_a_loss_that_can_be_swept(loss: Callable[..., Any]):
    xs = [Value(-1.0), Value(-2.0)]
    nothing = loss(xs, [0.0, 0.0])
    nothing.backward()
    assert (nothing.data, [x.grad for x in xs]) == (0.0, [0.0, 0.0])
    assert bits(loss([-1.0, -2.0], [0.0, 0.0])) == bits(0.0)


def test_soft_cross_entropy_of_a_class_is_cross_entropy():
    for target in range(3):
        ours, native = values([0.5, -1.25, 2.0]), values([0.5, -1.25, 2.0])
        loss = nn.soft_cross_entropy(ours, [float(i == target) for i in range(3)])
        other = fastgrad.cross_entropy(native, target)
        loss.backward()
        other.backward()
        assert loss.data == pytest.approx(other.data, rel=1e-15)
        assert [x.grad for x in ours] == pytest.approx([x.grad for x in native], rel=1e-14)


def test_divergence_is_cross_entropy_less_entropy():
    logits, target = [0.5, -1.25, 2.0], [0.25, 0.625, 0.125]
    entropy = -sum(p * math.log(p) for p in target)
    divergence = nn.kl_div(fastgrad.log_softmax(logits), target)
    assert divergence == pytest.approx(nn.soft_cross_entropy(logits, target) - entropy, rel=1e-14)


def test_binary_loss_of_logits_is_that_of_their_sigmoids():
    logits, target = [0.5, -1.25, 2.0], [0.25, 0.0, 1.0]
    expected = nn.binary_cross_entropy([fastgrad.sigmoid(x) for x in logits], target)
    assert nn.binary_cross_entropy_with_logits(logits, target) == pytest.approx(expected, rel=1e-14)


def test_gradient_flows_through_a_learned_distribution():
    teacher, student = values([0.5, -1.0, 0.25]), values([0.0, 0.0, 1.0])
    nn.soft_cross_entropy(student, fastgrad.softmax(teacher)).backward()
    assert sum(x.grad for x in teacher) == pytest.approx(0.0, abs=1e-15)
    assert all(x.grad for x in teacher)


# ---- forms of arguments, and recorded functions

FORMS: dict[str, Callable[[Any], Any]] = {
    "list": list,
    "tuple": tuple,
    "array": np.array,
    "array of Values": lambda xs: np.array(values(xs), dtype=object),
    "generator": lambda xs: (x for x in xs),
    "NumPy's numbers": lambda xs: [np.float64(x) for x in xs],
    "Values": values,
    "Values and numbers": lambda xs: [Value(x) if i % 2 else x for i, x in enumerate(xs)],
}


@every_loss
@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_arguments_gives_the_loss(name: str, form: str):
    case, make = CASES[name], FORMS[form]
    expected = case(case.input, case.target)
    assert type(expected) is float
    for input, target in ((make(case.input), case.target), (case.input, make(case.target))):
        assert float(case(input, target)) == pytest.approx(expected, rel=1e-14, abs=1e-15)


@pytest.mark.parametrize("one", [float, Value, np.float64, np.array, lambda x: [x], lambda x: [Value(x)]])
@pytest.mark.parametrize("loss", [nn.l1_loss, nn.huber_loss, nn.binary_cross_entropy])
def test_a_single_number_is_a_sequence_of_one(loss: Callable[..., Any], one: Callable[[float], Any]):
    assert float(loss(one(0.25), one(1.0))) == loss([0.25], [1.0])


@every_loss
def test_recorded_loss_has_the_bits_of_the_eager_one(name: str):
    case = CASES[name]
    eager = case.here()
    input, target = values(case.input), values(case.target)
    loss = jit(case)(input, target)
    loss.backward()
    found = (loss.data, *(x.grad for x in input), *(y.grad for y in target))
    assert [*map(bits, found)] == [bits(x) for x in (eager[0], *eager[1], *eager[2])]


def test_losses_map_over_samples():
    weights = values([0.5, -1.0])

    @vmap(reduce="mean")
    def total(x: list[Value], y: Value) -> Value:
        return nn.binary_cross_entropy_with_logits(fastgrad.dot(weights, x), y)

    loss = total(np.array([[1.0, 2.0], [3.0, -4.0]]), np.array([1.0, 0.0]))
    expected = nn.binary_cross_entropy_with_logits([-1.5, 5.5], [1.0, 0.0])
    loss.backward()
    assert loss.data == pytest.approx(expected, rel=1e-15)
    assert all(w.grad for w in weights)


def test_recorded_loss_does_not_check_its_arguments():
    assert math.isfinite(jit(lambda p: nn.binary_cross_entropy(p, 1.0))(-0.5).data)


# ---- errors


@pytest.mark.parametrize("name", losses.__all__)
def test_sequences_that_do_not_fit_are_refused(name: str):
    loss = getattr(nn, name)
    with pytest.raises(ValueError, match=rf"^{name}\(\) of an empty sequence: give one number at least$"):
        loss([], [])
    with pytest.raises(ValueError, match=rf"^{name}\(\) needs as many elements of input as of target, got 1 and 2$"):
        loss([0.0], values([0.5, 0.5]))
    with pytest.raises(TypeError, match=rf"^an element of {name}\(\) needs a real number, not 'a' of type 'str'$"):
        loss(["a"], [0.5])
    with pytest.raises(TypeError, match=rf"^an element of {name}\(\) needs a real number, not '0.5' of type 'str'$"):
        loss([0.0], "0.5")
    with pytest.raises(TypeError, match=rf"^an element of {name}\(\) needs a real number, not None of type"):
        loss([0.0], None)
    with pytest.raises(TypeError, match=rf"^an element of {name}\(\) needs a real number, not \[0.0, 0.0\] of type"):
        loss(np.zeros((2, 2)), [0.5, 0.5])
    with pytest.raises(TypeError, match=rf"^an element of {name}\(\) needs a real number, not 1j of type 'complex'$"):
        loss([0.0], [1j])
    with pytest.raises(TypeError, match=r"^an array must hold real numbers or Values, not datetime64\[D\]$"):
        loss(np.array(["2020-01-01"], dtype="datetime64[D]"), [0.5])


#: A call, the error's type, and its message.
ERRORS: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "input above 1": (
        lambda: nn.binary_cross_entropy([0.5, 1.5], [0.0, 1.0]),
        ValueError,
        "binary_cross_entropy() needs each input to be a probability from 0 to 1, not 1.5: "
        "for logits use binary_cross_entropy_with_logits()",
    ),
    "input of nan": (
        lambda: nn.binary_cross_entropy(Value(math.nan), 0.0),
        ValueError,
        "binary_cross_entropy() needs each input to be a probability from 0 to 1, not nan: "
        "for logits use binary_cross_entropy_with_logits()",
    ),
    "label of -1": (
        lambda: nn.binary_cross_entropy([0.5], [-1.0]),
        ValueError,
        "binary_cross_entropy() needs each target to be a probability from 0 to 1, not -1.0",
    ),
    "label of a logit": (
        lambda: nn.binary_cross_entropy_with_logits([0.5], [Value(-1.0)]),
        ValueError,
        "binary_cross_entropy_with_logits() needs each target to be a probability from 0 to 1, not -1.0",
    ),
    "class instead of a distribution": (
        lambda: nn.soft_cross_entropy([0.5, 1.0, 2.0], [2, 0, 0]),
        ValueError,
        "soft_cross_entropy() needs each target to be a probability from 0 to 1, not 2.0",
    ),
    "probabilities instead of their logarithms": (
        lambda: nn.kl_div([0.25, 0.75], [0.5, 0.5]),
        ValueError,
        "kl_div() needs each input to be a log-probability of at most 0, not 0.25: "
        "take log_softmax() of logits or log() of probabilities",
    ),
    "target that is no logarithm": (
        lambda: nn.kl_div([-0.25], [0.75], log_target=True),
        ValueError,
        "kl_div() needs each target to be a log-probability of at most 0, not 0.75: "
        "take log_softmax() of logits or log() of probabilities",
    ),
    "negative target": (
        lambda: nn.kl_div([-0.25], [-0.75]),
        ValueError,
        "kl_div() needs each target to be a probability from 0 to 1, not -0.75",
    ),
    "delta of 0": (
        lambda: nn.huber_loss([0.5], [0.0], delta=0),
        ValueError,
        "delta must be finite and above 0, not 0",
    ),
    "infinite delta": (
        lambda: nn.huber_loss([0.5], [0.0], math.inf),
        ValueError,
        "delta must be finite and above 0, not inf",
    ),
    "delta of nan": (
        lambda: nn.huber_loss([0.5], [0.0], math.nan),
        ValueError,
        "delta must be finite and above 0, not nan",
    ),
    "delta of text": (
        lambda: nn.huber_loss([0.5], [0.0], "1"),
        TypeError,
        "delta needs a real number, not '1' of type 'str'",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_message(case: str):
    call, error, message = ERRORS[case]
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        call()
