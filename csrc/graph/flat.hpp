// Which operands no gradient flows to, because the derivative is zero everywhere (floor, comparisons, stop_gradient).
#pragma once

#include "graph/program.hpp"

namespace fastgrad::graph {

struct Flat {
    bool x, y;
};

inline constexpr Flat flat_operands[] = {
    {false, false},  // leaf
    {false, false},  // own
#define FASTGRAD_UNARY(name, title, symbol, value, dx, fault) {is_zero(#dx), true},
#define FASTGRAD_BINARY(name, title, symbol, value, dx, dy, fault) {is_zero(#dx), is_zero(#dy)},
#include "ops.def"
};

inline Flat flat(Op op) { return op == dot ? Flat{false, false} : flat_operands[static_cast<int>(op)]; }

}  // namespace fastgrad::graph
