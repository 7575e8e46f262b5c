#include "passes/rewriter.hpp"

#include <numeric>

#include "core/interruption.hpp"

namespace fastgrad::passes {

Rewriter::Rewriter(Program& program) : program_(program), now_(program.instructions.size()) {
    std::iota(now_.begin(), now_.end(), program.first_result());
}

Slot Rewriter::add_constant(double constant) {
    added_.push_back(constant);
    return new_constant | static_cast<Slot>(added_.size() - 1);
}

void Rewriter::finish() {
    const Slot old_first = program_.first_result();
    for_each_result(program_, [this](Slot& slot) { slot = (*this)(slot); });
    program_.constants.insert(program_.constants.end(), added_.begin(), added_.end());
    // From here on now_ holds final slots.
    Slot next = program_.first_result();
    for (std::size_t i = 0; i < now_.size(); ++i) {
        const bool stays = now_[i] == old_first + i;
        now_[i] = stays ? next++ : no_slot;
    }
    const auto move = [&](Slot& slot) {
        if (is_new(slot)) {
            slot = old_first + (slot & ~new_constant);
        } else if (slot >= old_first) {
            slot = now_[slot - old_first];
        }
    };
    std::size_t kept = 0;
    for (std::size_t i = 0; i < now_.size(); ++i) {
        interruption.check_at(i);
        if (now_[i] == no_slot) continue;
        Instruction& instruction = program_.instructions[kept++] = program_.instructions[i];
        for_each_operand(program_, instruction, move);
    }
    program_.instructions.resize(kept);
    for_each_result(program_, move);
}

}  // namespace fastgrad::passes
