// Which Python error a non-finite result raises. Called only for such results.
#pragma once

#include <cmath>
#include <cstdint>

namespace fastgrad {

enum class ErrorKind : std::uint8_t { none, domain, overflow, zero_division };

namespace error_kinds {

inline bool is_new_nan(double x, double y, double r) { return std::isnan(r) && !std::isnan(x) && !std::isnan(y); }
inline bool is_new_infinity(double x, double y, double r) {
    return std::isinf(r) && std::isfinite(x) && std::isfinite(y);
}

// No error: IEEE values propagate, as in Python's float addition and multiplication.
inline ErrorKind never(double, double, double) { return ErrorKind::none; }

// Outside the domain, or at a pole.
inline ErrorKind domain(double x, double y, double r) {
    return is_new_nan(x, y, r) || is_new_infinity(x, y, r) ? ErrorKind::domain : ErrorKind::none;
}

inline ErrorKind overflow(double x, double y, double r) {
    if (is_new_infinity(x, y, r)) return ErrorKind::overflow;
    return is_new_nan(x, y, r) ? ErrorKind::domain : ErrorKind::none;
}

inline ErrorKind division(double, double y, double) { return y == 0.0 ? ErrorKind::zero_division : ErrorKind::none; }

inline ErrorKind power(double x, double y, double r) {
    if (x == 0.0 && y < 0.0 && std::isfinite(y)) return ErrorKind::zero_division;  // Python: 0.0 ** -inf is inf
    return overflow(x, y, r);
}

// Poles at 0, -1, -2, ...; overflow for large x.
inline ErrorKind gamma(double x, double y, double r) { return x <= 0.0 ? domain(x, y, r) : overflow(x, y, r); }

// Python's floor and ceil give an int, which nan and inf do not have.
inline ErrorKind integer(double x, double, double) { return std::isnan(x) ? ErrorKind::domain : ErrorKind::overflow; }

// Whether a row's function is `never`. Uses specialization because comparing function addresses is not a constant
// expression under sanitizers.
template <ErrorKind (*function)(double, double, double)>
inline constexpr bool is_never = false;
template <>
inline constexpr bool is_never<never> = true;

}  // namespace error_kinds
}  // namespace fastgrad
