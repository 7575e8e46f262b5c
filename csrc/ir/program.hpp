// The captured program, which passes transform, backends read and files keep. It says what is computed; how it runs
// is decided in run/plan.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/op.hpp"

namespace fastgrad::ir {

// The place of a number: first the bound leaves, then the constants, then one slot for each instruction.
using Slot = std::uint32_t;
inline constexpr Slot no_slot = 0xffffffff;

// What an instruction does: a row of ops.def, with that row's number, or one of the others. The numbers are part of
// the file format.
enum class Opcode : std::uint8_t {
    input = 0,  // number `x` of the inputs, which change at each run
#define FASTGRAD_UNARY(name, ...) name = static_cast<std::uint8_t>(Op::name),
#define FASTGRAD_BINARY(name, ...) name = static_cast<std::uint8_t>(Op::name),
#include "ops.def"
    dot = 255,  // a sum of products: entry `x` of Program::dots
};

// The kinds of instructions, for code that walks a program.
enum class Kind : std::uint8_t { input, row, dot };
constexpr Kind kind_of(Opcode op) {
    return op == Opcode::input ? Kind::input : op == Opcode::dot ? Kind::dot : Kind::row;
}
constexpr bool is_row(Opcode op) { return kind_of(op) == Kind::row; }
constexpr Opcode opcode_of(Op row) { return static_cast<Opcode>(row); }
constexpr Op op_of(Opcode op) { return static_cast<Op>(op); }
constexpr bool has(Opcode op, Trait trait) { return is_row(op) && fastgrad::has(op_of(op), trait); }
inline bool is_unary(Opcode op) { return is_row(op) && operation(op_of(op)).arity == 1; }

// One operation. Its result goes to the slot at its position.
struct Instruction {
    Opcode op;
    Slot x = 0, y = 0;  // a unary operation's y is 0
};

// addend + left[0] * right[0] + ..., over the terms [first, first + count).
struct Dot {
    std::uint64_t first;
    std::uint32_t count;
    Slot addend;  // or no_slot
};

// A condition tested during recording: the program is valid only for inputs that give the same answer.
struct Guard {
    Slot condition;  // true unless it is 0
    bool expected;
};

// Operands come before results, so the slots are in topological order.
struct Program {
    std::uint32_t inputs = 0;
    std::vector<std::uint32_t> leaves;  // the number of each bound leaf in the capture
    std::vector<double> constants;
    std::vector<Instruction> instructions;
    std::vector<Dot> dots;
    std::vector<Slot> left, right;  // the terms of all dots
    std::vector<Slot> outputs;
    std::vector<Guard> guards;

    Slot bound() const { return static_cast<Slot>(leaves.size()); }
    Slot first_result() const { return bound() + static_cast<Slot>(constants.size()); }
    Slot slots() const { return first_result() + static_cast<Slot>(instructions.size()); }
    bool is_constant(Slot slot) const { return slot >= bound() && slot < first_result(); }
    bool is_result(Slot slot) const { return slot >= first_result(); }
    double constant(Slot slot) const { return constants[slot - bound()]; }
    const Instruction& result(Slot slot) const { return instructions[slot - first_result()]; }

    // Everything before the first input is the same for every sample of a batch.
    Slot first_varying() const;
    std::size_t bytes() const;
};

// Each operand slot of an instruction, in order; for a dot, its terms pair by pair, followed by its addend. A
// non-const program gives references, which may be changed.
template <class SomeProgram, class SomeInstruction, class Visit>
void for_each_operand(SomeProgram& program, SomeInstruction& instruction, Visit visit) {
    switch (kind_of(instruction.op)) {
        case Kind::input: return;
        case Kind::row:
            visit(instruction.x);
            if (!is_unary(instruction.op)) visit(instruction.y);
            return;
        case Kind::dot: {
            auto& d = program.dots[instruction.x];
            for (std::size_t i = d.first; i < d.first + d.count; ++i) {
                visit(program.left[i]);
                visit(program.right[i]);
            }
            if (d.addend != no_slot) visit(d.addend);
        }
    }
}

// The slots read from outside the program: outputs, then the conditions of guards.
template <class SomeProgram, class Visit>
void for_each_result(SomeProgram& program, Visit visit) {
    for (auto& output : program.outputs) visit(output);
    for (auto& guard : program.guards) visit(guard.condition);
}

}  // namespace fastgrad::ir
