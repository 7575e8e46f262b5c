#include "core/op.hpp"

#include <array>

namespace fastgrad {

namespace {

constexpr std::array table {
#define FASTGRAD_UNARY(name, title, symbol, value, dx, error)                         \
    Operation { Op::name, 1, #name, title, symbol, #value, #dx, "", "", 0.0, #error } \
    ,
#define FASTGRAD_BINARY(name, title, symbol, value, dx, dy, error)                     \
    Operation { Op::name, 2, #name, title, symbol, #value, #dx, #dy, "", 0.0, #error } \
    ,
#define FASTGRAD_PARAMETRIC(name, title, symbol, parameter, default_value, value, dx, dy, error) \
    Operation{Op::name, 2, #name, title, symbol, #value, #dx, #dy, #parameter, default_value, #error},
#include "ops.def"
};

constexpr std::array sequence_table{
#define FASTGRAD_SEQUENCE(name, title, symbol, value) SequenceOperation{Op::name, #name, title, symbol, value},
#include "sequences.def"
};

}  // namespace

std::span<const Operation> operations() { return table; }
std::span<const SequenceOperation> sequence_operations() { return sequence_table; }

ErrorKind error_kind_of(Op op, double x, double y, double r) {
    switch (op) {
#define FASTGRAD_UNARY(name, title, symbol, value, dx, error) \
    case Op::name: return error_kinds::error(x, 0.0, r);
#define FASTGRAD_BINARY(name, title, symbol, value, dx, dy, error) \
    case Op::name: return error_kinds::error(x, y, r);
#include "ops.def"
        default: break;
    }
    return ErrorKind::none;
}

}  // namespace fastgrad
