// Compiler-specific attributes that have no standard form.
#pragma once

#ifdef _MSC_VER
#define FASTGRAD_NOINLINE __declspec(noinline)
#define FASTGRAD_INLINE __forceinline
#define FASTGRAD_RESTRICT __restrict
#else
#define FASTGRAD_NOINLINE __attribute__((noinline))
#define FASTGRAD_INLINE __attribute__((always_inline)) inline
#define FASTGRAD_RESTRICT __restrict__
#endif

namespace fastgrad {

// Goes after a switch that names every case.
[[noreturn]] FASTGRAD_INLINE void unreachable() {
#ifdef _MSC_VER
    __assume(false);
#else
    __builtin_unreachable();
#endif
}

}  // namespace fastgrad
