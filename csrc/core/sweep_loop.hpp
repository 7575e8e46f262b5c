// The loop of a reverse sweep and the sink that stores gradients, shared by the sweep itself and the logged sweep.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "core/propagate.hpp"
#include "core/retained.hpp"
#include "core/scan.hpp"
#include "core/sweep_marks.hpp"

namespace fastgrad {

using SweepScan = BackwardScan<Node::accumulates, Mark::reached>;

inline void clear_cotangents(Node* node) {
    const std::span<double> cotangents = cotangents_of(node);
    std::fill(cotangents.begin(), cotangents.end(), OperandList::nothing);
}

// The first contribution to an interior node is stored, later ones are added.
struct FirstTouchStores {
    SweepScan& scan;
    SweepMarks& marks;

    void begin(Node*) {}
    void add(Node* node, double contribution) {
        if (node->has(Node::accumulates)) {
            node->grad += contribution;
        } else {
            node->grad = contribution;
            scan.mark(node);
        }
    }
    // To one of the results of a node with several.
    void add(Node* node, std::size_t result, double contribution) {
        if (!node->has(Node::accumulates)) {
            clear_cotangents(node);  // step_back() may have left some
            add(node, 0.0);
        }
        node->x.list->cotangents()[result] += contribution;
    }
    // A callback itself adds to the current gradient.
    void prepare(Node* node) {
        if (!node->has(Node::accumulates)) add(node, 0.0);
    }
    bool run(BackwardCallback* callback) { return !callback || marks.run(*callback); }
    // In the next sweep, the node's own number may be reached before its results.
    void finish(Node* node) { clear_cotangents(node); }
};

// Restores the gradients of some nodes on destruction.
class SavedGradients {
 public:
    explicit SavedGradients(std::span<Node* const> nodes) : nodes_(nodes) {
        gradients_.reserve(nodes.size());
        for (Node* node : nodes) {
            gradients_.push_back(node->grad);
            const std::span<const double> cotangents = cotangents_of(node);
            gradients_.insert(gradients_.end(), cotangents.begin(), cotangents.end());
        }
    }
    ~SavedGradients() {
        auto gradient = gradients_.begin();
        for (Node* node : nodes_) {
            node->grad = *gradient++;
            for (double& cotangent : cotangents_of(node)) cotangent = *gradient++;
        }
    }
    SavedGradients(const SavedGradients&) = delete;
    SavedGradients& operator=(const SavedGradients&) = delete;

 private:
    std::span<Node* const> nodes_;
    std::vector<double> gradients_;
};

// The one sweep. `given` is what the sink needs besides the scan and the marks.
template <class Sink, class... Given>
bool sweep_into(Node* root, double seed, Given&... given) {
    const Retained held(root);  // a callback may drop the other references
    SweepMarks marks;
    SweepScan scan(root);  // local to this function, so its counters stay in registers
    Sink sink{FirstTouchStores{scan, marks}, given...};
    clear_cotangents(root);
    root->grad = seed;
    scan.mark(root);
    while (Node* node = scan.next([&marks] { return marks.goes_on(); })) {
        sink.begin(node);
        if (!propagate(node, sink)) return false;
    }
    return scan.is_done();
}

}  // namespace fastgrad
