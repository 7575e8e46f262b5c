// Which Python error a result that is not finite stands for. Called only for such results.
#pragma once

#include <cmath>
#include <cstdint>

namespace fastgrad {

enum class Fault : std::uint8_t { none, domain, overflow, zero_division };

namespace faults {

inline bool is_new_nan(double x, double y, double r) { return std::isnan(r) && !std::isnan(x) && !std::isnan(y); }
inline bool is_new_infinity(double x, double y, double r) {
    return std::isinf(r) && std::isfinite(x) && std::isfinite(y);
}

// IEEE values flow, as with Python's float addition and multiplication.
inline Fault never(double, double, double) { return Fault::none; }

// Outside the domain, or at a pole.
inline Fault domain(double x, double y, double r) {
    return is_new_nan(x, y, r) || is_new_infinity(x, y, r) ? Fault::domain : Fault::none;
}

inline Fault overflow(double x, double y, double r) {
    if (is_new_infinity(x, y, r)) return Fault::overflow;
    return is_new_nan(x, y, r) ? Fault::domain : Fault::none;
}

inline Fault division(double, double y, double) { return y == 0.0 ? Fault::zero_division : Fault::none; }

inline Fault power(double x, double y, double r) {
    if (x == 0.0 && y < 0.0 && std::isfinite(y)) return Fault::zero_division;  // Python: 0.0 ** -inf is inf
    return overflow(x, y, r);
}

// Poles at 0, -1, -2, ...; overflow on the far right.
inline Fault gamma(double x, double y, double r) { return x <= 0.0 ? domain(x, y, r) : overflow(x, y, r); }

// Python's floor and ceil give an int, which nan and inf do not have.
inline Fault integer(double x, double, double) { return std::isnan(x) ? Fault::domain : Fault::overflow; }

}  // namespace faults
}  // namespace fastgrad
