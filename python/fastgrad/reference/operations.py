"""The table of operations in Python: value, derivatives, and the arguments that test them.

It has one row for each row of csrc/ops.def, with the same arithmetic in the same order: the native engine is compared
with it bit for bit, at the arguments that the row names. Values raise the errors of Python's float and `math`
(`ZeroDivisionError`, `OverflowError`, `ValueError`); partial derivatives never raise: they follow IEEE 754, as C does
(1/0 is inf, log(-1) is nan). Angles are in radians. Titles, symbols and names of parameters are read from the native
table; the arithmetic is written a second time here, so that each side reveals the other's mistakes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import product
from typing import Any

from fastgrad._core import operations
from fastgrad.reference.formulas import (
    HALF_SQRT_PI,
    INF,
    LN_2,
    LOG2_E,
    LOG10_E,
    NAN,
    TWO_OVER_SQRT_PI,
    atan2_dx,
    cbrt,
    digamma,
    erfinv,
    exp2,
    gelu,
    gelu_dx,
    hypot_dx,
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
    logaddexp,
    logaddexp_dx,
    logit,
    maximum_dx,
    one,
    polygamma,
    power,
    sigmoid,
    sign,
    silu,
    silu_dx,
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
    edges: tuple[tuple[float, ...], ...]  #: kinks, poles, ends of the domain, special cases of IEEE 754
    default: float | None = None  #: of the second operand, if it may be left out
    parameter: str | None = None  #: the name of such a second operand


_WORDS = {row.name: row for row in operations()}
_SPECIAL = (0.0, -0.0, 5e-324, -5e-324, 1.0, -1.0, 1e308, -1e308, INF, -INF, NAN)
_SPECIAL_PAIRS = tuple(product(_SPECIAL, repeat=2))


def _row(
    name: str, value: Function, partials: Function | tuple[Function, ...], points: Iterable[Any], *edges: Any
) -> Operation:  # fmt: skip
    if isinstance(partials, tuple):
        tests = tuple(points), (*_SPECIAL_PAIRS, *edges)
    else:
        partials, tests = (partials,), (tuple((x,) for x in points), tuple((x,) for x in (*_SPECIAL, *edges)))
    words = _WORDS[name]
    return Operation(name, words.title, words.symbol, value, partials, *tests, words.default, words.parameter)


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
    _row("add", lambda x, y: x + y, (one, one), _PLANE),
    _row("sub", lambda x, y: x - y, (one, lambda x, y, r: -1.0), _PLANE),
    _row("mul", lambda x, y: x * y, (lambda x, y, r: y, lambda x, y, r: x), _PLANE),
    _row("div", lambda x, y: x / y, (lambda x, y, r: ieee_div(1.0, y), lambda x, y, r: ieee_div(-r, y)), _PLANE),
    _row("pow", power,
         (lambda x, y, r: 0.0 if y == 0.0 else y * ieee_pow(x, y - 1.0),
          lambda x, y, r: 0.0 if x == 0.0 and y >= 0.0 else r * ieee_log(x)),  # 0 ** positive is constant
         _POWERS, (-2.0, 3.0), (-8.0, 1.0 / 3.0), (0.0, 0.5), (0.0, 2.0), (-0.0, -3.0), (10.0, 400.0),
         (-10.0, 401.0), (-1e300, 1.5), (1e-200, 2.0)),
    _row("neg", lambda x: -x, lambda x, r: -1.0, _REAL),
    _row("abs", math.fabs, lambda x, r: sign(x), _REAL),

    _row("exp", math.exp, lambda x, r: r, (*_REAL, -700.0, 700.0), 709.8, -745.2),
    _row("exp2", exp2, lambda x, r: r * LN_2, (*_REAL, -1e3, 1e3), 1024.0, -1075.0),
    _row("expm1", math.expm1, lambda x, r: ieee_exp(x), (*_REAL, -700.0, 700.0), 709.8),
    _row("log", math.log, lambda x, r: ieee_div(1.0, x), _POSITIVE),
    _row("log1p", math.log1p, lambda x, r: ieee_div(1.0, 1.0 + x),
         (-0.99, -0.5, -1e-8, 1e-300, 1e-8, 3.0, 1e300), -2.0),
    _row("log2", math.log2, lambda x, r: ieee_div(LOG2_E, x), _POSITIVE),
    _row("log10", math.log10, lambda x, r: ieee_div(LOG10_E, x), _POSITIVE),
    _row("sqrt", math.sqrt, lambda x, r: ieee_div(0.5, r), _POSITIVE),
    _row("cbrt", cbrt, lambda x, r: ieee_div(1.0, 3.0 * r * r), (*_REAL, *_POSITIVE, -1e300)),
    _row("hypot", math.hypot,
         (lambda x, y, r: hypot_dx(x, r), lambda x, y, r: hypot_dx(y, r)),
         (*_PLANE, (1e300, -1e300), (1e-300, 1e-300))),

    _row("sin", math.sin, lambda x, r: ieee_cos(x), (*_REAL, 1e8, 1e20), math.pi),
    _row("cos", math.cos, lambda x, r: -ieee_sin(x), (*_REAL, 1e8, 1e20), math.pi),
    _row("tan", math.tan, lambda x, r: 1.0 + r * r, (*_REAL, 1.57, 1e8), math.pi / 2),
    _row("asin", math.asin, lambda x, r: ieee_div(1.0, ieee_sqrt((1.0 - x) * (1.0 + x))), _UNIT, 1.1),
    _row("acos", math.acos, lambda x, r: ieee_div(-1.0, ieee_sqrt((1.0 - x) * (1.0 + x))),
         _UNIT, 1.1),
    _row("atan", math.atan, lambda x, r: 1.0 / (1.0 + x * x), (*_REAL, -1e8, 1e200)),
    _row("atan2", math.atan2,
         (lambda x, y, r: atan2_dx(y, x), lambda x, y, r: -atan2_dx(x, y)),
         (*_PLANE, (1e-8, -2.0)), (1e-200, 1e-200), (1e200, -1e200)),
    _row("sinh", math.sinh, lambda x, r: ieee_cosh(x), (*_REAL, -700.0, 700.0), 711.0, -711.0),
    _row("cosh", math.cosh, lambda x, r: ieee_sinh(x), (*_REAL, -700.0, 700.0),
         711.0, -711.0),
    _row("tanh", math.tanh, lambda x, r: 1.0 - r * r, (*_REAL, -800.0, 800.0)),
    _row("asinh", math.asinh, lambda x, r: 1.0 / math.hypot(x, 1.0), (*_REAL, 1e300)),
    _row("acosh", math.acosh,
         lambda x, r: ieee_div(1.0, ieee_sqrt(x - 1.0) * ieee_sqrt(x + 1.0)),
         (1.0001, 1.5, 2.0, 20.0, 1e8, 1e300), 0.5),
    _row("atanh", math.atanh,
         lambda x, r: ieee_div(1.0, (1.0 - x) * (1.0 + x)), _UNIT, 1.1),

    _row("erf", math.erf, lambda x, r: TWO_OVER_SQRT_PI * math.exp(-x * x), _REAL),
    _row("erfc", math.erfc,
         lambda x, r: -TWO_OVER_SQRT_PI * math.exp(-x * x), _REAL),
    _row("erfinv", erfinv, lambda x, r: HALF_SQRT_PI * ieee_exp(r * r),
         (*_UNIT, -0.5, 0.4999, 1e-300), 1.1, 1.0 - 2.0**-53),
    _row("lgamma", math.lgamma, lambda x, r: digamma(x), _GAMMA, 2.0, -2.0),
    _row("digamma", lambda x: in_domain(digamma(x), x),
         lambda x, r: trigamma(x), _GAMMA, 2.0, -2.0, -0.5),

    _row("sigmoid", sigmoid, lambda x, r: r * (1.0 - r),
         (*_REAL, -700.0, 800.0)),
    _row("logit", lambda x: in_domain(logit(x), x),
         lambda x, r: ieee_div(1.0, x * (1.0 - x)), (1e-300, 1e-8, 0.3, 0.49999, 0.5, 0.7, 0.999), 0.25, 2.0),
    _row("softplus",
         lambda x: x + math.log1p(math.exp(-x)) if x > 0.0 else math.log1p(math.exp(x)),
         lambda x, r: sigmoid(x), (*_REAL, -700.0, 800.0)),
    _row("relu", lambda x: 0.0 if x < 0.0 else x, lambda x, r: 1.0 if r > 0.0 else 0.0, _REAL),
    _row("leaky_relu", lambda x, y: y * x if x < 0.0 else x,
         (lambda x, y, r: 1.0 if x > 0.0 else y, lambda x, y, r: x if x < 0.0 else 0.0),
         _PIECES),
    _row("elu", lambda x, y: x if x > 0.0 else y * math.expm1(x),
         (lambda x, y, r: 1.0 if x > 0.0 else y * math.exp(x),
          lambda x, y, r: 0.0 if x > 0.0 else math.expm1(x)),
         _PIECES),
    _row("gelu", gelu, lambda x, r: gelu_dx(x), _REAL),
    _row("silu", silu, lambda x, r: silu_dx(x), (*_REAL, -700.0, 800.0)),

    # As in Python's max and min, the first of two equal operands wins, but a nan operand always gives nan.
    _row("maximum", lambda x, y: x if x >= y or math.isnan(x) else y,
         (lambda x, y, r: maximum_dx(x, y), lambda x, y, r: maximum_dx(y, x)),
         (*_PLANE, (1.0, 1.0 + 1e-8)), (2.0, 2.0)),
    _row("minimum", lambda x, y: x if x <= y or math.isnan(x) else y,
         (lambda x, y, r: maximum_dx(y, x), lambda x, y, r: maximum_dx(x, y)),
         (*_PLANE, (1.0, 1.0 + 1e-8)), (2.0, 2.0)),
    _row("copysign", math.copysign,
         (lambda x, y, r: sign(x) * math.copysign(1.0, y), zero), _PLANE),
    # As in C rather than Python: the result is a float, which keeps the sign of a zero.
    _row("floor", lambda x: math.copysign(float(math.floor(x)), x),
         zero, (*_REAL[1:-1], 3.1, 1e8 + 0.5)),
    _row("ceil", lambda x: math.copysign(float(math.ceil(x)), x),
         zero, (*_REAL[1:-1], 3.1, 1e8 + 0.5)),
    _row("logaddexp", logaddexp,
         (lambda x, y, r: logaddexp_dx(x, y), lambda x, y, r: logaddexp_dx(y, x)), _SUMS),

    # Conditions without branches. A nan is not less than anything, and is not 0; x + -0.0 is x for every x.
    _row("less", lambda x, y: 1.0 if x < y else 0.0, (zero, zero), _PLANE, (2.0, 2.0)),
    _row("less_equal", lambda x, y: 1.0 if x <= y else 0.0, (zero, zero),
         _PLANE, (2.0, 2.0)),
    _row("keep_if", lambda x, y: x if y != 0.0 else -0.0,
         (lambda x, y, r: 1.0 if y != 0.0 else 0.0, zero), _PLANE, (2.0, 0.0), (2.0, -0.0)),
    _row("drop_if", lambda x, y: -0.0 if y != 0.0 else x,
         (lambda x, y, r: 0.0 if y != 0.0 else 1.0, zero), _PLANE, (2.0, 0.0), (2.0, -0.0)),
    _row("stop_gradient", lambda x: x, zero, _REAL),

    _row("rsqrt", lambda x: in_domain(ieee_div(1.0, ieee_sqrt(x)), x),
         lambda x, r: ieee_div(-0.5 * r, x), _POSITIVE[1:]),
    _row("sign", sign, zero, _REAL),
    _row("polygamma",
         lambda x, y: in_domain(polygamma(x, y), x, y), (lambda x, y, r: polygamma(x, y + 1.0), zero),
         ((-10.1, 2.0), (-2.6, 5.0), (-1.5, 3.0), (-0.3, 1.0), (0.3, 2.0), (0.99, 0.0), (1.5, 10.0), (13.9, 2.0),
          (14.1, 2.0), (31.0, 20.0), (1e8, 2.0)),
         (0.5, 1.5), (0.5, -2.0), (0.5, 170.0), (0.5, 171.0), (-2.0, 2.0), (-2.0, 3.0)),
)
# fmt: on

#: The rows of csrc/ops.def in their order, by name.
OPERATIONS: dict[str, Operation] = {operation.name: operation for operation in _TABLE}
