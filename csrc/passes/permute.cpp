#include "passes/permute.hpp"

#include "core/interruption.hpp"
#include "passes/rewriter.hpp"

namespace fastgrad::passes {

void permute(Program& program, const std::vector<std::uint32_t>& order) {
    const Slot first = program.first_result();
    std::vector<Slot> moved(order.size());
    for (std::size_t i = 0; i < order.size(); ++i) moved[order[i]] = first + static_cast<Slot>(i);
    const auto move = [&](Slot& slot) {
        if (slot >= first) slot = moved[slot - first];
    };

    std::vector<Instruction> instructions;
    std::vector<Dot> dots;
    std::vector<Slot> left, right;
    instructions.reserve(order.size());
    dots.reserve(program.dots.size());
    left.reserve(program.left.size());
    right.reserve(program.right.size());
    for (const std::uint32_t from : order) {
        interruption.check_at(instructions.size());
        Instruction& instruction = program.instructions[from];
        for_each_operand(program, instruction, move);
        instructions.push_back(instruction);
        if (instruction.op != Opcode::dot) continue;
        Dot d = program.dots[instruction.x];
        const std::size_t start = left.size();
        left.insert(left.end(), program.left.begin() + d.first, program.left.begin() + d.first + d.count);
        right.insert(right.end(), program.right.begin() + d.first, program.right.begin() + d.first + d.count);
        d.first = start;
        instructions.back().x = static_cast<Slot>(dots.size());
        dots.push_back(d);
    }
    program.instructions = std::move(instructions);
    program.dots = std::move(dots);
    program.left = std::move(left);
    program.right = std::move(right);
    for_each_result(program, move);
}

void number_by_first_use(Program& program) {
    const Slot old_first = program.first_result();
    std::vector<Slot> moved(old_first, no_slot);
    std::vector<std::uint32_t> leaves;
    std::vector<double> constants;
    const auto number = [&](Slot slot) {
        if (slot >= old_first || moved[slot] != no_slot) return;
        if (slot < program.bound()) {
            moved[slot] = static_cast<Slot>(leaves.size());
            leaves.push_back(program.leaves[slot]);
        } else {
            moved[slot] =
                static_cast<Slot>(constants.size());  // after the bound leaves, whose number is not known yet
            constants.push_back(program.constant(slot));
        }
    };
    for (std::size_t i = 0; i < program.instructions.size(); ++i) {
        interruption.check_at(i);
        const Instruction& instruction = program.instructions[i];
        if (instruction.op != Opcode::dot) {
            for_each_operand(program, instruction, number);
            continue;
        }
        // One factor after the other, so that the rows of a matrix stay rows.
        const Dot& d = program.dots[instruction.x];
        for (std::size_t k = d.first; k < d.first + d.count; ++k) number(program.left[k]);
        if (d.addend != no_slot) number(d.addend);
        for (std::size_t k = d.first; k < d.first + d.count; ++k) number(program.right[k]);
    }
    for_each_result(program, number);
    for (Slot leaf = 0; leaf < program.bound(); ++leaf) number(leaf);

    const auto bound = static_cast<Slot>(leaves.size());
    // Aligns the results to a cache line, and with them most rows.
    while ((bound + constants.size()) % 8 != 0) constants.push_back(0.0);
    const Slot first = bound + static_cast<Slot>(constants.size());
    const auto move = [&](Slot& slot) {
        if (slot >= old_first) {
            slot = slot - old_first + first;
        } else {
            slot = moved[slot] + (slot < bound ? 0 : bound);
        }
    };
    for (std::size_t i = 0; i < program.instructions.size(); ++i) {
        interruption.check_at(i);
        for_each_operand(program, program.instructions[i], move);
    }
    for_each_result(program, move);
    program.leaves = std::move(leaves);
    program.constants = std::move(constants);
}

}  // namespace fastgrad::passes
