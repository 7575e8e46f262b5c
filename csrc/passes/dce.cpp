// Dead code: drops operations that no output or guard needs.
#include "core/interruption.hpp"
#include "passes/passes.hpp"
#include "passes/rewriter.hpp"

namespace fastgrad::passes {

void dce(Program& program) {
    const Slot first = program.first_result();
    std::vector<bool> needed(program.instructions.size());
    const auto need = [&](Slot slot) {
        if (slot >= first) needed[slot - first] = true;
    };
    for_each_result(program, need);
    for (std::size_t i = needed.size(); i-- > 0;) {
        interruption.check_at(i);
        if (needed[i]) for_each_operand(program, program.instructions[i], need);
    }
    Rewriter rewriter(program);
    for (std::size_t i = 0; i < needed.size(); ++i) {
        const bool is_input = program.instructions[i].op == Opcode::input;
        if (!needed[i] && !is_input) rewriter.remove(first + static_cast<Slot>(i));
    }
    rewriter.finish();
}

}  // namespace fastgrad::passes
