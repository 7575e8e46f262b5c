#include "core/term.hpp"

#include <bit>
#include <cstdint>

#include "core/derivatives.hpp"
#include "core/rewrites.hpp"
#include "core/rows.hpp"

namespace fastgrad {

namespace {

bool has_bits(const Term& x, double constant) {
    return x.is_constant() && std::bit_cast<std::uint64_t>(x.data()) == std::bit_cast<std::uint64_t>(constant);
}

std::optional<double> constant_of(const Term& x) { return x.is_constant() ? std::optional(x.data()) : std::nullopt; }

Term unary(Op op, double result, const Term& x) {
    if (x.is_constant()) return result;
    return Term::adopt(tape.unary(op, result, x.node()));
}

Term binary(Op op, double result, const Term& x, const Term& y) {
    if (x.is_constant() && y.is_constant()) return result;
    if (const auto match = find_rewrite(op, constant_of(x), constant_of(y), true)) {
        return match->is_second ? y : x;  // a rule that keeps bits returns its variable
    }
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

// Instantiates every helper for Terms, including those that no derivative uses.
#define FASTGRAD_HELPER1(name, ...) template Term formulas::name(const Term&);
#define FASTGRAD_HELPER2(name, ...) template Term formulas::name(const Term&, const Term&);
#define FASTGRAD_HELPER3(name, ...) template Term formulas::name(const Term&, const Term&, const Term&);
#include "helpers.def"

}  // namespace fastgrad
