#include "core/interruption.hpp"
#include "passes/passes.hpp"
#include "passes/rewrite.hpp"

namespace fastgrad::passes {

void dce(Program& program) {
    const Slot first = program.first_result();
    std::vector<bool> needed(program.instructions.size());
    const auto need = [&](Slot slot) {
        if (slot >= first) needed[slot - first] = true;
    };
    for (const Slot output : program.outputs) need(output);
    for (std::size_t i = needed.size(); i-- > 0;) {
        interruption.check_at(i);
        if (needed[i]) for_each_operand(program, program.instructions[i], need);
    }
    Rewrite rewrite(program);
    for (std::size_t i = 0; i < needed.size(); ++i) {
        const bool is_input = program.instructions[i].op == Op::leaf;
        if (!needed[i] && !is_input) rewrite.remove(first + static_cast<Slot>(i));
    }
    rewrite.finish();
}

}  // namespace fastgrad::passes
