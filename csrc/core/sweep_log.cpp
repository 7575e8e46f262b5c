#include "core/sweep_log.hpp"

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>

#include "core/begin_with_zero.hpp"
#include "core/node_index.hpp"
#include "core/order.hpp"
#include "core/sweep.hpp"
#include "core/sweep_loop.hpp"

namespace fastgrad {

namespace {

// The sink that only lists contributions.
struct Lists {
    std::vector<double> contributions;

    void add(Node*, double contribution) { contributions.push_back(contribution); }
    void add(Node*, std::size_t, double contribution) { contributions.push_back(contribution); }
    void prepare(Node*) {}
    bool run(BackwardCallback*) { return true; }
    void finish(Node*) {}
};

// The sink that stores contributions and logs them. Throws std::bad_alloc.
class Logs : FirstTouchStores {
 public:
    // `nodes`: all nodes that the sweep can reach.
    Logs(FirstTouchStores stores, std::span<Node* const> nodes, std::vector<SweepStep>& steps)
        : FirstTouchStores(stores), nodes_(nodes), steps_(steps) {
        for (std::size_t i = 0; i < nodes.size(); ++i) index_[nodes[i]] = static_cast<std::uint32_t>(i);
    }

    void begin(Node* node);
    void add(Node* node, double amount) {
        const double before = node->has(Node::accumulates) ? node->grad : 0.0;
        FirstTouchStores::add(node, amount);
        note({node, std::nullopt, next_local(), amount, before, node->grad});
    }
    void add(Node* node, std::size_t result, double amount) {
        const std::span<const double> cotangents = cotangents_of(node);
        const double before = node->has(Node::accumulates) ? begin_with_zero(cotangents[result]) : 0.0;
        FirstTouchStores::add(node, result, amount);
        note({node, result, next_local(), amount, before, cotangents[result]});
    }
    using FirstTouchStores::finish, FirstTouchStores::prepare;
    bool run(BackwardCallback* callback);

 private:
    SweepStep& step() { return steps_.back(); }
    void note(const Contribution& contribution) { step().contributions.push_back(contribution); }
    std::optional<double> next_local() {
        if (locals_.empty()) return std::nullopt;
        return locals_[step().contributions.size()];
    }
    std::vector<double> gradients() const;
    void set_gradients(std::span<const double> gradients);

    std::span<Node* const> nodes_;
    std::vector<SweepStep>& steps_;
    NodeIndex index_;             // of nodes_
    std::vector<double> locals_;  // of this step's contributions; empty if there are none
};

void Logs::begin(Node* node) {
    const std::span<const double> cotangents = cotangents_of(node);
    const bool has_results = !std::all_of(cotangents.begin(), cotangents.end(), OperandList::is_nothing);
    steps_.push_back({node, node->grad, {}, {}, node->op == Op::custom && node->x.custom->local_gradients.empty()});
    locals_.clear();
    if (has_results) {
        for (const double cotangent : cotangents) step().results.push_back(begin_with_zero(cotangent));
    } else if (!step().by_callback) {
        Node twin = *node;
        twin.grad = 1.0;
        Lists sink;
        propagate(&twin, sink);
        locals_ = std::move(sink.contributions);
    }
}

bool Logs::run(BackwardCallback* callback) {
    Node* const node = step().node;
    const std::vector<double> before = gradients();
    set_gradients(std::vector<double>(nodes_.size()));
    node->grad = 1.0;
    if (!FirstTouchStores::run(callback)) return false;
    const std::vector<double> locals = gradients();
    set_gradients(before);
    if (!FirstTouchStores::run(callback)) return false;
    // The operands, and any other node it adds to: a recorded function also reaches leaves that it holds.
    std::vector<bool> is_noted(nodes_.size());
    const auto note_once = [&](std::uint32_t i) {
        if (is_noted[i]) return;
        is_noted[i] = true;
        const double amount = step().gradient * locals[i];
        note({nodes_[i], std::nullopt, locals[i], amount, before[i], nodes_[i]->grad});
    };
    for (const Node* operand : node->x.custom->operands) note_once(index_[operand]);
    for (std::size_t i = nodes_.size(); i-- > 0;) {
        if (nodes_[i] != node && locals[i] != 0.0) note_once(static_cast<std::uint32_t>(i));
    }
    return true;
}

std::vector<double> Logs::gradients() const {
    std::vector<double> gradients;
    for (const Node* node : nodes_) gradients.push_back(node->grad);
    return gradients;
}

void Logs::set_gradients(std::span<const double> gradients) {
    for (std::size_t i = 0; i < nodes_.size(); ++i) nodes_[i]->grad = gradients[i];
}

}  // namespace

SweepLog::SweepLog(Node* root) : root_(root), nodes_(topological_order({&root, 1})) {}

std::optional<std::vector<SweepStep>> SweepLog::run() const {
    std::vector<SweepStep> steps;
    if (root_->is_leaf()) return steps;
    const std::span<Node* const> nodes = nodes_;
    const SavedGradients saved(nodes);
    for (Node* node : nodes) clear_gradient(node);
    if (!sweep_into<Logs>(root_, 1.0, nodes, steps)) return std::nullopt;
    return steps;
}

}  // namespace fastgrad
