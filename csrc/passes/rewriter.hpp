// How passes change a program: they walk it forwards, note which slot replaces which, and finish once.
#pragma once

#include <vector>

#include "core/interruption.hpp"
#include "ir/program.hpp"

namespace fastgrad::passes {

using namespace ir;

class Rewriter {
 public:
    explicit Rewriter(Program& program);

    // The slot that replaces `slot`, which the walk must have passed.
    Slot operator()(Slot slot) const {
        return program_.is_result(slot) ? now_[slot - program_.first_result()] : slot;
    }
    // Calls `visit` with each instruction, its operands already replaced, and with the slot of its result. Throws
    // Interrupted.
    template <class Visit>
    void walk(Visit visit);

    // Replaces this result by another slot, the result of an earlier instruction or a constant.
    void replace(Slot result, Slot by) { now_[result - program_.first_result()] = by; }
    void remove(Slot result) { replace(result, no_slot); }
    // A slot for a new constant, valid immediately.
    Slot add_constant(double constant);

    bool is_constant(Slot slot) const { return is_new(slot) || program_.is_constant(slot); }
    double constant(Slot slot) const { return is_new(slot) ? added_[slot & ~new_constant] : program_.constant(slot); }

    // Applies the replacements. Throws Interrupted.
    void finish();

 private:
    static constexpr Slot new_constant = Slot{1} << 31;
    static bool is_new(Slot slot) { return (slot & new_constant) != 0 && slot != no_slot; }

    Program& program_;
    std::vector<Slot> now_;  // the slot that now replaces each result
    std::vector<double> added_;
};

template <class Visit>
void Rewriter::walk(Visit visit) {
    const Slot first = program_.first_result();
    for (std::size_t i = 0; i < now_.size(); ++i) {
        interruption.check_at(i);
        Instruction& instruction = program_.instructions[i];
        for_each_operand(program_, instruction, [this](Slot& slot) { slot = (*this)(slot); });
        visit(instruction, first + static_cast<Slot>(i));
    }
}

}  // namespace fastgrad::passes
