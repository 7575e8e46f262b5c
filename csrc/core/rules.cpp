// Each optimizer's complete rule: a struct, and an entry in the table at the end. Names and formulas follow PyTorch.
// A step is arithmetic without contraction, so it gives the same bits on all machines with the same pow().
#include "core/rules.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

#include "core/compiler.hpp"

namespace fastgrad {

namespace {

// --- the loop over the parameters

constexpr std::size_t block = 256;  // parameters at a time: their numbers stay in the first-level cache

template <class Update, class... Moments>
FASTGRAD_INLINE void update_block(Update update, std::size_t count, double* FASTGRAD_RESTRICT data,
                                  const double* FASTGRAD_RESTRICT gradients, Moments* FASTGRAD_RESTRICT... moments) {
    for (std::size_t i = 0; i < count; ++i) data[i] = update(data[i], gradients[i], moments[i]...);
}

template <class Update, std::size_t... moment>
void update_all(const Step& step, Update update, std::index_sequence<moment...>) {
    double data[block], gradients[block], nothing[block] = {};
    for (std::size_t start = 0; start < step.parameters.size(); start += block) {
        const auto nodes = step.parameters.subspan(start, std::min(block, step.parameters.size() - start));
        const auto numbers = [&](std::vector<double>& all) { return all.empty() ? nothing : all.data() + start; };
        for (std::size_t i = 0; i < nodes.size(); ++i) {
            data[i] = nodes[i]->data;
            gradients[i] = nodes[i]->grad;
        }
        update_block(update, nodes.size(), data, gradients, numbers(step.memory[moment].numbers)...);
        for (std::size_t i = 0; i < nodes.size(); ++i) nodes[i]->data = data[i];
    }
}

// Calls `update(p, g, moment...)`, which returns the new p, for each parameter. For a moment that the rule does not
// need it passes a number that is not used.
template <class R, class Update>
void update_each(const R& rule, const Step& step, Update update) {
    update_all(step, update, std::make_index_sequence<std::tuple_size_v<decltype(rule.moments())>>());
}

// Calls `function` with each condition as a compile-time constant, so that loops do not test it.
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

// --- settings: a rule derives from the settings it has

#define FASTGRAD_SETTING(Name, type, name, range)                                \
    struct Name {                                                                \
        static constexpr Setting row{#name, type(), ranges::range};              \
        type name;                                                               \
        void choose(const SettingValue& value) { name = std::get<type>(value); } \
    };
using Pair = std::array<double, 2>;
FASTGRAD_SETTING(Alpha, double, alpha, from_0_below_1)
FASTGRAD_SETTING(Betas, Pair, betas, from_0_below_1)
FASTGRAD_SETTING(Centered, bool, centered, any)
FASTGRAD_SETTING(Dampening, double, dampening, finite)
FASTGRAD_SETTING(Eps, double, eps, finite_from_0)
FASTGRAD_SETTING(Momentum, double, momentum, finite_from_0)
FASTGRAD_SETTING(Nesterov, bool, nesterov, any)
FASTGRAD_SETTING(WeightDecay, double, weight_decay, finite_from_0)
#undef FASTGRAD_SETTING

template <class... All>
struct RuleWith : All... {
    static constexpr std::array<Setting, sizeof...(All)> settings{All::row...};

    void choose(const Settings& chosen) {
        auto value = chosen.begin();
        (All::choose(*value++), ...);
    }
    const char* conflict() const { return nullptr; }
};

// --- the rules

// The learning rate is not part of the buffer. The buffer starts as the first gradient, without dampening.
struct SGD : RuleWith<Momentum, Dampening, WeightDecay, Nesterov> {
    static constexpr auto name = "SGD";
    static constexpr auto update = "`p -= lr * b`, `b = momentum * b + (1 - dampening) * g`";
    static constexpr auto source = "Sutskever, Martens, Dahl and Hinton 2013";

    auto moments() const { return std::array{Moment{"momentum_buffer", momentum != 0.0}}; }

    const char* conflict() const {
        return nesterov && (momentum == 0.0 || dampening != 0.0)
                   ? "nesterov needs a momentum above 0 and a dampening of 0, not {momentum!r} and {dampening!r}"
                   : nullptr;
    }

