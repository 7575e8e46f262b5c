// Evaluates an operation of ops.def that is known only at run time on plain numbers, for constant folding.
#pragma once

#include "core/rows.hpp"
#include "ir/program.hpp"

namespace fastgrad::ir {

inline double evaluate(Op op, [[maybe_unused]] double x, [[maybe_unused]] double y) {
    switch (op) {
#define FASTGRAD_UNARY(name, ...) \
    case Op::name: return Row<Op::name>::value(x);
#define FASTGRAD_BINARY(name, ...) \
    case Op::name: return Row<Op::name>::value(x, y);
#include "core/not_rows.inc"
#include "ops.def"
        break;
    }
    return 0.0;
}
inline double evaluate(Opcode row, double x, double y) { return evaluate(op_of(row), x, y); }

}  // namespace fastgrad::ir
