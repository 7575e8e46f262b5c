// The table of passes. Each pass changes how a program is computed, not what it computes, and can be left out.
#pragma once

#include <bitset>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/rewrites.hpp"
#include "ir/program.hpp"

namespace fastgrad::passes {

using namespace ir;

enum class PassId : std::uint8_t {
#define FASTGRAD_PASS(name, keeps, effect) name,
#define FASTGRAD_LOWERING(name, keeps, effect) name,
#include "passes.def"
};

struct Pass {
    PassId id;
    std::string_view name;
    Keeps keeps;
    std::string_view effect;
    void (*run)(Program&);  // null for a lowering
};

// In the order in which they run.
std::span<const Pass> table();

// If a pass throws Interrupted, the program is no longer usable.
#define FASTGRAD_PASS(name, keeps, effect) void name(Program& program);
#define FASTGRAD_LOWERING(name, keeps, effect)
#include "passes.def"

// A set of passes.
class Selection {
 public:
    Selection() = default;
    // Ignores unknown names: a file of a newer version may have more passes.
    explicit Selection(std::span<const std::string> names);

    bool has(PassId pass) const { return chosen_[static_cast<std::size_t>(pass)]; }

    // Throws std::bad_alloc and Interrupted.
    void run(Program& program) const;

 private:
    std::bitset<32> chosen_;
};

}  // namespace fastgrad::passes
