// The permitted range of a number given by a user, as code and as the words of the error: "lr must be finite and at
// least 0".
#pragma once

#include <cmath>

namespace fastgrad {

struct Range {
    bool (*holds)(double);
    const char* text;
};

namespace ranges {

inline constexpr Range any{[](double) { return true; }, "a number"};
inline constexpr Range finite{[](double x) { return std::isfinite(x); }, "finite"};
inline constexpr Range finite_from_0{[](double x) { return std::isfinite(x) && x >= 0.0; }, "finite and at least 0"};
inline constexpr Range from_0{[](double x) { return x >= 0.0; }, "at least 0"};
inline constexpr Range above_0{[](double x) { return x > 0.0; }, "above 0"};
inline constexpr Range from_0_below_1{[](double x) { return x >= 0.0 && x < 1.0; }, "at least 0 and less than 1"};

}  // namespace ranges

}  // namespace fastgrad