    void step(const Step& step) const {
        const bool is_first = step.number == 1.0;
        const double keep = is_first ? 0.0 : momentum, add = is_first ? 1.0 : 1.0 - dampening;
        const auto specialized = [&](auto decays, auto has_momentum, auto looks_ahead) {
            update_each(*this, step, [=, *this, lr = step.lr](double p, double g, double& buffer) {
                if (decays) g += weight_decay * p;
                if (has_momentum) {
                    buffer = keep * buffer + add * g;
                    g = looks_ahead ? g + momentum * buffer : buffer;
                }
                return p - lr * g;
            });
        };
        with_constants(specialized, weight_decay != 0.0, momentum != 0.0, nesterov);
    }
};

// Algorithm 1.
struct Adam : RuleWith<Betas, Eps, WeightDecay> {
    static constexpr auto name = "Adam";
    static constexpr auto update =
        "`p -= lr * m / (sqrt(v) + eps)` with the averages `m` of `g` and `v` of `g * g`, corrected for their start "
        "at 0";
    static constexpr auto source = "Kingma and Ba 2015";

    auto moments() const { return std::array{Moment{"exp_avg", true}, Moment{"exp_avg_sq", true}}; }

    void step(const Step& step) const { descend(step, weight_decay != 0.0, 1.0); }

    // If `decays`, the weight decay is added to the gradient. The parameter is first multiplied by `shrink`.
    void descend(const Step& step, bool decays, double shrink) const {
        const double beta1 = betas[0], beta2 = betas[1];
        const double size = step.lr / (1.0 - std::pow(beta1, step.number));
        const double root = std::sqrt(1.0 - std::pow(beta2, step.number));
        const auto specialized = [&](auto decays) {
            update_each(*this, step, [=, *this](double p, double g, double& mean, double& square) {
                if (decays) g += weight_decay * p;
                mean = beta1 * mean + (1.0 - beta1) * g;
                square = beta2 * square + (1.0 - beta2) * g * g;
                return shrink * p - size * mean / (std::sqrt(square) / root + eps);
            });
        };
        with_constants(specialized, decays);
    }
};

// Algorithm 2: weight decay shrinks the parameter and is not part of the gradient.
struct AdamW : Adam {
    static constexpr auto name = "AdamW";
    static constexpr auto update = "`p *= 1 - lr * weight_decay` before Adam's step";
    static constexpr auto source = "Loshchilov and Hutter 2019";

    void step(const Step& step) const { descend(step, false, 1.0 - step.lr * weight_decay); }
};

// Centered: equations 38 to 41 of Graves. Rounding can make a variance negative, for which PyTorch's root is nan and
// ours is 0.
struct RMSprop : RuleWith<Alpha, Eps, WeightDecay, Momentum, Centered> {
    static constexpr auto name = "RMSprop";
    static constexpr auto update = "`p -= lr * g / (sqrt(v) + eps)`";
    static constexpr auto source = "Tieleman and Hinton 2012; centered: Graves 2013";

    auto moments() const {
        return std::array{Moment{"square_avg", true}, Moment{"grad_avg", centered},
                          Moment{"momentum_buffer", momentum != 0.0}};
    }

    void step(const Step& step) const {
        const auto specialized = [&](auto decays, auto is_centered, auto has_momentum) {
            update_each(*this, step,
                        [=, *this, lr = step.lr](double p, double g, double& square, double& mean, double& buffer) {
                            if (decays) g += weight_decay * p;
                            square = alpha * square + (1.0 - alpha) * g * g;
                            double variance = square;
                            if (is_centered) {
                                mean = alpha * mean + (1.0 - alpha) * g;
                                variance -= mean * mean;
                                variance = variance < 0.0 ? 0.0 : variance;
                            }
                            g /= std::sqrt(variance) + eps;
                            if (has_momentum) g = buffer = momentum * buffer + g;
                            return p - lr * g;
                        });
        };
        with_constants(specialized, weight_decay != 0.0, centered, momentum != 0.0);
    }
};

// --- the table

template <class R>
R chosen(const Settings& settings) {
    R rule{};
    rule.choose(settings);
    return rule;
}

template <class R>
constexpr Rule row{
    R::name,
    R::update,
    R::source,
    R::settings,
    [](const Settings& settings) {
        const auto moments = chosen<R>(settings).moments();
        return std::vector<Moment>(moments.begin(), moments.end());
    },
    [](const Settings& settings) { return chosen<R>(settings).conflict(); },
    [](const Settings& settings, const Step& step) { chosen<R>(settings).step(step); },
};

constexpr std::array table{row<SGD>, row<Adam>, row<AdamW>, row<RMSprop>};

}  // namespace

std::span<const Rule> rules() { return table; }

}  // namespace fastgrad
