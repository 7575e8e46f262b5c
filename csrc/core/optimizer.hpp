// Optimizers: rules that change parameters by their gradients, and what they remember from step to step.
//
// Settings, names and formulas are PyTorch's; optimizer.cpp has each rule once. A step is native arithmetic without
// contraction, so that it gives the same bits on every machine whose pow() does.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "core/node.hpp"

namespace fastgrad {

// Numbers that a rule remembers, one a parameter, and whether its settings call for them.
struct Moment {
    std::string_view name;
    bool needed;
};

struct Sgd {
    double momentum, dampening, weight_decay;
    bool nesterov;

    std::array<Moment, 1> moments() const { return {{{"momentum_buffer", momentum != 0.0}}}; }
};

struct Adam {
    double beta1, beta2, eps, weight_decay;
    bool decoupled;  // AdamW: the decay shrinks the parameter, and is no part of its gradient

    std::array<Moment, 2> moments() const { return {{{"exp_avg", true}, {"exp_avg_sq", true}}}; }
};

struct RmsProp {
    double alpha, eps, weight_decay, momentum;
    bool centered;

    std::array<Moment, 3> moments() const {
        return {{{"square_avg", true}, {"grad_avg", centered}, {"momentum_buffer", momentum != 0.0}}};
    }
};

using Rule = std::variant<Sgd, Adam, RmsProp>;

class Optimizer {
 public:
    // One that has not made a step.
    Optimizer(const Rule& rule, std::size_t parameters);

    // The parameters are always the same, in the same order.
    void step(std::span<Node* const> parameters, double lr);

    struct Memory {
        std::string_view name;
        std::vector<double> numbers;  // none where the rule does not need them
    };

    const Rule& rule() const { return rule_; }

    std::uint64_t steps = 0;
    std::vector<Memory> memory;  // in the order of the rule's moments

 private:
    Rule rule_;
};

}  // namespace fastgrad
