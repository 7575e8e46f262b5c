// Common subexpressions: a later operation that equals an earlier one takes its result.
#include <algorithm>
#include <bit>

#include "passes/passes.hpp"
#include "passes/rewriter.hpp"

namespace fastgrad::passes {

namespace {

// Maps operations with their operands to results, by open addressing with a few probes. The table stays within the
// cache; in a longer program the oldest entries are overwritten, so equal operations that are far apart are both
// kept.
class Table {
 public:
    Table(const Program& program, std::size_t count)
        : program_(program), slots_(std::bit_ceil(std::clamp<std::size_t>(2 * count, 16, most_entries)), no_slot) {}

    // The result of an earlier equal operation, or else this one, which is added to the table.
    Slot find_or_add(const Instruction& instruction, Slot result) {
        const std::size_t mask = slots_.size() - 1, start = hash(instruction) & mask;
        for (std::size_t probe = 0; probe < most_probes; ++probe) {
            Slot& slot = slots_[(start + probe) & mask];
            if (slot == no_slot) {
                slot = result;
                return result;
            }
            if (equal(program_.result(slot), instruction)) return slot;
        }
        slots_[start] = result;
        return result;
    }

 private:
    static constexpr std::size_t most_entries = std::size_t{1} << 18, most_probes = 8;

    static std::size_t hash(const Instruction& i) {
        const bool swap = has(i.op, Trait::commutes) && i.x > i.y;
        const std::uint64_t x = swap ? i.y : i.x, y = swap ? i.x : i.y;
        std::uint64_t h = (x << 32 | y) * 0x9e3779b97f4a7c15;
        h = (h ^ (h >> 29) ^ static_cast<std::uint64_t>(i.op)) * 0xbf58476d1ce4e5b9;
        return static_cast<std::size_t>(h ^ (h >> 32));
    }
    static bool equal(const Instruction& a, const Instruction& b) {
        return a.op == b.op &&
               ((a.x == b.x && a.y == b.y) || (has(a.op, Trait::commutes) && a.x == b.y && a.y == b.x));
    }

    const Program& program_;
    std::vector<Slot> slots_;
};

}  // namespace

void cse(Program& program) {
    Rewriter rewriter(program);
    Table table(program, program.instructions.size());
    rewriter.walk([&](const Instruction& instruction, Slot result) {
        if (!is_row(instruction.op)) return;
        const Slot first = table.find_or_add(instruction, result);
        if (first != result) rewriter.replace(result, first);
    });
    rewriter.finish();
}

}  // namespace fastgrad::passes
