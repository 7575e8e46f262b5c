// Eight doubles side by side: a vector of the compiler's, in as many registers as the machine needs for it.
#pragma once

#include <cstddef>
#include <cstring>

namespace fastgrad::graph {

#if defined(__GNUC__)
using Lanes = double __attribute__((vector_size(64)));
#else
struct Lanes {
    double at[8];
    double& operator[](int i) { return at[i]; }
    double operator[](int i) const { return at[i]; }
    friend Lanes operator+(Lanes a, const Lanes& b) {
        for (int i = 0; i < 8; ++i) a.at[i] += b.at[i];
        return a;
    }
    friend Lanes operator*(Lanes a, const Lanes& b) {
        for (int i = 0; i < 8; ++i) a.at[i] *= b.at[i];
        return a;
    }
    Lanes& operator+=(const Lanes& b) { return *this = *this + b; }
};
#endif

inline constexpr std::size_t lane_count = 8;

}  // namespace fastgrad::graph
