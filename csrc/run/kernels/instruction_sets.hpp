// The instruction sets that kernels are compiled for, as far as this compiler supports them.
#pragma once

#if defined(__x86_64__) && (defined(__clang__) || defined(__GNUC__))
#define FASTGRAD_FOR_EACH_INSTRUCTION_SET(X) X(avx512) X(avx2) X(baseline)
#else
#define FASTGRAD_FOR_EACH_INSTRUCTION_SET(X) X(baseline)
#endif

#include "run/kernels/kernels.hpp"

namespace fastgrad::run {

// A function on whole registers; its real type depends on their width.
using VectorFunction = void (*)();

#define FASTGRAD_DECLARE(set)                                                                           \
    namespace set {                                                                                     \
    extern const MapKernels map_kernels[];                                                              \
    extern const ArrayKernels array_kernels;                                                            \
    extern const DotKernels dot_kernels[];                                                              \
    void use_vector_functions(MapKernels*, VectorFunction (*find)(std::string_view, const Operation&)); \
    }
FASTGRAD_FOR_EACH_INSTRUCTION_SET(FASTGRAD_DECLARE)
#undef FASTGRAD_DECLARE

}  // namespace fastgrad::run
