#include "core/optimizer.hpp"

#include <utility>

namespace fastgrad {

Optimizer::Optimizer(const Rule& rule, Settings settings, std::size_t parameters)
    : rule_(&rule), settings_(std::move(settings)) {
    for (const Moment& moment : rule.moments(settings_)) {
        memory.push_back({moment.name, std::vector<double>(moment.needed ? parameters : 0)});
    }
}

void Optimizer::step(std::span<Node* const> parameters, double lr) {
    ++steps;
    rule_->step(settings_, {parameters, memory, lr, static_cast<double>(steps)});
}

}  // namespace fastgrad
