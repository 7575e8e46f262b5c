"""The functions that the rows of the table use, besides those of `math`."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable

INF, NAN = math.inf, math.nan
LN_2, LOG2_E, LOG10_E = 0.6931471805599453, 1.4426950408889634, 0.4342944819032518
SQRT_HALF, HALF_SQRT_PI = 0.7071067811865476, 0.886226925452758
TWO_OVER_SQRT_PI, ONE_OVER_SQRT_TWO_PI = 1.1283791670955126, 0.3989422804014327
LOWEST = -sys.float_info.max

# ---- IEEE 754 where Python would raise ---------------------------------------------------------------------


def _quiet(function: Callable[[float], float]) -> Callable[[float], float]:
    """The same function, with nan outside its domain and inf on overflow."""

    def quiet(x: float) -> float:
        try:
            return function(x)
        except OverflowError:
            return INF
        except ValueError:
            return NAN

    return quiet


ieee_exp, ieee_cosh, ieee_sqrt = _quiet(math.exp), _quiet(math.cosh), _quiet(math.sqrt)
ieee_sin, ieee_cos = _quiet(math.sin), _quiet(math.cos)


def ieee_sinh(x: float) -> float:
    return math.copysign(_quiet(math.sinh)(x), x)


def ieee_log(x: float) -> float:
    return -INF if x == 0.0 else _quiet(math.log)(x)


def ieee_log1p(x: float) -> float:
    return -INF if x == -1.0 else _quiet(math.log1p)(x)


def ieee_div(x: float, y: float) -> float:
    try:
        return x / y
    except ZeroDivisionError:
        return NAN if x == 0.0 or math.isnan(x) else math.copysign(INF, x) * math.copysign(1.0, y)


def power(x: float, y: float) -> float:
    """Python's `x ** y`, but raises `ValueError` if the result is not real."""
    if x < 0.0 and math.isfinite(x) and math.isfinite(y) and not y.is_integer():
        raise ValueError("negative base with a fractional exponent")
    return float(x**y)


def ieee_pow(x: float, y: float) -> float:
    """C's pow: a pole or an overflow is negative for a negative base (or -0.0) and an odd exponent."""
    try:
        return power(x, y)
    except ValueError:
        return NAN
    except (ZeroDivisionError, OverflowError):
        return math.copysign(INF, x) if math.fmod(y, 2.0) in (1.0, -1.0) else INF


# ---- functions that neither float nor math has -------------------------------------------------------------


def in_domain(result: float, *operands: float) -> float:
    """`result`; raises `ValueError` if it is a new nan, or an infinity from finite operands."""
    new_nan = math.isnan(result) and not any(map(math.isnan, operands))
    if new_nan or (math.isinf(result) and all(map(math.isfinite, operands))):
        raise ValueError("math domain error")
    return result


def _newton_cbrt(x: float) -> float:
    r = math.fabs(x) ** (1.0 / 3.0)
    if 0.0 < r < INF:
        r -= (r - math.fabs(x) / (r * r)) / 3.0  # 1/3 is rounded: up to 116 ulp without this step, 0.7 with it
    return math.copysign(r, x)


# CPython 3.10 lacks these two: there they differ from the C library's by up to 3 ulp (cbrt) and 1 ulp (exp2).
INEXACT = tuple(name for name in ("exp2", "cbrt") if not hasattr(math, name))
exp2: Callable[[float], float] = getattr(math, "exp2", lambda x: math.pow(2.0, x))
cbrt: Callable[[float], float] = getattr(math, "cbrt", _newton_cbrt)


def bounded_below(x: float) -> float:
    """Replaces -inf by the lowest finite number, so that 0 times it is 0 instead of nan."""
    return max(x, LOWEST)


def bounded(x: float) -> float:
    """Replaces an infinity by the largest finite number of the same sign."""
    return max(min(x, -LOWEST), LOWEST)


def sigmoid(x: float) -> float:
    """1 / (1 + exp(-x)); neither branch can overflow."""
    if x >= 0.0:
        return 1.0 / (1.0 + math.exp(-x))
    e = math.exp(x)
    return e / (1.0 + e)


