#include "core/sweep.hpp"

#include <memory>

#include "core/order.hpp"
#include "core/sweep_loop.hpp"

namespace fastgrad {

namespace {

// The sink of step_back().
struct AlwaysAdds {
    void add(Node* node, double contribution) { node->grad += contribution; }
    void add(Node* node, std::size_t result, double contribution) {
        node->x.list->cotangents()[result] += contribution;
    }
    void prepare(Node*) {}
    bool run(BackwardCallback* callback) { return !callback || callback->run(); }
    void finish(Node*) {}
};

}  // namespace

bool sweep(Node* root, double seed) {
    if (root->is_leaf()) {
        root->grad = seed;
        return true;
    }
    return sweep_into<FirstTouchStores>(root, seed);
}

bool is_sweeping() { return SweepMarks::any(); }

bool gradients(std::span<Node* const> outputs, std::span<const double> cotangents, std::span<Node* const> variables,
               std::span<double> results) {
    auto sum = std::make_unique<CustomOperation>();
    sum->operands.assign(outputs.begin(), outputs.end());
    sum->local_gradients.assign(cotangents.begin(), cotangents.end());
    Node* root = tape.custom(0.0, std::move(sum));
    const Retained held(root);
    tape.release(root);
    const RetainedNodes nodes(topological_order({&root, 1}));  // a callback may release them
    const SavedGradients saved(nodes);
    if (!sweep(root, 1.0)) return false;
    for (std::size_t i = 0; i < variables.size(); ++i) results[i] = variables[i]->grad;
    return true;
}

void clear_gradient(Node* node) {
    node->grad = 0.0;
    clear_cotangents(node);
}

bool step_back(Node* node) {
    AlwaysAdds sink;
    return propagate(node, sink);
}

}  // namespace fastgrad
