// One operation of ops.def on plain numbers.
#pragma once

#include "core/formulas.hpp"
#include "core/op.hpp"

namespace fastgrad::ir {

inline double evaluate(Op op, [[maybe_unused]] double x, [[maybe_unused]] double y) {
    using namespace formulas;
    switch (op) {
#define FASTGRAD_UNARY(name, title, symbol, value, dx, error) \
    case Op::name: return value;
#define FASTGRAD_BINARY(name, title, symbol, value, dx, dy, error) \
    case Op::name: return value;
#include "ops.def"
        default: return 0.0;
    }
}

}  // namespace fastgrad::ir
