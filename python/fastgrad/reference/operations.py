"""The table of operations in Python: value, derivatives, and the arguments that test them.

One row for each row of csrc/ops.def, with the same arithmetic in the same order: the native engine is compared with
it bit for bit, at the arguments that the row names. Values raise what Python's float and `math` raise
(`ZeroDivisionError`, `OverflowError`, `ValueError`); partial derivatives never raise: they follow IEEE 754, as C does
(1/0 is inf, log(-1) is nan). Angles are in radians.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import product
from typing import Any

from fastgrad.reference.formulas import (
    HALF_SQRT_PI,
    INF,
    LN_2,
    LOG2_E,
    LOG10_E,
    NAN,
    TWO_OVER_SQRT_PI,
    cbrt,
    digamma,
    erfinv,
    exp2,
    gelu,
    gelu_slope,
    ieee_cos,
    ieee_cosh,
    ieee_div,
    ieee_exp,
    ieee_log,
    ieee_pow,
    ieee_sin,
    ieee_sinh,
    ieee_sqrt,
    in_domain,
    inverted,
    lead,
    logaddexp,
    logit,
    one,
    polygamma,
    power,
    share,
    sigmoid,
    sign,
    silu,
    silu_slope,
    slope,
    trigamma,
    zero,
)

Function = Callable[..., float]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: its value, its partial derivatives, and the arguments that test them."""

    name: str
    title: str
    symbol: str
    value: Function  #: of the operands; raises as Python does
    partials: tuple[Function, ...]  #: one for each operand, of the operands and the result; never raise
    points: tuple[tuple[float, ...], ...]  #: inside the domain, off the kinks: smooth and accurate to 1e-13
    edges: tuple[tuple[float, ...], ...]  #: kinks, poles, ends of the domain, what IEEE 754 treats specially
    default: float | None = None  #: of the second operand, where it may be left out
    parameter: str | None = None  #: the name of such a second operand


_SPECIAL = (0.0, -0.0, 5e-324, -5e-324, 1.0, -1.0, 1e308, -1e308, INF, -INF, NAN)
_SPECIAL_PAIRS = tuple(product(_SPECIAL, repeat=2))


def _row(
    name: str, title: str, value: Function, partials: Function | tuple[Function, ...],
    points: Iterable[Any], *edges: Any,
    symbol: str = "", default: float | None = None, parameter: str | None = None,
) -> Operation:  # fmt: skip
    if isinstance(partials, tuple):
        tests = tuple(points), (*_SPECIAL_PAIRS, *edges)
    else:
        partials, tests = (partials,), (tuple((x,) for x in points), tuple((x,) for x in (*_SPECIAL, *edges)))
    return Operation(name, title, symbol or name, value, partials, *tests, default, parameter)


# fmt: off
# Points on the real line (on both sides of a kink at 0), on its positive half, ...
_REAL = (-20.0, -2.5, -0.7, -1e-8, 1e-8, 0.7, 2.5, 20.0)
_POSITIVE = (1e-300, 1e-8, 0.02, 0.7, 1.0, 3.0, 1e8, 1e300)
_UNIT = (-0.999, -0.7, -0.3, -1e-8, 1e-8, 0.3, 0.7, 0.999)
_GAMMA = (-10.1, -2.6, -1.5, -0.3, -1e-6, 1e-6, 0.3, 0.99, 1.2, 1.5, 2.6, 11.9, 12.1, 1e8)
_PLANE = ((3.0, 4.0), (-3.0, 4.0), (3.0, -4.0), (-3.0, -4.0), (1e-8, 2.0), (2.0, -1e-8), (1e8, 7.0))
_PIECES = ((-20.0, 0.3), (-0.7, 0.01), (-1e-8, 2.0), (1e-8, 2.0), (0.7, -0.5), (20.0, 0.3), (-2.5, -1.5))
_POWERS = ((2.0, 3.0), (0.5, -2.5), (1.0, 7.0), (10.0, -1.0), (1.5, 100.0), (1e-3, 2.0), (1e8, 0.5))
_SUMS = ((0.0, 0.0), (1.0, 2.0), (2.0, 1.0), (-3.0, 5.0), (20.0, -20.0), (700.0, 710.0), (-701.0, -700.0))

