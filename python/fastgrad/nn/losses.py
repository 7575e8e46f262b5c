"""Losses as functions of one sample, in addition to the native `fastgrad.mse` and `fastgrad.cross_entropy`.

Each takes two sequences of n Values or numbers: lists, tuples, arrays or other iterables. A single Value or number
is a sequence of one. The result is a Value, or a float if there are only numbers, and the gradient flows into both
sequences. The names, arguments and formulas are those of ``torch.nn.functional``; `fastgrad.vmap` maps a loss over
many samples.

Numbers outside a loss's domain are errors. While `jit` or `vmap` records a function, its Values have no numbers yet,
so they are not checked.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from numbers import Real
from typing import TYPE_CHECKING, Any

from fastgrad import _core
from fastgrad.compile.trees import require_numbers
from fastgrad.engine import Value, where

if TYPE_CHECKING:
    Numbers = _core.Value | _core.Number | Iterable[_core.Value | _core.Number]

__all__ = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "huber_loss", "kl_div", "l1_loss",
    "soft_cross_entropy",
]  # fmt: skip

#: Where the logarithm of `binary_cross_entropy` becomes its tangent, which is -100 at 0.
_SMALLEST = math.exp(-99.0)
_STEEPEST = math.exp(99.0)


def l1_loss(input: Numbers, target: Numbers) -> Any:
    """``mean(|input[i] - target[i]|)``: the mean absolute error. The derivative at a difference of 0 is 0.

    Args:
        input: n predictions.
        target: n targets.

    Raises:
        TypeError: An element is neither a Value nor a real number.
        ValueError: The sequences are empty or differ in length.
    """
    return _core.mean([_core.abs(x - y) for x, y in _pairs("l1_loss", input, target)])


def huber_loss(input: Numbers, target: Numbers, delta: float = 1.0) -> Any:
    """The mean of ``0.5 * d**2`` where ``|d| <= delta``, else ``delta * (|d| - 0.5 * delta)``; d is a difference.

    Quadratic near 0 and linear far from it, so that outliers count less than in `fastgrad.mse`. Huber 1964.

    Args:
        input: n predictions.
        target: n targets.
        delta: The difference at which the two forms meet, finite and above 0.

    Raises:
        TypeError: An element is neither a Value nor a real number, or ``delta`` is not a number.
        ValueError: The sequences are empty or differ in length, or ``delta`` is out of range.
    """
    if not isinstance(delta, Real):
        raise TypeError(f"delta needs a real number, not {delta!r} of type '{type(delta).__name__}'")
    bound = float(delta)
    if not 0.0 < bound < math.inf:
        raise ValueError(f"delta must be finite and above 0, not {delta!r}")
    return _core.mean([_huber(x - y, bound) for x, y in _pairs("huber_loss", input, target)])


def _huber(difference: Any, delta: float) -> Any:
    # Of a tie at delta, minimum and maximum each pass half of the gradient on: together the whole.
    size = _core.abs(difference)
    near = _core.minimum(size, delta)
    return 0.5 * near * near + delta * _core.maximum(size - delta, 0.0)


def binary_cross_entropy(input: Numbers, target: Numbers) -> Any:
    """``mean(-target[i] * log(input[i]) - (1 - target[i]) * log(1 - input[i]))``, of probabilities.

    As in PyTorch, log(0) counts as -100, so the loss is finite. Here the logarithm is continued below exp(-99) by its
    tangent, which reaches -100 at 0, and the gradient is that of this function, at most exp(99). PyTorch clamps the
    logarithm at -100 and the gradient at 1e12. For logits, `binary_cross_entropy_with_logits` is more accurate.

    Args:
        input: n probabilities, each at least 0 and at most 1.
        target: n probabilities, such as the labels 0 and 1.

    Raises:
        TypeError: An element is neither a Value nor a real number.
        ValueError: The sequences are empty or differ in length, or an element is not in [0, 1].
    """
    name = "binary_cross_entropy"
    pairs = _pairs(name, input, target)
    for p, y in pairs:
        _require_probability(name, "input", p)
        _require_probability(name, "target", y)
    return _core.mean([0.0 - _weighted(y, _log, _log_of_rest, p) for p, y in pairs])


def binary_cross_entropy_with_logits(input: Numbers, target: Numbers) -> Any:
    """`binary_cross_entropy` of ``sigmoid(input)``, without its overflow and its rounding.

    ``mean(target[i] * softplus(-input[i]) + (1 - target[i]) * softplus(input[i]))``: two terms of the same sign, so a
    loss near 0 keeps its digits too.

    Args:
        input: n logits.
        target: n probabilities, such as the labels 0 and 1.

    Raises:
        TypeError: An element is neither a Value nor a real number.
        ValueError: The sequences are empty or differ in length, or a target is not in [0, 1].
    """
    name = "binary_cross_entropy_with_logits"
    pairs = _pairs(name, input, target)
    for _, y in pairs:
        _require_probability(name, "target", y)
    return _core.mean([_weighted(y, lambda x: _core.softplus(-x), _core.softplus, x) for x, y in pairs])


def soft_cross_entropy(input: Numbers, target: Numbers) -> Any:
    """``-sum(target[i] * log_softmax(input)[i])``: the cross-entropy of a distribution over n classes.

    As PyTorch's ``cross_entropy`` with a target of class probabilities. For one class `fastgrad.cross_entropy` takes
    its index. A target that is the number 0 leaves its class out, even if the logit is -inf.

    Args:
        input: n logits.
        target: n probabilities. They should add up to 1, which is not checked.

    Raises:
        TypeError: An element is neither a Value nor a real number.
        ValueError: The sequences are empty or differ in length, or a target is not in [0, 1].
    """
    name = "soft_cross_entropy"
    pairs = _pairs(name, input, target)
    logits, weights = zip(*pairs, strict=True)
    for y in weights:
        _require_probability(name, "target", y)
    counted = [(y, log_p) for y, log_p in zip(weights, _core.log_softmax(logits), strict=True) if not _is_zero(y)]
    if not counted:
        return _zero_of(pairs)
    return 0.0 - _core.dot([y for y, _ in counted], [log_p for _, log_p in counted])


def kl_div(input: Numbers, target: Numbers, log_target: bool = False) -> Any:
    """``sum(target[i] * (log(target[i]) - input[i]))``: the Kullback-Leibler divergence from input to target.

    The order is PyTorch's: first the model's log-probabilities, such as those of `fastgrad.log_softmax`, then the
    probabilities that it should have. The result is KL(target || exp(input)) in nats, the sum over the n classes.
    That is PyTorch's ``reduction="sum"``; its default divides by n. A target of 0 contributes 0.

    Args:
        input: n log-probabilities, each at most 0.
        target: n probabilities, or log-probabilities if ``log_target``. Neither sum is checked.
        log_target: Whether the target holds log-probabilities.

    Raises:
        TypeError: An element is neither a Value nor a real number.
        ValueError: The sequences are empty or differ in length, or an element is no (log-)probability.
    """
    pairs = _pairs("kl_div", input, target)
    terms = []
    for log_q, y in pairs:
        _require_log_probability("input", log_q)
        if log_target:
            _require_log_probability("target", y)
            if not _is_number(y, -math.inf):
                terms.append(_core.exp(y) * (y - log_q))
        else:
            _require_probability("kl_div", "target", y)
            if not _is_zero(y):
                terms.append(y * (_core.log(_core.maximum(y, sys.float_info.min)) - log_q))
    return _core.sum(terms) if terms else _zero_of(pairs)


def _zero_of(pairs: list[tuple[Any, Any]]) -> Any:
    """0 for a sample without any target: a Value if an element is one, so that `backward` works."""
    return Value(0.0) if any(isinstance(x, _core.Value) for pair in pairs for x in pair) else 0.0


# ---- arguments


def _pairs(name: str, input: Any, target: Any) -> list[tuple[Any, Any]]:
    """The elements of both sequences: Values and floats."""
    xs, ys = _elements(name, input), _elements(name, target)
    if len(xs) != len(ys):
        raise ValueError(f"{name}() needs as many elements of input as of target, got {len(xs)} and {len(ys)}")
    if not xs:
        raise ValueError(f"{name}() of an empty sequence: give one number at least")
    return list(zip(xs, ys, strict=True))


def _elements(name: str, given: Any) -> list[Any]:
    if hasattr(given, "__array_interface__"):
        require_numbers(given)
        given = given.tolist()
    elements = [given] if isinstance(given, (_core.Value, str)) or not hasattr(given, "__iter__") else list(given)
    return [x if isinstance(x, _core.Value) else _float(name, x) for x in elements]


def _float(name: str, given: Any) -> float:
    try:
        return float(_core.stop_gradient(given))
    except TypeError:
        raise TypeError(
            f"an element of {name}() needs a real number, not {given!r:.200} of type '{type(given).__name__}'"
        ) from None


def _is_number(x: Any, number: float) -> bool:
    return not isinstance(x, _core.Value) and x == number


def _is_zero(x: Any) -> bool:
    """Whether it is the number 0, rather than a Value, whose derivative counts."""
    return _is_number(x, 0.0)


def _known(x: Any) -> float | None:
    """The number, unless it is a Value and this thread records a function."""
    if isinstance(x, _core.Value):
        return None if _core.is_tracing() else x.data
    return float(x)


def _require_probability(name: str, argument: str, x: Any) -> None:
    number = _known(x)
    if number is not None and not 0.0 <= number <= 1.0:
        hint = ": for logits use binary_cross_entropy_with_logits()" if argument == "input" else ""
        raise ValueError(f"{name}() needs each {argument} to be a probability from 0 to 1, not {number!r}{hint}")


def _require_log_probability(argument: str, x: Any) -> None:
    number = _known(x)
    if number is not None and not number <= 1e-9:  # rounding may take a logarithm of 1 above 0
        raise ValueError(
            f"kl_div() needs each {argument} to be a log-probability of at most 0, not {number!r}: "
            "take log_softmax() of logits or log() of probabilities"
        )


# ---- terms


def _weighted(y: Any, first: Any, second: Any, x: Any) -> Any:
    """``y * first(x) + (1 - y) * second(x)``, without a term whose weight is the number 0."""
    if _is_number(y, 1.0):
        return first(x)
    return second(x) if _is_zero(y) else y * first(x) + (1.0 - y) * second(x)


def _log(p: Any) -> Any:
    """``log(p)``, continued below exp(-99) by its tangent."""
    inside = _core.maximum(p, _SMALLEST)
    return _core.log(inside) + (p - inside) / inside


def _log_of_rest(p: Any) -> Any:
    """``_log(1 - p)``, with the digits of a small p."""
    below_1 = _core.less(p, 1.0)
    return _core.log1p(-where(below_1, p, 0.0)) + where(below_1, 0.0, (1.0 - p) * _STEEPEST - 100.0)
