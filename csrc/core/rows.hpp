// The rows of ops.def on doubles, each formula an inline function, for eager nodes, sweeps and kernels.
#pragma once

#include "core/compiler.hpp"
#include "core/error_kind.hpp"
#include "core/formulas.hpp"
#include "core/op.hpp"

namespace fastgrad {

// The operands are x and y (0 for a unary operation), the result is r.
template <Op op>
struct Row;

#define choose(condition, x, y) ((condition) != 0 ? (x) : (y))
#define FASTGRAD_FORMULA(function, formula)                                                            \
    static FASTGRAD_INLINE double function([[maybe_unused]] double x, [[maybe_unused]] double y = 0.0, \
                                           [[maybe_unused]] double r = 0.0) {                          \
        using namespace formulas;                                                                      \
        return formula;                                                                                \
    }
#define FASTGRAD_UNARY(name, title, symbol, value, dx, error, traits) \
    FASTGRAD_BINARY(name, title, symbol, value, dx, 0.0, error, traits)
#define FASTGRAD_BINARY(name, title, symbol, value_, dx_, dy_, error, traits)          \
    template <>                                                                        \
    struct Row<Op::name> {                                                             \
        static constexpr bool never_fails = error_kinds::is_never<error_kinds::error>; \
        FASTGRAD_FORMULA(value, value_)                                                \
        FASTGRAD_FORMULA(dx, dx_)                                                      \
        FASTGRAD_FORMULA(dy, dy_)                                                      \
    };
#include "ops.def"
#undef FASTGRAD_FORMULA
#undef choose

}  // namespace fastgrad
