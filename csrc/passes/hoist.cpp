// Moves instructions that do not depend on the inputs ahead of them, so that a batch computes them once.
#include "core/interruption.hpp"
#include "passes/passes.hpp"
#include "passes/permute.hpp"

namespace fastgrad::passes {

void hoist(Program& program) {
    const Slot first = program.first_result();
    enum Place : std::uint8_t { fixed, input, varying };
    std::vector<Place> places(program.instructions.size(), fixed);
    for (std::size_t i = 0; i < places.size(); ++i) {
        interruption.check_at(i);
        if (program.instructions[i].op == Opcode::input) places[i] = input;
        for_each_operand(program, program.instructions[i], [&](Slot slot) {
            if (slot >= first && places[slot - first] != fixed) places[i] = varying;
        });
    }
    std::vector<std::uint32_t> order;
    order.reserve(places.size());
    for (const Place place : {fixed, input, varying}) {
        for (std::uint32_t i = 0; i < places.size(); ++i) {
            if (places[i] == place) order.push_back(i);
        }
    }
    permute(program, order);
}

}  // namespace fastgrad::passes
