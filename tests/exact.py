"""What the pure-Python engine is compared with: the operations in mpmath, at 50 digits, and floats by their bits."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath
from mpmath import mp, mpf

from operations import OPERATORS, bits

INF, NAN = math.inf, math.nan
TOLERANCE = 1e-13  # of max(1, |exact|)
EXTREMES = (
    *(0.0, -0.0, 5e-324, -5e-324, 2.2e-308, 1e-8, 0.5, -0.5, 1.0, -1.0, 2.0, -3.7, 1e20, -1e20),
    *(INF, -INF, NAN),
)


def outcome(function: Callable[..., Any], *arguments: float) -> str:
    """The bits of what a function gives, or the name of the error that it raises."""
    try:
        result = function(*arguments)
    except (ArithmeticError, ValueError) as error:
        return type(error).__name__
    return bits(result)


# What mpmath lacks, or spells differently. Everything else it has under the operation's name.
SPELLED: dict[str, Callable[..., Any]] = {
    **OPERATORS,
    "rsqrt": lambda x: 1 / mpmath.sqrt(x),
    "cbrt": lambda x: mpmath.cbrt(abs(x)) * mpmath.sign(x),
    "exp2": lambda x: mpf(2) ** x,
    "log2": lambda x: mpmath.log(x, 2),
    "lgamma": lambda x: mpmath.loggamma(x).real,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "logit": lambda x: mpmath.log(x / (1 - x)),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "relu": lambda x: max(x, mpf(0)),
    "leaky_relu": lambda x, slope: x if x > 0 else slope * x,
    "elu": lambda x, alpha: x if x > 0 else alpha * mpmath.expm1(x),
    "gelu": lambda x: x * mpmath.ncdf(x),
    "silu": lambda x: x / (1 + mpmath.exp(-x)),
    "maximum": max,
    "minimum": min,
    "copysign": lambda x, y: abs(x) if y > 0 else -abs(x),
    "logaddexp": lambda x, y: mpmath.log(mpmath.exp(x) + mpmath.exp(y)),
    "less": lambda x, y: mpf(x < y),
    "less_equal": lambda x, y: mpf(x <= y),
    "keep_if": lambda x, y: x if y else mpf(0),
    "drop_if": lambda x, y: mpf(0) if y else x,
    "stop_gradient": lambda x: x,
    "polygamma": lambda x, n: mpmath.polygamma(int(n), x),
}


def exact_function(name: str) -> Callable[..., Any]:
    function = SPELLED.get(name) or getattr(mpmath, name, None)
    assert function is not None, f"no oracle for {name!r}: mpmath has none of that name, add one to SPELLED"
    return function


def exact_value(name: str, *arguments: Any) -> Any:
    with mp.workdps(50):
        return exact_function(name)(*map(mpf, arguments))


def exact_partial(name: str, index: int, *arguments: Any) -> Any:
    """The derivative in one argument, by a central difference so fine that 50 digits remain.

    The step is given in proportion to the argument: mpmath's own is absolute, and steps over 0 from 1e-300.
    """
    with mp.workdps(150):
        point = [mpf(argument) for argument in arguments]
        step = (abs(point[index]) or mpf(1)) * mpf(10) ** -50

        def along(x: Any) -> Any:
            return exact_function(name)(*point[:index], x, *point[index + 1 :])

        return mpmath.diff(along, point[index], h=step)


def exact_second_partial(name: str, i: int, j: int, *arguments: Any) -> Any:
    """The derivative in two arguments, or twice in one, by central differences of as many digits as that needs."""
    with mp.workdps(500 if min(map(abs, arguments)) < 1e-100 else 200):
        point = [mpf(argument) for argument in arguments]
        steps = [(abs(x) or mpf(1)) * mpf(10) ** -50 for x in point]

        def moved(**by: int) -> Any:
            return exact_function(name)(*(x + by.get(f"x{k}", 0) * steps[k] for k, x in enumerate(point)))

        x, y = f"x{i}", f"x{j}"
        if i == j:
            return (moved(**{x: 1}) - 2 * moved() + moved(**{x: -1})) / steps[i] ** 2
        corners = ((1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1))
        return mpmath.fsum(sign * moved(**{x: a, y: b}) for a, b, sign in corners) / (4 * steps[i] * steps[j])


def error(number: float, exact: Any) -> float:
    return float(abs(mpf(number) - exact) / max(1, abs(exact)))
