// What the formulas of ops.def mean for doubles: the functions of <cmath>, the helpers of helpers.def, and functions
// that need numerical code rather than a formula.
#pragma once

#include <cmath>

namespace fastgrad::formulas {

using std::acos, std::acosh, std::asin, std::asinh, std::atan, std::atan2, std::atanh, std::cbrt, std::ceil,
    std::copysign, std::cos, std::cosh, std::erf, std::erfc, std::exp, std::exp2, std::expm1, std::fabs, std::floor,
    std::log, std::log10, std::log1p, std::log2, std::pow, std::sin, std::sinh, std::sqrt, std::tan, std::tanh;

double hypot(double x, double y);      // rounded as Python's math.hypot
double log_gamma(double x);            // rounded as CPython's math.lgamma, which differs from the C library's
double digamma(double x);              // nan at the poles 0, -1, -2, ...
double polygamma(double x, double n);  // nan at the poles for even n, inf for odd; nan unless n = 0, 1, ... 170
double erfinv(double x);               // inf at 1, nan above

// A macro, so that only the chosen branch is evaluated.
#define choose(condition, x, y) ((condition) != 0 ? (x) : (y))
#define FASTGRAD_CONSTANT(name, value, meaning) inline constexpr double name = value;
#define FASTGRAD_HELPER1(name, x, formula, meaning) \
    inline double name(double x) { return formula; }
#define FASTGRAD_HELPER2(name, x, y, formula, meaning) \
    inline double name(double x, double y) { return formula; }
#define FASTGRAD_HELPER3(name, x, y, z, formula, meaning) \
    inline double name(double x, double y, double z) { return formula; }
#include "helpers.def"
#undef choose

}  // namespace fastgrad::formulas
