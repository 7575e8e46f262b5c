// Applies the table of rewrites to one instruction of a program.
#pragma once

#include <optional>

#include "core/rewrites.hpp"
#include "passes/rewriter.hpp"

namespace fastgrad::passes {

inline std::optional<double> constant_of(const Rewriter& rewriter, Slot slot) {
    return rewriter.is_constant(slot) ? std::optional(rewriter.constant(slot)) : std::nullopt;
}

// Whether a rule applied: then the instruction has changed, or another slot replaces its result.
inline bool apply_rewrites(Rewriter& rewriter, Instruction& instruction, Slot result, bool only_bits) {
    const bool unary = is_unary(instruction.op);
    const auto match = find_rewrite(op_of(instruction.op), constant_of(rewriter, instruction.x),
                                    unary ? std::nullopt : constant_of(rewriter, instruction.y), only_bits);
    if (!match) return false;
    const Slot x = match->is_second ? instruction.y : instruction.x;
    const fastgrad::Rewrite::Row& row = match->rule->result;
    if (row.op == Op::leaf) {
        rewriter.replace(result, x);
        return true;
    }
    const auto operand = [&](const RuleOperand& operand) {
        switch (operand.kind) {
            case RuleOperand::variable: return x;
            case RuleOperand::number: return rewriter.add_constant(operand.value);
            case RuleOperand::absent: break;
        }
        return Slot{0};
    };
    instruction = {opcode_of(row.op), operand(row.x), operand(row.y)};
    return true;
}

}  // namespace fastgrad::passes
