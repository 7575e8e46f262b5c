#include "core/op.hpp"

#include "core/error_kind.hpp"

namespace fastgrad {

namespace {

constexpr std::array table {
#define FASTGRAD_UNARY(name, title, symbol, value, dx, error, traits)                 \
    Operation { Op::name, 1, #name, title, symbol, #value, #dx, "", "", 0.0, #error } \
    ,
#define FASTGRAD_BINARY(name, title, symbol, value, dx, dy, error, traits)             \
    Operation { Op::name, 2, #name, title, symbol, #value, #dx, #dy, "", 0.0, #error } \
    ,
#define FASTGRAD_PARAMETRIC(name, title, symbol, parameter, default_value, value, dx, dy, error, traits) \
    Operation{Op::name, 2, #name, title, symbol, #value, #dx, #dy, #parameter, default_value, #error},
#include "ops.def"
};

constexpr std::array constant_table{
#define FASTGRAD_CONSTANT(name, value, meaning) Constant{#name, value, meaning},
#include "helpers.def"
};

constexpr std::array helper_table{
#define FASTGRAD_HELPER1(name, x, formula, meaning) Helper{#name, {#x}, #formula, meaning},
#define FASTGRAD_HELPER2(name, x, y, formula, meaning) Helper{#name, {#x, #y}, #formula, meaning},
#define FASTGRAD_HELPER3(name, x, y, z, formula, meaning) Helper{#name, {#x, #y, #z}, #formula, meaning},
#include "helpers.def"
};

constexpr bool is_consistent(Op op, std::string_view dx, std::string_view dy) {
    return has(op, Trait::zero_dx) == (dx == "0.0") && has(op, Trait::zero_dy) == (dy == "0.0");
}
#define FASTGRAD_UNARY(name, title, symbol, value, dx, error, traits)  \
    static_assert(is_consistent(Op::name, #dx, "0.0"), #name           \
                  ": zero_dx belongs to a derivative that is written " \
                  "0.0");
#define FASTGRAD_BINARY(name, title, symbol, value, dx, dy, error, traits)                                 \
    static_assert(!has(Op::name, Trait::vector), #name ": a function on whole registers has one operand"); \
    static_assert(is_consistent(Op::name, #dx, #dy),                                                       \
                  #name ": zero_dx, zero_dy belong to derivatives that are written 0.0");
#include "ops.def"

}  // namespace

std::span<const Operation> operations() { return table; }
std::span<const Constant> constants() { return constant_table; }
std::span<const Helper> helpers() { return helper_table; }

ErrorKind error_kind_of(Op op, double x, double y, double r) {
    switch (op) {
#define FASTGRAD_UNARY(name, title, symbol, value, dx, error, traits) \
    case Op::name: return error_kinds::error(x, 0.0, r);
#define FASTGRAD_BINARY(name, title, symbol, value, dx, dy, error, traits) \
    case Op::name: return error_kinds::error(x, y, r);
#include "core/not_rows.inc"
#include "ops.def"
        break;
    }
    return ErrorKind::none;
}

}  // namespace fastgrad