_TABLE = (
    _row("add", "addition", lambda x, y: x + y, (one, one), _PLANE, symbol="+"),
    _row("sub", "subtraction", lambda x, y: x - y, (one, lambda x, y, r: -1.0), _PLANE, symbol="-"),
    _row("mul", "multiplication", lambda x, y: x * y, (lambda x, y, r: y, lambda x, y, r: x),
         _PLANE, symbol="*"),
    _row("div", "division", lambda x, y: x / y, (lambda x, y, r: ieee_div(1.0, y), lambda x, y, r: ieee_div(-r, y)),
         _PLANE, symbol="/"),
    _row("pow", "power", power,
         (lambda x, y, r: 0.0 if y == 0.0 else y * ieee_pow(x, y - 1.0),
          lambda x, y, r: 0.0 if x == 0.0 and y >= 0.0 else r * ieee_log(x)),  # 0 ** positive is constant
         _POWERS, (-2.0, 3.0), (-8.0, 1.0 / 3.0), (0.0, 0.5), (0.0, 2.0), (-0.0, -3.0), (10.0, 400.0),
         (-10.0, 401.0), (-1e300, 1.5), (1e-200, 2.0), symbol="**"),
    _row("neg", "negation", lambda x: -x, lambda x, r: -1.0, _REAL),
    _row("abs", "absolute value", math.fabs, lambda x, r: sign(x), _REAL),

    _row("exp", "exponential", math.exp, lambda x, r: r, (*_REAL, -700.0, 700.0), 709.8, -745.2),
    _row("exp2", "power of two", exp2, lambda x, r: r * LN_2, (*_REAL, -1e3, 1e3), 1024.0, -1075.0),
    _row("expm1", "exponential minus one", math.expm1, lambda x, r: ieee_exp(x), (*_REAL, -700.0, 700.0), 709.8),
    _row("log", "natural logarithm", math.log, lambda x, r: ieee_div(1.0, x), _POSITIVE),
    _row("log1p", "natural logarithm of 1 + x", math.log1p, lambda x, r: ieee_div(1.0, 1.0 + x),
         (-0.99, -0.5, -1e-8, 1e-300, 1e-8, 3.0, 1e300), -2.0),
    _row("log2", "binary logarithm", math.log2, lambda x, r: ieee_div(LOG2_E, x), _POSITIVE),
    _row("log10", "decimal logarithm", math.log10, lambda x, r: ieee_div(LOG10_E, x), _POSITIVE),
    _row("sqrt", "square root", math.sqrt, lambda x, r: ieee_div(0.5, r), _POSITIVE),
    _row("cbrt", "cube root", cbrt, lambda x, r: ieee_div(1.0, 3.0 * r * r), (*_REAL, *_POSITIVE, -1e300)),
    _row("hypot", "length of the vector (x, y)", math.hypot,
         (lambda x, y, r: slope(x, r), lambda x, y, r: slope(y, r)),
         (*_PLANE, (1e300, -1e300), (1e-300, 1e-300))),

    _row("sin", "sine (radians)", math.sin, lambda x, r: ieee_cos(x), (*_REAL, 1e8, 1e20), math.pi),
    _row("cos", "cosine (radians)", math.cos, lambda x, r: -ieee_sin(x), (*_REAL, 1e8, 1e20), math.pi),
    _row("tan", "tangent (radians)", math.tan, lambda x, r: 1.0 + r * r, (*_REAL, 1.57, 1e8), math.pi / 2),
    _row("asin", "inverse sine", math.asin, lambda x, r: ieee_div(1.0, ieee_sqrt((1.0 - x) * (1.0 + x))), _UNIT, 1.1),
    _row("acos", "inverse cosine", math.acos, lambda x, r: ieee_div(-1.0, ieee_sqrt((1.0 - x) * (1.0 + x))),
         _UNIT, 1.1),
    _row("atan", "inverse tangent", math.atan, lambda x, r: 1.0 / (1.0 + x * x), (*_REAL, -1e8, 1e200)),
    _row("atan2", "angle of the point (y, x): x is the first operand's ordinate", math.atan2,
         (lambda x, y, r: inverted(y, x), lambda x, y, r: -inverted(x, y)),
         (*_PLANE, (1e-8, -2.0)), (1e-200, 1e-200), (1e200, -1e200)),
    _row("sinh", "hyperbolic sine", math.sinh, lambda x, r: ieee_cosh(x), (*_REAL, -700.0, 700.0), 711.0, -711.0),
    _row("cosh", "hyperbolic cosine", math.cosh, lambda x, r: ieee_sinh(x), (*_REAL, -700.0, 700.0),
         711.0, -711.0),
    _row("tanh", "hyperbolic tangent", math.tanh, lambda x, r: 1.0 - r * r, (*_REAL, -800.0, 800.0)),
    _row("asinh", "inverse hyperbolic sine", math.asinh, lambda x, r: 1.0 / math.hypot(x, 1.0),
         (*_REAL, 1e300)),
    _row("acosh", "inverse hyperbolic cosine", math.acosh,
         lambda x, r: ieee_div(1.0, ieee_sqrt(x - 1.0) * ieee_sqrt(x + 1.0)),
         (1.0001, 1.5, 2.0, 20.0, 1e8, 1e300), 0.5),
    _row("atanh", "inverse hyperbolic tangent", math.atanh,
         lambda x, r: ieee_div(1.0, (1.0 - x) * (1.0 + x)), _UNIT, 1.1),

    _row("erf", "error function", math.erf, lambda x, r: TWO_OVER_SQRT_PI * math.exp(-x * x), _REAL),
    _row("erfc", "complementary error function", math.erfc,
         lambda x, r: -TWO_OVER_SQRT_PI * math.exp(-x * x), _REAL),
    _row("erfinv", "inverse error function", erfinv, lambda x, r: HALF_SQRT_PI * ieee_exp(r * r),
         (*_UNIT, -0.5, 0.4999, 1e-300), 1.1, 1.0 - 2.0**-53),
    _row("lgamma", "logarithm of |gamma(x)|", math.lgamma, lambda x, r: digamma(x), _GAMMA, 2.0, -2.0),
    _row("digamma", "logarithmic derivative of gamma(x)", lambda x: in_domain(digamma(x), x),
         lambda x, r: trigamma(x), _GAMMA, 2.0, -2.0, -0.5),

    _row("sigmoid", "logistic function 1 / (1 + exp(-x))", sigmoid, lambda x, r: r * (1.0 - r),
         (*_REAL, -700.0, 800.0)),
    _row("logit", "inverse of the logistic function", lambda x: in_domain(logit(x), x),
         lambda x, r: ieee_div(1.0, x * (1.0 - x)), (1e-300, 1e-8, 0.3, 0.49999, 0.5, 0.7, 0.999), 0.25, 2.0),
    _row("softplus", "log(1 + exp(x))",
         lambda x: x + math.log1p(math.exp(-x)) if x > 0.0 else math.log1p(math.exp(x)),
         lambda x, r: sigmoid(x), (*_REAL, -700.0, 800.0)),
    _row("relu", "max(x, 0)", lambda x: 0.0 if x < 0.0 else x, lambda x, r: 1.0 if r > 0.0 else 0.0, _REAL),
    _row("leaky_relu", "x, or slope * x below zero", lambda x, y: y * x if x < 0.0 else x,
         (lambda x, y, r: 1.0 if x > 0.0 else y, lambda x, y, r: x if x < 0.0 else 0.0),
         _PIECES, parameter="slope", default=0.01),
    _row("elu", "x, or alpha * (exp(x) - 1) below zero", lambda x, y: x if x > 0.0 else y * math.expm1(x),
         (lambda x, y, r: 1.0 if x > 0.0 else y * math.exp(x),
          lambda x, y, r: 0.0 if x > 0.0 else math.expm1(x)),
         _PIECES, parameter="alpha", default=1.0),
    _row("gelu", "x times the normal distribution function", gelu, lambda x, r: gelu_slope(x), _REAL),
    _row("silu", "x * sigmoid(x)", silu, lambda x, r: silu_slope(x), (*_REAL, -700.0, 800.0)),

    # As Python's max and min the first of two equals wins, but a nan operand always gives nan.
    _row("maximum", "the larger operand", lambda x, y: x if x >= y or math.isnan(x) else y,
         (lambda x, y, r: share(x, y), lambda x, y, r: share(y, x)),
         (*_PLANE, (1.0, 1.0 + 1e-8)), (2.0, 2.0)),
    _row("minimum", "the smaller operand", lambda x, y: x if x <= y or math.isnan(x) else y,
         (lambda x, y, r: share(y, x), lambda x, y, r: share(x, y)),
         (*_PLANE, (1.0, 1.0 + 1e-8)), (2.0, 2.0)),
    _row("copysign", "|x| with the sign of y", math.copysign,
         (lambda x, y, r: sign(x) * math.copysign(1.0, y), zero), _PLANE),
    # As C's, not Python's: a float, which keeps the sign of a zero.
    _row("floor", "largest integer not above x", lambda x: math.copysign(float(math.floor(x)), x),
         zero, (*_REAL[1:-1], 3.1, 1e8 + 0.5)),
    _row("ceil", "smallest integer not below x", lambda x: math.copysign(float(math.ceil(x)), x),
         zero, (*_REAL[1:-1], 3.1, 1e8 + 0.5)),
    _row("logaddexp", "log(exp(x) + exp(y))", logaddexp,
         (lambda x, y, r: sigmoid(lead(x, y)), lambda x, y, r: sigmoid(lead(y, x))), _SUMS),

    # Conditions without branches. A nan is less than nothing, and is not 0; x + -0.0 is x for every x.
    _row("less", "1 where x < y, else 0", lambda x, y: 1.0 if x < y else 0.0, (zero, zero), _PLANE, (2.0, 2.0)),
    _row("less_equal", "1 where x <= y, else 0", lambda x, y: 1.0 if x <= y else 0.0, (zero, zero),
         _PLANE, (2.0, 2.0)),
    _row("keep_if", "x where y is not 0, else nothing (-0.0)", lambda x, y: x if y != 0.0 else -0.0,
         (lambda x, y, r: 1.0 if y != 0.0 else 0.0, zero), _PLANE, (2.0, 0.0), (2.0, -0.0)),
    _row("drop_if", "nothing (-0.0) where y is not 0, else x", lambda x, y: -0.0 if y != 0.0 else x,
         (lambda x, y, r: 0.0 if y != 0.0 else 1.0, zero), _PLANE, (2.0, 0.0), (2.0, -0.0)),
    _row("stop_gradient", "x, with no gradient", lambda x: x, zero, _REAL),

    _row("rsqrt", "reciprocal of the square root", lambda x: in_domain(ieee_div(1.0, ieee_sqrt(x)), x),
         lambda x, r: ieee_div(-0.5 * r, x), _POSITIVE[1:]),
    _row("sign", "-1, 0 or 1: the sign of x", sign, zero, _REAL),
    _row("polygamma", "n-th derivative of digamma(x), for n = 0, 1, ... 170",
         lambda x, y: in_domain(polygamma(x, y), x, y), (lambda x, y, r: polygamma(x, y + 1.0), zero),
         ((-10.1, 2.0), (-2.6, 5.0), (-1.5, 3.0), (-0.3, 1.0), (0.3, 2.0), (0.99, 0.0), (1.5, 10.0), (13.9, 2.0),
          (14.1, 2.0), (31.0, 20.0), (1e8, 2.0)),
         (0.5, 1.5), (0.5, -2.0), (0.5, 170.0), (0.5, 171.0), (-2.0, 2.0), (-2.0, 3.0), parameter="n", default=1.0),
)
# fmt: on

#: The rows of csrc/ops.def in their order, by name.
OPERATIONS: dict[str, Operation] = {operation.name: operation for operation in _TABLE}
