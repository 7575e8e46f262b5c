// Builds a program instruction by instruction while the number of bound leaves and constants is not yet known, for
// capturing and differentiating.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <numeric>
#include <utility>

#include "core/interruption.hpp"
#include "ir/program.hpp"

namespace fastgrad::ir {

class Builder {
 public:
    // A slot of the unfinished program: the two top bits tell which of the three kinds it is.
    using Ref = Slot;
    static constexpr Slot kind_shift = 30;
    static constexpr std::size_t most = std::size_t{1} << kind_shift;  // of each kind

    Builder() { recent_.fill(no_slot); }

    static Ref bound(Slot number) { return tagged(bound_kind, number); }
    // Finds most constants that were added before; a constant that it misses gets another slot, which is harmless.
    Ref constant(double number) {
        const auto bits = std::bit_cast<std::uint64_t>(number);
        Slot& position = recent_[(bits * 0x9e3779b97f4a7c15) >> 56];
        if (position == no_slot || std::bit_cast<std::uint64_t>(program_.constants[position]) != bits) {
            position = static_cast<Slot>(program_.constants.size());
            program_.constants.push_back(number);
        }
        return tagged(constant_kind, position);
    }
    Ref input() { return append({Opcode::input, program_.inputs++, 0}); }
    Ref append(const Instruction& instruction) {
        program_.instructions.push_back(instruction);
        return tagged(result_kind, static_cast<Slot>(program_.instructions.size() - 1));
    }
    // The terms are those added to program() since `first`.
    Ref append_dot(std::uint64_t first, Ref addend) {
        program_.dots.push_back({first, static_cast<std::uint32_t>(program_.left.size() - first), addend});
        return append({Opcode::dot, static_cast<Slot>(program_.dots.size() - 1), 0});
    }

    std::size_t size() const { return program_.instructions.size(); }
    Program& program() { return program_; }

    // Gives every slot its final number. Throws std::bad_alloc and Interrupted.
    Program finish(std::size_t bound) {
        program_.leaves.resize(bound);
        std::iota(program_.leaves.begin(), program_.leaves.end(), 0);
        const Slot base[] = {0, program_.bound(), program_.first_result()};
        const auto untag = [&](Slot& slot) { slot = base[slot >> kind_shift] + (slot & (most - 1)); };
        for (std::size_t i = 0; i < program_.instructions.size(); ++i) {
            interruption.check_at(i);
            Instruction& instruction = program_.instructions[i];
            if (!is_row(instruction.op)) continue;
            untag(instruction.x);
            untag(instruction.y);  // a unary operation's, which is 0, stays 0
        }
        for (Dot& d : program_.dots) {
            if (d.addend != no_slot) untag(d.addend);
        }
        for (Slot& slot : program_.left) untag(slot);
        for (Slot& slot : program_.right) untag(slot);
        for_each_result(program_, untag);
        return std::move(program_);
    }

 private:
    static constexpr Slot bound_kind = 0, constant_kind = 1, result_kind = 2;
    static constexpr Ref tagged(Slot kind, Slot number) { return kind << kind_shift | number; }

    Program program_;
    std::array<Slot, 256> recent_;
};

}  // namespace fastgrad::ir
