// The instruction sets that kernels are compiled for, as far as this compiler can.
#pragma once

#if defined(__x86_64__) && (defined(__clang__) || defined(__GNUC__))
#define FASTGRAD_FOR_EACH_INSTRUCTION_SET(X) X(avx512) X(avx2) X(baseline)
#else
#define FASTGRAD_FOR_EACH_INSTRUCTION_SET(X) X(baseline)
#endif

#include "graph/kernels.hpp"

namespace fastgrad::graph {

#define FASTGRAD_DECLARE(set)                \
    namespace set {                          \
    extern const MapKernels map_kernels[];   \
    extern const ArrayKernels array_kernels; \
    extern const DotKernels dot_kernels[];   \
    }
FASTGRAD_FOR_EACH_INSTRUCTION_SET(FASTGRAD_DECLARE)
#undef FASTGRAD_DECLARE

}  // namespace fastgrad::graph
