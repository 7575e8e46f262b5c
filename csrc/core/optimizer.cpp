#include "core/optimizer.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <utility>

#include "core/compiler.hpp"

namespace fastgrad {

namespace {

constexpr std::size_t block = 256;  // parameters at a time: their numbers stay in the first-level cache

template <class Update, class... Memory>
FASTGRAD_INLINE void update_block(Update update, std::size_t count, double* FASTGRAD_RESTRICT data,
                                  const double* FASTGRAD_RESTRICT gradients, Memory* FASTGRAD_RESTRICT... memory) {
    for (std::size_t i = 0; i < count; ++i) data[i] = update(data[i], gradients[i], memory[i]...);
}

// One step of one optimizer.
struct Step {
    std::span<Node* const> parameters;
    std::vector<Optimizer::Memory>& memory;
    double lr, number;  // the first is number 1

    // Calls `update(p, gradient, moment...)`, whose result is the new p, for each parameter. A moment that the rule
    // does not need is a number that nobody reads.
    template <std::size_t moments, class Update>
    void apply(Update update) const {
        apply(update, std::make_index_sequence<moments>());
    }

 private:
    template <class Update, std::size_t... moment>
    void apply(Update update, std::index_sequence<moment...>) const {
        double data[block], gradients[block], nothing[block] = {};
        for (std::size_t start = 0; start < parameters.size(); start += block) {
            const auto nodes = parameters.subspan(start, std::min(block, parameters.size() - start));
            const auto numbers = [&](std::vector<double>& all) { return all.empty() ? nothing : all.data() + start; };
            for (std::size_t i = 0; i < nodes.size(); ++i) {
                data[i] = nodes[i]->data;
                gradients[i] = nodes[i]->grad;
            }
            update_block(update, nodes.size(), data, gradients, numbers(memory[moment].numbers)...);
            for (std::size_t i = 0; i < nodes.size(); ++i) nodes[i]->data = data[i];
        }
    }
};

// Calls `function` with each condition as a constant, so that no loop asks for it.
template <class Function>
void with_constants(Function function) {
    function();
}
template <class Function, class... Conditions>
void with_constants(Function function, bool first, Conditions... others) {
    const auto go_on = [&](auto constant) {
        with_constants([&](auto... constants) { function(constant, constants...); }, others...);
    };
    if (first) {
        go_on(std::true_type());
    } else {
        go_on(std::false_type());
    }
}

// torch.optim.SGD: momentum, and Nesterov's, as in Sutskever, Martens, Dahl and Hinton 2013, with the learning rate
// outside of the buffer. The first gradient starts the buffer, undampened.
void run(const Sgd& rule, const Step& step) {
    const bool is_first = step.number == 1.0;
    const double keep = is_first ? 0.0 : rule.momentum, add = is_first ? 1.0 : 1.0 - rule.dampening;
    const auto specialised = [&](auto decays, auto has_momentum, auto nesterov) {
        step.apply<1>([=, lr = step.lr](double p, double g, double& buffer) {
            if (decays) g += rule.weight_decay * p;
            if (has_momentum) {
                buffer = keep * buffer + add * g;
                g = nesterov ? g + rule.momentum * buffer : buffer;
            }
            return p - lr * g;
        });
    };
    with_constants(specialised, rule.weight_decay != 0.0, rule.momentum != 0.0, rule.nesterov);
}

// torch.optim.Adam: Kingma and Ba 2015, algorithm 1. torch.optim.AdamW: Loshchilov and Hutter 2019, algorithm 2.
void run(const Adam& rule, const Step& step) {
    const double size = step.lr / (1.0 - std::pow(rule.beta1, step.number));
    const double root = std::sqrt(1.0 - std::pow(rule.beta2, step.number));
    const double shrink = rule.decoupled ? 1.0 - step.lr * rule.weight_decay : 1.0;
    const auto specialised = [&](auto decays) {
        step.apply<2>([=](double p, double g, double& mean, double& square) {
            if (decays) g += rule.weight_decay * p;
            mean = rule.beta1 * mean + (1.0 - rule.beta1) * g;
            square = rule.beta2 * square + (1.0 - rule.beta2) * g * g;
            return shrink * p - size * mean / (std::sqrt(square) / root + rule.eps);
        });
    };
    with_constants(specialised, rule.weight_decay != 0.0 && !rule.decoupled);
}

// torch.optim.RMSprop: Tieleman and Hinton 2012; centered: Graves 2013, equations 38 to 41. Rounding can take a
// variance below 0, where PyTorch's root is nan; here it is 0.
void run(const RmsProp& rule, const Step& step) {
    const auto specialised = [&](auto decays, auto centered, auto has_momentum) {
        step.apply<3>([=, lr = step.lr](double p, double g, double& square, double& mean, double& buffer) {
            if (decays) g += rule.weight_decay * p;
            square = rule.alpha * square + (1.0 - rule.alpha) * g * g;
            double variance = square;
            if (centered) {
                mean = rule.alpha * mean + (1.0 - rule.alpha) * g;
                variance -= mean * mean;
                variance = variance < 0.0 ? 0.0 : variance;
            }
            g /= std::sqrt(variance) + rule.eps;
            if (has_momentum) g = buffer = rule.momentum * buffer + g;
            return p - lr * g;
        });
    };
    with_constants(specialised, rule.weight_decay != 0.0, rule.centered, rule.momentum != 0.0);
}

}  // namespace

Optimizer::Optimizer(const Rule& rule, std::size_t parameters) : rule_(rule) {
    const auto moments = std::visit(
        [](const auto& chosen) {
            const auto all = chosen.moments();
            return std::vector<Moment>(all.begin(), all.end());
        },
        rule);
    for (const Moment& moment : moments) {
        memory.push_back({moment.name, std::vector<double>(moment.needed ? parameters : 0)});
    }
}

void Optimizer::step(std::span<Node* const> parameters, double lr) {
    ++steps;
    const Step step{parameters, memory, lr, static_cast<double>(steps)};
    std::visit([&](const auto& rule) { run(rule, step); }, rule_);
}

}  // namespace fastgrad
