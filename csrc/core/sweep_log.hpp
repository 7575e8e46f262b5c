// A reverse sweep that is written down while it runs, so that a reader sees what the engine does and not a model of
// it.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "core/retained.hpp"

namespace fastgrad {

// What a node gave to the gradient of an operand, or of one of its results where it has several.
struct Contribution {
    Node* operand;
    std::optional<std::size_t> result;
    std::optional<double> local;  // the derivative in it; none where gradients of several results are added up
    double amount, before, after;
};

// A node whose gradient was complete, and what it passed on.
struct SweepStep {
    Node* node;
    double gradient;
    std::vector<double> results;  // their gradients, where a node has several and any of them was reached
    std::vector<Contribution> contributions;
    bool by_callback;
};

// A sweep from `root` with all gradients 0 before it, written down. Afterwards every node's gradient is what it was.
class SweepLog {
 public:
    // Throws std::bad_alloc and Interrupted.
    explicit SweepLog(Node* root);

    // The steps in their order. A callback is called twice: for the gradient 1, which tells its local derivatives,
    // and in its place. Nothing: it failed. Throws std::bad_alloc.
    std::optional<std::vector<SweepStep>> run() const;

 private:
    Node* root_;
    RetainedNodes nodes_;  // what root reaches
};

}  // namespace fastgrad
