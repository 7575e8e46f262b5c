// A captured graph as flat arrays: what the passes transform and what a file keeps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/op.hpp"

namespace fastgrad::ir {

// Where a number lives: bound leaves first, then constants, then one slot for each instruction.
using Slot = std::uint32_t;
inline constexpr Slot no_slot = 0xffffffff;

// An instruction that stands for no row of ops.def: a sum of products.
inline constexpr Op dot = static_cast<Op>(255);

// One operation; its result goes to the slot of its own position. `leaf` is an input, whose number is `x`; `dot`
// is the entry `x` of Program::dots.
struct Instruction {
    Op op;
    std::uint16_t reverse = 0;  // what its reverse is: see touch.hpp
    Slot x = 0, y = 0;          // a unary operation's y is 0

    Instruction() = default;
    Instruction(Op op_, Slot x_, Slot y_) : op(op_), x(x_), y(y_) {}
};

// addend + left[0] * right[0] + ..., over the terms [first, first + count).
struct Dot {
    std::size_t first;
    std::uint32_t count;
    Slot addend;  // or no_slot
};

// Operands come before results, so the slots are in topological order.
struct Program {
    std::uint32_t inputs = 0;
    std::vector<std::uint32_t> leaves;  // for each bound leaf, its number in the capture
    std::vector<double> constants;
    std::vector<Instruction> instructions;
    std::vector<Dot> dots;
    std::vector<Slot> left, right;  // the terms of all dots
    std::vector<Slot> outputs;
    std::uint32_t conditions = 0;  // outputs, the last ones, that have no gradient

    Slot bound() const { return static_cast<Slot>(leaves.size()); }
    Slot first_result() const { return bound() + static_cast<Slot>(constants.size()); }
    std::size_t differentiable_outputs() const { return outputs.size() - conditions; }
    Slot slots() const { return first_result() + static_cast<Slot>(instructions.size()); }
    bool is_constant(Slot slot) const { return slot >= bound() && slot < first_result(); }
    bool is_result(Slot slot) const { return slot >= first_result(); }
    double constant(Slot slot) const { return constants[slot - bound()]; }
    const Instruction& result(Slot slot) const { return instructions[slot - first_result()]; }

    // What lies before the first input is the same for every sample of a batch.
    Slot first_varying() const;
    std::size_t bytes() const;
};

inline bool is_unary(Op op) { return op != dot && op != Op::leaf && operation(op).arity == 1; }

// Each operand slot of an instruction, in order; for a dot its terms, pair by pair, and then its addend.
template <class Visit>
void for_each_operand(const Program& program, const Instruction& instruction, Visit visit) {
    if (instruction.op == Op::leaf) return;
    if (instruction.op == dot) {
        const Dot& d = program.dots[instruction.x];
        for (std::size_t i = d.first; i < d.first + d.count; ++i) {
            visit(program.left[i]);
            visit(program.right[i]);
        }
        if (d.addend != no_slot) visit(d.addend);
        return;
    }
    visit(instruction.x);
    if (!is_unary(instruction.op)) visit(instruction.y);
}

}  // namespace fastgrad::ir
