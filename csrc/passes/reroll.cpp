// Puts instructions of one kind side by side, so that the plan can run them as loops.
#include <algorithm>
#include <numeric>

#include "core/interruption.hpp"
#include "passes/passes.hpp"
#include "passes/permute.hpp"

namespace fastgrad::passes {

namespace {

// Instructions move only within windows of this size, so that a long program's working set stays as local as it was.
constexpr std::size_t window_size = 1 << 13;

// Instructions of the same kind may run as one loop: the same operation; for dots, also the same length, and all or
// none with an addend.
std::uint64_t kind(const Program& program, const Instruction& instruction) {
    if (instruction.op != Opcode::dot) return static_cast<std::uint64_t>(instruction.op);
    const Dot& d = program.dots[instruction.x];
    return std::uint64_t{1} << 40 | std::uint64_t{d.count} << 1 | (d.addend != no_slot);
}

class Scheduler {
 public:
    explicit Scheduler(const Program& program) : program_(program), order_(program.instructions.size()) {
        std::iota(order_.begin(), order_.end(), 0);
    }

    std::vector<std::uint32_t> run() {
        std::size_t begin = 0;
        while (begin < order_.size()) {
            // The inputs stay in place, and nothing moves across them: everything before them is the same for all
            // samples.
            interruption.check();
            const bool input = is_input(begin);
            std::size_t end = begin;
            while (end < order_.size() && end < begin + window_size && is_input(end) == input) ++end;
            if (!input) schedule(begin, end);
            begin = end;
        }
        return std::move(order_);
    }

 private:
    bool is_input(std::size_t i) const { return program_.instructions[i].op == Opcode::input; }

    // Sorts by level, the longest path from the window's start; within a level, where no instruction needs another,
    // by kind; and otherwise keeps the order.
    void schedule(std::size_t begin, std::size_t end) {
        const Slot first = program_.first_result() + static_cast<Slot>(begin);
        levels_.assign(end - begin, 0);
        starts_.assign(1, 0);
        for (std::size_t i = begin; i < end; ++i) {
            std::uint32_t level = 0;
            for_each_operand(program_, program_.instructions[i], [&](Slot slot) {
                if (slot >= first) level = std::max(level, levels_[slot - first] + 1);
            });
            levels_[i - begin] = level;
            if (level + 1 >= starts_.size()) starts_.resize(level + 2, 0);
            ++starts_[level + 1];
        }
        std::partial_sum(starts_.begin(), starts_.end(), starts_.begin());
        for (std::size_t i = begin; i < end; ++i) {
            order_[begin + starts_[levels_[i - begin]]++] = static_cast<std::uint32_t>(i);
        }
        std::size_t start = 0;  // by now starts_[level] is the end of that level
        for (const std::uint32_t stop : starts_) {
            if (stop > start + 1) sort_by_kind(begin + start, begin + stop);
            start = std::max<std::size_t>(start, stop);
        }
    }

    void sort_by_kind(std::size_t begin, std::size_t end) {
        keyed_.clear();
        for (std::size_t i = begin; i < end; ++i) {
            keyed_.emplace_back(kind(program_, program_.instructions[order_[i]]), order_[i]);
        }
        if (!std::is_sorted(keyed_.begin(), keyed_.end())) std::sort(keyed_.begin(), keyed_.end());
        for (std::size_t i = begin; i < end; ++i) order_[i] = keyed_[i - begin].second;
    }

    const Program& program_;
    std::vector<std::uint32_t> order_, levels_, starts_;
    std::vector<std::pair<std::uint64_t, std::uint32_t>> keyed_;
};

}  // namespace

void reroll(Program& program) {
    permute(program, Scheduler(program).run());
    number_by_first_use(program);
}

}  // namespace fastgrad::passes
