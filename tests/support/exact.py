"""The oracle for the pure-Python engine: the operations in mpmath, at 50 digits, and floats by their bits."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import mpmath
from mpmath import mp, mpf

from support.operations import OPERATORS, bits

INF, NAN = math.inf, math.nan
TOLERANCE = 1e-13  # relative to max(1, |exact|)
EXTREMES = (
    *(0.0, -0.0, 5e-324, -5e-324, 2.2e-308, 1e-8, 0.5, -0.5, 1.0, -1.0, 2.0, -3.7, 1e20, -1e20),
    *(INF, -INF, NAN),
)


def outcome(function: Callable[..., Any], *arguments: float) -> str:
    """The bits of a function's result, or the name of the error that it raises."""
    try:
        result = function(*arguments)
    except (ArithmeticError, ValueError) as error:
        return type(error).__name__
    return bits(result)


def erfc(x: Any) -> Any:
    """mpmath's, which fails beyond 1e150: from 1e6 on, above 0 and below anything a float can be close to."""
    return mpmath.erfc(x) if x < 1e6 else mpf(10) ** -1000000


def normal_distribution(x: Any) -> Any:
    return erfc(-x / mpmath.sqrt(2)) / 2


# Functions that mpmath lacks or spells differently. All others have the operation's name there.
SPELLED: dict[str, Callable[..., Any]] = {
    **OPERATORS,
    "rsqrt": lambda x: 1 / mpmath.sqrt(x),
    "cbrt": lambda x: mpmath.cbrt(abs(x)) * mpmath.sign(x),
    "exp2": lambda x: mpf(2) ** x,
    "log2": lambda x: mpmath.log(x, 2),
    "erfc": erfc,
    "lgamma": lambda x: mpmath.loggamma(x).real,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "logit": lambda x: mpmath.log(x / (1 - x)),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "relu": lambda x: max(x, mpf(0)),
    "leaky_relu": lambda x, slope: x if x > 0 else slope * x,
    "elu": lambda x, alpha: x if x > 0 else alpha * mpmath.expm1(x),
    "gelu": lambda x: x * normal_distribution(x),
    "silu": lambda x: x / (1 + mpmath.exp(-x)),
    "maximum": max,
    "minimum": min,
    "copysign": lambda x, y: abs(x) if y > 0 else -abs(x),
    "logaddexp": lambda x, y: max(x, y) + mpmath.log1p(mpmath.exp(-abs(x - y))),
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


# Derivatives in closed form. Together with the values they form the dual numbers for gradients of programs. An
# operation without a row is differentiated by differences: slower, and useless at a kink, where these are one-sided.
SLOPES: dict[str, tuple[Callable[..., Any], ...]] = {
    "add": (lambda x, y: mpf(1), lambda x, y: mpf(1)),
    "sub": (lambda x, y: mpf(1), lambda x, y: mpf(-1)),
    "mul": (lambda x, y: y, lambda x, y: x),
    "div": (lambda x, y: 1 / y, lambda x, y: -x / y**2),
    "pow": (lambda x, y: y * x ** (y - 1), lambda x, y: x**y * mpmath.log(x)),
    "neg": (lambda x: mpf(-1),),
    "abs": (mpmath.sign,),
    "exp": (mpmath.exp,),
    "exp2": (lambda x: mpf(2) ** x * mpmath.log(2),),
    "expm1": (mpmath.exp,),
    "log": (lambda x: 1 / x,),
    "log1p": (lambda x: 1 / (1 + x),),
    "log2": (lambda x: 1 / (x * mpmath.log(2)),),
    "log10": (lambda x: 1 / (x * mpmath.log(10)),),
    "sqrt": (lambda x: 1 / (2 * mpmath.sqrt(x)),),
    "cbrt": (lambda x: 1 / (3 * mpmath.cbrt(x * x)),),
    "hypot": (lambda x, y: x / mpmath.hypot(x, y), lambda x, y: y / mpmath.hypot(x, y)),
    "sin": (mpmath.cos,),
    "cos": (lambda x: -mpmath.sin(x),),
    "tan": (lambda x: mpmath.sec(x) ** 2,),
    "asin": (lambda x: 1 / mpmath.sqrt((1 - x) * (1 + x)),),
    "acos": (lambda x: -1 / mpmath.sqrt((1 - x) * (1 + x)),),
    "atan": (lambda x: 1 / (1 + x * x),),
    "atan2": (lambda x, y: y / (x * x + y * y), lambda x, y: -x / (x * x + y * y)),
    "sinh": (mpmath.cosh,),
    "cosh": (mpmath.sinh,),
    "tanh": (lambda x: mpmath.sech(x) ** 2,),
    "asinh": (lambda x: 1 / mpmath.sqrt(x * x + 1),),
    "acosh": (lambda x: 1 / mpmath.sqrt((x - 1) * (x + 1)),),
    "atanh": (lambda x: 1 / ((1 - x) * (1 + x)),),
    "erf": (lambda x: 2 / mpmath.sqrt(mp.pi) * mpmath.exp(-x * x),),
    "erfc": (lambda x: -2 / mpmath.sqrt(mp.pi) * mpmath.exp(-x * x),),
    "erfinv": (lambda x: mpmath.sqrt(mp.pi) / 2 * mpmath.exp(mpmath.erfinv(x) ** 2),),
    "lgamma": (mpmath.digamma,),
    "digamma": (lambda x: mpmath.polygamma(1, x),),
    "sigmoid": (lambda x: 1 / ((1 + mpmath.exp(x)) * (1 + mpmath.exp(-x))),),
    "logit": (lambda x: 1 / (x * (1 - x)),),
    "softplus": (lambda x: 1 / (1 + mpmath.exp(-x)),),
    "relu": (lambda x: mpf(x > 0),),
    "leaky_relu": (lambda x, slope: mpf(1) if x > 0 else slope, lambda x, slope: min(x, mpf(0))),
    "elu": (
        lambda x, alpha: mpf(1) if x > 0 else alpha * mpmath.exp(x),
        lambda x, alpha: mpmath.expm1(min(x, mpf(0))),
    ),
    "gelu": (lambda x: normal_distribution(x) + x * mpmath.npdf(x),),
    "silu": (lambda x: (1 + x / (1 + mpmath.exp(x))) / (1 + mpmath.exp(-x)),),
    "maximum": (lambda x, y: mpf(x > y), lambda x, y: mpf(y > x)),
    "minimum": (lambda x, y: mpf(x < y), lambda x, y: mpf(y < x)),
    "copysign": (lambda x, y: mpmath.sign(x) * (1 if y > 0 else -1), lambda x, y: mpf(0)),
    "floor": (lambda x: mpf(0),),
    "ceil": (lambda x: mpf(0),),
    "logaddexp": (lambda x, y: 1 / (1 + mpmath.exp(y - x)), lambda x, y: 1 / (1 + mpmath.exp(x - y))),
    "less": (lambda x, y: mpf(0), lambda x, y: mpf(0)),
    "less_equal": (lambda x, y: mpf(0), lambda x, y: mpf(0)),
    "keep_if": (lambda x, y: mpf(y != 0), lambda x, y: mpf(0)),
    "drop_if": (lambda x, y: mpf(y == 0), lambda x, y: mpf(0)),
    "stop_gradient": (lambda x: mpf(0),),
    "rsqrt": (lambda x: -1 / (2 * x * mpmath.sqrt(x)),),
    "sign": (lambda x: mpf(0),),
    "polygamma": (lambda x, n: mpmath.polygamma(int(n) + 1, x), lambda x, n: mpf(0)),
}


def exact_slope(name: str, index: int, *arguments: Any) -> Any:
    if name not in SLOPES:
        return exact_partial(name, index, *arguments)
    with mp.workdps(60):
        return SLOPES[name][index](*map(mpf, arguments))


def condition(function: Callable[..., Any], arguments: Sequence[Any]) -> Any:
    """The size of the function's result, plus its change if an argument doubled at the rate of its slope.

    A relative error e in every argument changes the result by e times this: no formula on floats does better.
    """
    with mp.workdps(60):
        point, nudge = [mpf(x) for x in arguments], mpf(2) ** -60
        here = function(*point)
        moved = (function(*point[:i], point[i] * (1 + nudge), *point[i + 1 :]) for i in range(len(point)))
        return abs(here) + mpmath.fsum(abs(there - here) for there in moved) / nudge


def exact_partial(name: str, index: int, *arguments: Any) -> Any:
    """The derivative in one argument, by a central difference with a step so small that 50 digits remain.

    The step is relative to the argument: mpmath's own is absolute, and steps over 0 from 1e-300.
    """
    with mp.workdps(800 if any(0 < abs(x) < 1e-100 for x in arguments) else 150):
        point = [mpf(argument) for argument in arguments]
        step = (abs(point[index]) or mpf(1)) * mpf(10) ** -50

        def along(x: Any) -> Any:
            return exact_function(name)(*point[:index], x, *point[index + 1 :])

        return mpmath.diff(along, point[index], h=step)


def exact_second_partial(name: str, i: int, j: int, *arguments: Any) -> Any:
    """The derivative in two arguments, or twice in one, by central differences with as many digits as needed."""
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
