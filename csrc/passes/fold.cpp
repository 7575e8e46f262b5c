#include <bit>

#include "ir/evaluate.hpp"
#include "passes/passes.hpp"
#include "passes/rewrite.hpp"

namespace fastgrad::passes {

namespace {

bool is(const Rewrite& rewrite, Slot slot, double constant) {
    return rewrite.is_constant(slot) &&
           std::bit_cast<std::uint64_t>(rewrite.constant(slot)) == std::bit_cast<std::uint64_t>(constant);
}

// The operand that the result equals to the last bit, whatever that operand is; no_slot if there is none.
Slot same_as(const Rewrite& rewrite, const Instruction& i) {
    switch (i.op) {
        case Op::add: return is(rewrite, i.x, -0.0) ? i.y : is(rewrite, i.y, -0.0) ? i.x : no_slot;
        case Op::sub: return is(rewrite, i.y, 0.0) ? i.x : no_slot;
        case Op::mul: return is(rewrite, i.x, 1.0) ? i.y : is(rewrite, i.y, 1.0) ? i.x : no_slot;
        case Op::div:
        case Op::pow: return is(rewrite, i.y, 1.0) ? i.x : no_slot;
        default: return no_slot;
    }
}

}  // namespace

void fold(Program& program) {
    Rewrite rewrite(program);
    rewrite.walk([&](const Instruction& instruction, Slot result) {
        const Op op = instruction.op;
        const Slot x = instruction.x, y = instruction.y;
        if (op == Op::leaf || op == dot) return;
        const bool unary = is_unary(op);
        if (rewrite.is_constant(x) && (unary || rewrite.is_constant(y))) {
            const double constant = evaluate(op, rewrite.constant(x), unary ? 0.0 : rewrite.constant(y));
            rewrite.replace(result, rewrite.add_constant(constant));
        } else if (const Slot operand = same_as(rewrite, instruction); operand != no_slot) {
            rewrite.replace(result, operand);
        }
    });
    rewrite.finish();
}

}  // namespace fastgrad::passes
