// Logs a reverse sweep as it runs, so that readers see what the engine does rather than a model of it.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "core/retained.hpp"

namespace fastgrad {

// A node's contribution to the gradient of an operand, or of one of its results if it has several.
struct Contribution {
    Node* operand;
    std::optional<std::size_t> result;
    std::optional<double> local;  // the derivative in it; none if the gradients of several results are added up
    double amount, before, after;
};

// A node with its complete gradient, and its contributions.
struct SweepStep {
    Node* node;
    double gradient;
    std::vector<double> results;  // their gradients, if the node has several and any was reached
    std::vector<Contribution> contributions;
    bool by_callback;
};

// Logs a sweep from `root` that starts with all gradients at 0. Afterwards every node has its previous gradient.
class SweepLog {
 public:
    // Throws std::bad_alloc and Interrupted.
    explicit SweepLog(Node* root);

    // The steps in order. Each callback is called twice: once for the gradient 1, to find its local derivatives, and
    // once in its place. Empty if a callback failed. Throws std::bad_alloc.
    std::optional<std::vector<SweepStep>> run() const;

 private:
    Node* root_;
    RetainedNodes nodes_;  // all nodes that root reaches
};

}  // namespace fastgrad
