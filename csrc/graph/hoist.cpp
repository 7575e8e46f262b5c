#include <algorithm>
#include <numeric>

#include "graph/passes.hpp"
#include "graph/permute.hpp"

namespace fastgrad::graph {

void hoist(Program& program) {
    const Slot first = program.first_result();
    enum Place : std::uint8_t { fixed, input, varying };
    std::vector<Place> places(program.instructions.size(), fixed);
    for (std::size_t i = 0; i < places.size(); ++i) {
        if (program.instructions[i].op == Op::leaf) places[i] = input;
        for_each_operand(program, program.instructions[i], [&](Slot slot) {
            if (slot >= first && places[slot - first] != fixed) places[i] = varying;
        });
    }
    std::vector<std::uint32_t> order(places.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return places[a] < places[b]; });
    permute(program, order);
}

}  // namespace fastgrad::graph
