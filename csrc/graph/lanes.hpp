// Doubles side by side, as many as a register of the machine holds.
#pragma once

#include <cstddef>
#include <cstring>

#include "core/compiler.hpp"

namespace fastgrad::graph {

// Gradients of what does not vary from sample to sample are kept as this many partial sums.
inline constexpr std::size_t lane_count = 8;

#if defined(__GNUC__)

template <int width>
struct VectorOf {
    using type __attribute__((vector_size(width * sizeof(double)))) = double;
};
template <int width>
using Vector = typename VectorOf<width>::type;

// The sum across a register; and of four registers at once, which takes half the steps of one after the other.
FASTGRAD_INLINE double total_of(Vector<2> v) { return v[0] + v[1]; }
FASTGRAD_INLINE double total_of(Vector<4> v) {
    return total_of(__builtin_shufflevector(v, v, 0, 1) + __builtin_shufflevector(v, v, 2, 3));
}
FASTGRAD_INLINE double total_of(Vector<8> v) {
    return total_of(__builtin_shufflevector(v, v, 0, 1, 2, 3) + __builtin_shufflevector(v, v, 4, 5, 6, 7));
}
FASTGRAD_INLINE void totals_of(Vector<2> a, Vector<2> b, Vector<2> c, Vector<2> d, double* to) {
    const Vector<2> ab = __builtin_shufflevector(a, b, 0, 2) + __builtin_shufflevector(a, b, 1, 3);
    const Vector<2> cd = __builtin_shufflevector(c, d, 0, 2) + __builtin_shufflevector(c, d, 1, 3);
    std::memcpy(to, &ab, sizeof ab);
    std::memcpy(to + 2, &cd, sizeof cd);
}
FASTGRAD_INLINE void totals_of(Vector<4> a, Vector<4> b, Vector<4> c, Vector<4> d, double* to) {
    const Vector<4> ab = __builtin_shufflevector(a, b, 0, 4, 2, 6) + __builtin_shufflevector(a, b, 1, 5, 3, 7);
    const Vector<4> cd = __builtin_shufflevector(c, d, 0, 4, 2, 6) + __builtin_shufflevector(c, d, 1, 5, 3, 7);
    const Vector<4> sums = __builtin_shufflevector(ab, cd, 0, 1, 4, 5) + __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
    std::memcpy(to, &sums, sizeof sums);
}
FASTGRAD_INLINE Vector<4> halves_of(Vector<8> v) {
    return __builtin_shufflevector(v, v, 0, 1, 2, 3) + __builtin_shufflevector(v, v, 4, 5, 6, 7);
}
FASTGRAD_INLINE void totals_of(Vector<8> a, Vector<8> b, Vector<8> c, Vector<8> d, double* to) {
    totals_of(halves_of(a), halves_of(b), halves_of(c), halves_of(d), to);
}

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

template <int width>
double total_of(Vector<width> v) {
    for (int half = width / 2; half > 0; half /= 2) {
        for (int i = 0; i < half; ++i) v.at[i] += v.at[i + half];
    }
    return v.at[0];
}
template <int width>
void totals_of(const Vector<width>& a, const Vector<width>& b, const Vector<width>& c, const Vector<width>& d,
               double* to) {
    to[0] = total_of(a);
    to[1] = total_of(b);
    to[2] = total_of(c);
    to[3] = total_of(d);
}

#endif

}  // namespace fastgrad::graph
