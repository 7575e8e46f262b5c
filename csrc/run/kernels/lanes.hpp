// Vectors of doubles, as many as a machine register holds.
#pragma once

#include <cstddef>
#include <cstring>

#include "core/compiler.hpp"

namespace fastgrad::run {

// Gradients of slots that do not vary between samples are kept as this many partial sums.
inline constexpr std::size_t lane_count = 8;

// Adds the halves of a register to each other until one number is left.
FASTGRAD_INLINE double sum_of_lanes(const double* sums) {
    return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

// FASTGRAD_PLAIN_LANES selects the code for MSVC, so that other compilers can test it.
#if defined(__GNUC__) && !defined(FASTGRAD_PLAIN_LANES)
#define FASTGRAD_VECTOR_EXTENSIONS

template <int width>
struct VectorOf {
    using type __attribute__((vector_size(width * sizeof(double)))) = double;
};
template <int width>
using Vector = typename VectorOf<width>::type;

#else

template <int width>
struct Vector {
    double at[width];
    double& operator[](int i) { return at[i]; }
    double operator[](int i) const { return at[i]; }
    friend Vector operator+(Vector a, const Vector& b) {
        for (int i = 0; i < width; ++i) a.at[i] += b.at[i];
        return a;
    }
    friend Vector operator*(Vector a, const Vector& b) {
        for (int i = 0; i < width; ++i) a.at[i] *= b.at[i];
        return a;
    }
    friend Vector operator-(double a, Vector b) {
        for (int i = 0; i < width; ++i) b.at[i] = a - b.at[i];
        return b;
    }
    Vector& operator+=(const Vector& b) { return *this = *this + b; }
};

#endif

}  // namespace fastgrad::run
