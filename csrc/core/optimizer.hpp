// An optimizer: a rule with its settings and its state between steps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/node.hpp"
#include "core/rules.hpp"

namespace fastgrad {

class Optimizer {
 public:
    // Makes no step yet. The rule is a row of the table.
    Optimizer(const Rule& rule, Settings settings, std::size_t parameters);

    // The parameters must be the same each time, in the same order.
    void step(std::span<Node* const> parameters, double lr);

    const Rule& rule() const { return *rule_; }
    const Settings& settings() const { return settings_; }

    std::uint64_t steps = 0;
    std::vector<Memory> memory;  // in the order of the rule's moments

 private:
    const Rule* rule_;
    Settings settings_;
};

}  // namespace fastgrad