def logaddexp(x: float, y: float) -> float:
    if x == y:
        return x + LN_2
    return x + math.log1p(math.exp(y - x)) if x > y else y + math.log1p(math.exp(x - y))


def logaddexp_dx(x: float, y: float) -> float:
    """Equal infinities share a gradient like other equal numbers."""
    return sigmoid(0.0 if x == y else x - y)


def logit(x: float) -> float:
    """log(x / (1 - x)); near one half the ratio's excess over 1 has more digits than the ratio."""
    if x < 0.25:
        return ieee_log(x / (1.0 - x))
    return ieee_log1p(ieee_div(2.0 * x - 1.0, 1.0 - x))


def silu(x: float) -> float:
    return bounded_below(x) * sigmoid(x)


def silu_dx(x: float) -> float:
    s = sigmoid(x)
    return s * (1.0 + bounded(x) * (1.0 - s))


def gelu(x: float) -> float:
    return 0.5 * bounded_below(x) * math.erfc(-x * SQRT_HALF)


def gelu_dx(x: float) -> float:
    density = ONE_OVER_SQRT_TWO_PI * math.exp(-0.5 * x * x)
    return 0.5 * math.erfc(-x * SQRT_HALF) + bounded(x) * density


# Bernoulli numbers divided by their indices, and Bernoulli numbers: the asymptotic series of digamma and trigamma in
# powers of 1 / x^2 (Abramowitz and Stegun, 6.3.18 and 6.4.12).
_DIGAMMA_SERIES = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12, -3617 / 8160)
_TRIGAMMA_SERIES = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)
# Bernoulli numbers divided by factorials, B(2 j) / (2 j)!: the Euler-Maclaurin series of the Hurwitz zeta function.
_ZETA_SERIES = (
    1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000, 1 / 74724249600,
    -3617 / 10670622842880000, 43867 / 5109094217170944000, -174611 / 802857662698291200000,
)  # fmt: skip
_ASYMPTOTIC_FROM = 12.0  # from here on the first omitted term of both is below 1e-17 of the sum


def _in_powers(series: tuple[float, ...], z: float) -> float:
    total = 0.0
    for coefficient in reversed(series):
        total = (total + coefficient) * z
    return total


def _is_pole_of_gamma(x: float) -> bool:
    return x <= 0.0 and (math.isinf(x) or x.is_integer())


def _from_nearest(x: float) -> float:
    """x minus the nearest integer, in [-1/2, 1/2]; halves round away from zero, as in C's round."""
    nearest = float(math.trunc(x))
    if math.fabs(x - nearest) >= 0.5:
        nearest += math.copysign(1.0, x)
    return x - nearest


def _half_turns(x: float) -> float:
    """pi * (x modulo 1) in [-pi/2, pi/2]."""
    return math.pi * _from_nearest(x)


def digamma(x: float) -> float:
    """The derivative of lgamma: reflection, recurrence, asymptotic series; nan at the poles 0, -1, -2, ..."""
    if _is_pole_of_gamma(x):
        return NAN
    if x < 0.0:
        return digamma(1.0 - x) - math.pi / math.tan(_half_turns(x))
    r = 0.0
    while x < _ASYMPTOTIC_FROM:
        r -= 1.0 / x
        x += 1.0
    return r + (math.log(x) - 0.5 / x - _in_powers(_DIGAMMA_SERIES, 1.0 / (x * x)))


def trigamma(x: float) -> float:
    """The derivative of digamma; inf at the poles."""
    if _is_pole_of_gamma(x):
        return INF
    if x < 0.0:
        s = math.sin(_half_turns(x))
        return ieee_div(math.pi * math.pi, s * s) - trigamma(1.0 - x)
    r = 0.0
    while x < _ASYMPTOTIC_FROM:
        r += ieee_div(1.0, x * x)
        x += 1.0
    z = 1.0 / (x * x)
    return r + (1.0 / x + 0.5 * z + _in_powers(_TRIGAMMA_SERIES, z) / x)


_MOST_DERIVATIVES = 170  # of digamma: 171! is beyond a float


