// Which operands no gradient flows to, because the derivative is zero everywhere (floor, comparisons, stop_gradient).
#pragma once

#include "ir/program.hpp"

namespace fastgrad::run {

using namespace ir;

struct ZeroDerivative {
    bool x, y;
};

inline constexpr ZeroDerivative zero_derivatives[] = {
    {false, false},  // leaf
    {false, false},  // own
#define FASTGRAD_UNARY(name, title, symbol, value, dx, error) {is_zero(#dx), true},
#define FASTGRAD_BINARY(name, title, symbol, value, dx, dy, error) {is_zero(#dx), is_zero(#dy)},
#include "ops.def"
};

inline ZeroDerivative zero_derivative(Op op) {
    return op == dot ? ZeroDerivative{false, false} : zero_derivatives[static_cast<int>(op)];
}

}  // namespace fastgrad::run
