#include "core/op.hpp"

#include <array>

namespace fastgrad {

namespace {

constexpr std::array table{
#define FASTGRAD_UNARY(name, title, symbol, value, dx, fault) \
    Operation{Op::name, 1, #name, title, symbol, #value, #dx, "", "", 0.0, #fault},
#define FASTGRAD_BINARY(name, title, symbol, value, dx, dy, fault) \
    Operation{Op::name, 2, #name, title, symbol, #value, #dx, #dy, "", 0.0, #fault},
#define FASTGRAD_PARAMETRIC(name, title, symbol, parameter, default_value, value, dx, dy, fault) \
    Operation{Op::name, 2, #name, title, symbol, #value, #dx, #dy, #parameter, default_value, #fault},
#include "ops.def"
};

}  // namespace

std::span<const Operation> operations() { return table; }

Fault fault_of(Op op, double x, double y, double r) {
    switch (op) {
#define FASTGRAD_UNARY(name, title, symbol, value, dx, fault) \
    case Op::name: return faults::fault(x, 0.0, r);
#define FASTGRAD_BINARY(name, title, symbol, value, dx, dy, fault) \
    case Op::name: return faults::fault(x, y, r);
#include "ops.def"
        case Op::leaf:
        case Op::own: break;
    }
    return Fault::none;
}

}  // namespace fastgrad