def _hurwitz_zeta(x: float, n: int) -> float:
    """The sum of (x + k) ** -(n + 1) over k = 0, 1, ..., for x > 0 and n > 0."""
    if math.isinf(x):
        return 0.0
    s, r = n + 1.0, 0.0
    while x < _ASYMPTOTIC_FROM + n:
        r += ieee_pow(x, -s)
        x += 1.0
    following = ieee_pow(x, -s)
    r += math.pow(x, 1.0 - s) / n + 0.5 * following
    product = s / x
    for i, coefficient in enumerate(_ZETA_SERIES):
        r += following * coefficient * product
        product *= (s + 2.0 * i + 1.0) * (s + 2.0 * i + 2.0) / (x * x)
    return r


def _cot_pi(x: float) -> float:
    """cot(pi x), for x that is not an integer; exact at halves."""
    turn = _from_nearest(x)
    if math.fabs(turn) <= 0.25:
        return ieee_div(1.0, math.tan(math.pi * turn))
    return math.copysign(math.tan(math.pi * (0.5 - math.fabs(turn))), turn)


def _derivative_of_cot(c: float, n: int) -> float:
    """The n-th derivative of cot(t), a polynomial in c = cot(t): the derivative of c is -(1 + c * c)."""
    coefficients = [0.0, 1.0]
    for _ in range(n):
        padded = [0.0, *coefficients, 0.0, 0.0]  # of c ** -1, c ** 0, ...
        coefficients = [-((k + 1.0) * padded[k + 2] + (k - 1.0) * padded[k]) for k in range(len(coefficients) + 1)]
    r = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        r = r * c + coefficient
    return r


def polygamma(x: float, order: float) -> float:
    """The derivative of digamma of the given order; nan at the poles for an even order, inf for an odd one."""
    if not (0.0 <= order <= _MOST_DERIVATIVES and order.is_integer()):
        return NAN
    n = int(order)
    if n == 0:
        return digamma(x)
    if n == 1:
        return trigamma(x)
    sign_of_n = 1.0 if n % 2 == 0 else -1.0
    if _is_pole_of_gamma(x):
        return NAN if sign_of_n > 0.0 else INF
    if x < 0.0:
        reflected = _derivative_of_cot(_cot_pi(x), n)
        return sign_of_n * polygamma(1.0 - x, order) - math.pow(math.pi, n + 1.0) * reflected
    factorial = 1.0
    for i in range(2, n + 1):
        factorial *= i
    return -sign_of_n * factorial * _hurwitz_zeta(x, n)


def erfinv(x: float) -> float:
    """Winitzki's formula (relative error 2e-3), then Halley's iteration; raises `ValueError` unless |x| < 1."""
    magnitude = math.fabs(x)
    if magnitude >= 1.0:
        raise ValueError("math domain error")
    a = 0.147
    log_term = math.log1p(-magnitude * magnitude)
    t = 2.0 / (math.pi * a) + 0.5 * log_term
    r = math.sqrt(math.sqrt(t * t - log_term / a) - t)
    for _ in range(3):
        # Above one half the tail carries the digits, because 1 - x is exact there.
        excess = math.erf(r) - magnitude if magnitude < 0.5 else (1.0 - magnitude) - math.erfc(r)
        step = excess / (TWO_OVER_SQRT_PI * math.exp(-r * r))
        r -= step / (1.0 + r * step)
    return math.copysign(r, x)


# ---- derivatives -------------------------------------------------------------------------------------------


def atan2_dx(x: float, y: float) -> float:
    """x / (x * x + y * y), even if the squares overflow or vanish."""
    square = x * x + y * y
    if 1e-290 < square <= sys.float_info.max:
        return x / square
    length = math.hypot(x, y)
    return ieee_div(hypot_dx(x, length), length)


def hypot_dx(coordinate: float, length: float) -> float:
    """The derivative of hypot in one coordinate: 0 at the origin."""
    return 0.0 if length == 0.0 else coordinate / length


def sign(x: float) -> float:
    """The derivative of |x|: 0 at the kink; nan stays nan."""
    return 1.0 if x > 0.0 else -1.0 if x < 0.0 else 0.0 if x == 0.0 else x


def zero(*_: float) -> float:
    return 0.0


def one(*_: float) -> float:
    return 1.0


def maximum_dx(x: float, y: float) -> float:
    """The share of the gradient that x receives: all, none, or half for a tie."""
    return 1.0 if x > y else 0.5 if x == y else 0.0
