// The functions that the rows of ops.def are written in, beside those of <cmath>.
#pragma once

#include <cmath>
#include <limits>

namespace fastgrad::formulas {

using std::acos, std::acosh, std::asin, std::asinh, std::atan, std::atan2, std::atanh, std::cbrt, std::ceil,
    std::copysign, std::cos, std::cosh, std::erf, std::erfc, std::exp, std::exp2, std::expm1, std::fabs, std::floor,
    std::log, std::log10, std::log1p, std::log2, std::pow, std::sin, std::sinh, std::sqrt, std::tan, std::tanh;

inline constexpr double pi = 3.141592653589793;
inline constexpr double ln_2 = 0.6931471805599453;
inline constexpr double log2_e = 1.4426950408889634;
inline constexpr double log10_e = 0.4342944819032518;
inline constexpr double sqrt_half = 0.7071067811865476;
inline constexpr double half_sqrt_pi = 0.886226925452758;
inline constexpr double two_over_sqrt_pi = 1.1283791670955126;
inline constexpr double one_over_sqrt_two_pi = 0.3989422804014327;
inline constexpr double lowest = std::numeric_limits<double>::lowest();

// A condition holds unless it is 0.
inline double where(bool condition, double x, double y) { return condition ? x : y; }

// The derivative of |x|, with 0 at the kink; nan stays nan.
inline double sign(double x) { return x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : x == 0.0 ? 0.0 : x; }

double hypot(double x, double y);  // rounded as Python's math.hypot

// The derivative of hypot in one coordinate, with 0 at the origin, where hypot(x, 0) = |x| has its kink.
inline double slope(double coordinate, double length) { return length == 0.0 ? 0.0 : coordinate / length; }

// The derivative of x ** y in x, and in y; 0 ** 0 and 0 ** positive are constant in the exponent.
inline double power_dx(double x, double y) { return y == 0.0 ? 0.0 : y * pow(x, y - 1.0); }
inline double power_dy(double x, double y, double r) { return x == 0.0 && y >= 0.0 ? 0.0 : r * log(x); }

// max and min as Python's: the first of two equals wins, but a nan operand makes the result nan.
inline double larger(double x, double y) { return x >= y || x != x ? x : y; }
inline double smaller(double x, double y) { return x <= y || x != x ? x : y; }

// Of a plain number; a Term stops there.
inline double stop_gradient(double x) { return x; }

// What x takes of the gradient of larger(x, y): all, nothing, or half of a tie.
inline double share(double x, double y) { return x > y ? 1.0 : x == y ? 0.5 : 0.0; }

// Neither branch of these three can overflow.
inline double sigmoid(double x) {
    if (x >= 0.0) return 1.0 / (1.0 + exp(-x));
    const double e = exp(x);
    return e / (1.0 + e);
}
inline double softplus(double x) { return x > 0.0 ? x + log1p(exp(-x)) : log1p(exp(x)); }
inline double logaddexp(double x, double y) {
    if (x == y) return x + ln_2;
    return x > y ? x + log1p(exp(y - x)) : y + log1p(exp(x - y));
}

// By how much x leads y: 0 of equal infinities, which share a gradient as other equals do.
inline double lead(double x, double y) { return x == y ? 0.0 : x - y; }

// Of an infinity the largest finite number of its sign: 0 times that is 0, not nan.
template <class X>
X bounded(const X& x) {
    return larger(smaller(x, -lowest), lowest);
}

// The derivative of x * sigmoid(x).
template <class X>
X silu_slope(const X& x) {
    const X s = sigmoid(x);
    return s * (1.0 + bounded(x) * (1.0 - s));
}

// x / (x * x + y * y), also where the squares overflow or vanish.
inline double inverted(double x, double y) {
    const double square = x * x + y * y;
    if (square > 1e-290 && square <= -lowest) return x / square;
    const double length = hypot(x, y);
    return slope(x, length) / length;
}

double log_gamma(double x);            // rounded as CPython's math.lgamma, which is not the C library's
double digamma(double x);              // nan at the poles 0, -1, -2, ...
double trigamma(double x);             // inf at the poles
double polygamma(double x, double n);  // nan at the poles for even n, inf for odd; nan unless n = 0, 1, ... 170
double erfinv(double x);               // inf at 1, nan above
double logit(double x);                // -inf at 0, inf at 1, nan outside

}  // namespace fastgrad::formulas
