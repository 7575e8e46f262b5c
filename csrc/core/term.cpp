#include "core/term.hpp"

#include <bit>
#include <cstdint>

#include "core/formulas.hpp"

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

// x, and 1 where x is 0: what may be divided by.
Term or_one(const Term& x) { return x + drop_if(1.0, x); }

}  // namespace

#define FASTGRAD_UNARY(name, title, symbol, value, dx, error) \
    Term name(const Term& operand) {                          \
        using namespace formulas;                             \
        const double x = operand.data();                      \
        return unary(Op::name, value, operand);               \
    }
#define FASTGRAD_BINARY(name, title, symbol, value, dx, dy, error) \
    Term name(const Term& first, const Term& second) {             \
        using namespace formulas;                                  \
        const double x = first.data(), y = second.data();          \
        return binary(Op::name, value, first, second);             \
    }
#include "ops.def"

Term where(const Term& condition, const Term& x, const Term& y) {
    if (condition.is_constant()) return condition.data() != 0.0 ? x : y;
    if (x.is_constant() && has_bits(y, x.data())) return x;
    if (y.is(0.0)) return keep_if(x, condition);
    if (x.is(0.0)) return drop_if(y, condition);
    return keep_if(x, condition) + drop_if(y, condition);
}

// Both branches of each choice below have finite slopes, so that the one that is not taken adds 0, not 0 * inf.

Term slope(const Term& coordinate, const Term& length) { return keep_if(coordinate / or_one(length), length); }

// Of 0 ** 0 it is 0; and where 1 / x overflows, 0 times that would not be.
Term power_dx(const Term& x, const Term& y) {
    if (y.is(0.0)) return 0.0;
    const Term result = y * pow(x, y - 1.0);
    return y.is_constant() ? result : keep_if(result, hypot(x * 0x1p-52, y));
}

Term power_dy(const Term& x, const Term&, const Term& r) { return r * log(or_one(x)); }

Term share(const Term& x, const Term& y) { return 0.5 * ((x > y) + (x >= y)); }

}  // namespace fastgrad
