#include "passes/passes.hpp"

#include <algorithm>
#include <array>

#include "core/interruption.hpp"

namespace fastgrad::passes {

namespace {

constexpr std::array rows{
#define FASTGRAD_PASS(name, keeps, effect) Pass{PassId::name, #name, Keeps::keeps, effect, name},
#define FASTGRAD_LOWERING(name, keeps, effect) Pass{PassId::name, #name, Keeps::keeps, effect, nullptr},
#include "passes.def"
};

}  // namespace

std::span<const Pass> table() { return rows; }

Selection::Selection(std::span<const std::string> names) {
    for (const Pass& pass : rows) {
        chosen_[static_cast<std::size_t>(pass.id)] = std::find(names.begin(), names.end(), pass.name) != names.end();
    }
}

void Selection::run(Program& program) const {
    for (const Pass& pass : rows) {
        if (!pass.run || !has(pass.id)) continue;
        interruption.check();
        pass.run(program);
    }
}

}  // namespace fastgrad::passes
