#include "core/term.hpp"

#include <bit>
#include <cstdint>

#include "core/derivatives.hpp"
#include "core/rows.hpp"

namespace fastgrad {

namespace {

bool has_bits(const Term& x, double constant) {
    return x.is_constant() && std::bit_cast<std::uint64_t>(x.data()) == std::bit_cast<std::uint64_t>(constant);
}

// The operand that the result equals to the last bit, whatever that operand is; null if there is none.
const Term* same_as(Op op, const Term& x, const Term& y) {
    switch (op) {
        case Op::add: return has_bits(x, -0.0) ? &y : has_bits(y, -0.0) ? &x : nullptr;
        case Op::sub: return has_bits(y, 0.0) ? &x : nullptr;
        case Op::mul: return has_bits(x, 1.0) ? &y : has_bits(y, 1.0) ? &x : nullptr;
        case Op::div:
        case Op::pow: return has_bits(y, 1.0) ? &x : nullptr;
        default: return nullptr;
    }
}

Term unary(Op op, double result, const Term& x) {
    if (x.is_constant()) return result;
    return Term::adopt(tape.unary(op, result, x.node()));
}

Term binary(Op op, double result, const Term& x, const Term& y) {
    if (x.is_constant() && y.is_constant()) return result;
    if (const Term* operand = same_as(op, x, y)) return *operand;
    const int constants = (x.is_constant() ? Node::x_is_constant : 0) | (y.is_constant() ? Node::y_is_constant : 0);
    return Term::adopt(tape.binary(op, result, x.operand(), y.operand(), static_cast<std::uint8_t>(constants)));
}

}  // namespace

#define FASTGRAD_UNARY(name, ...) \
    Term name(const Term& x) { return unary(Op::name, Row<Op::name>::value(x.data()), x); }
#define FASTGRAD_BINARY(name, ...)                                               \
    Term name(const Term& x, const Term& y) {                                    \
        return binary(Op::name, Row<Op::name>::value(x.data(), y.data()), x, y); \
    }
#include "ops.def"

Term choose(const Term& condition, const Term& x, const Term& y) {
    if (condition.is_constant()) return condition.data() != 0.0 ? x : y;
    if (x.is_constant() && has_bits(y, x.data())) return x;
    if (y.is(0.0)) return keep_if(x, condition);
    if (x.is(0.0)) return drop_if(y, condition);
    return keep_if(x, condition) + drop_if(y, condition);
}

// Every helper compiles for Terms, one that no derivative uses too.
#define FASTGRAD_HELPER1(name, ...) template Term formulas::name(const Term&);
#define FASTGRAD_HELPER2(name, ...) template Term formulas::name(const Term&, const Term&);
#define FASTGRAD_HELPER3(name, ...) template Term formulas::name(const Term&, const Term&, const Term&);
#include "helpers.def"

}  // namespace fastgrad
