#include "ir/symbol.hpp"

#include <bit>
#include <cstdint>

#include "core/derivatives.hpp"
#include "core/rewrites.hpp"
#include "core/rows.hpp"

namespace fastgrad::ir::symbolic {

namespace {

std::optional<double> constant_of(const Symbol& x) {
    return x.is_constant() ? std::optional(x.constant()) : std::nullopt;
}

bool have_same_bits(const Symbol& x, const Symbol& y) {
    return x.is_constant() && y.is_constant() &&
           std::bit_cast<std::uint64_t>(x.constant()) == std::bit_cast<std::uint64_t>(y.constant());
}

Symbol unary(Op op, const Symbol& x) { return {x.builder(), x.builder().append({opcode_of(op), x.result(), 0})}; }

Symbol binary(Op op, const Symbol& x, const Symbol& y) {
    if (const auto match = find_rewrite(op, constant_of(x), constant_of(y), true)) {
        return match->is_second ? y : x;  // a rule that keeps bits returns its variable
    }
    Builder& builder = x.is_constant() ? y.builder() : x.builder();
    return {builder, builder.append({opcode_of(op), x.ref(builder), y.ref(builder)})};
}

}  // namespace

#define FASTGRAD_UNARY(name, ...)                                       \
    Symbol name(const Symbol& x) {                                      \
        if (x.is_constant()) return Row<Op::name>::value(x.constant()); \
        return unary(Op::name, x);                                      \
    }
#define FASTGRAD_BINARY(name, ...)                                   \
    Symbol name(const Symbol& x, const Symbol& y) {                  \
        if (x.is_constant() && y.is_constant()) {                    \
            return Row<Op::name>::value(x.constant(), y.constant()); \
        }                                                            \
        return binary(Op::name, x, y);                               \
    }
#include "ops.def"

Symbol choose(const Symbol& condition, const Symbol& x, const Symbol& y) {
    if (condition.is_constant()) return condition.constant() != 0.0 ? x : y;
    if (have_same_bits(x, y)) return x;
    return add(keep_if(x, condition), drop_if(y, condition));
}

}  // namespace fastgrad::ir::symbolic
