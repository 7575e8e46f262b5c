// The reverse sweep.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "core/tape.hpp"

namespace fastgrad {

// Sets root's gradient to `seed` and carries it to every node that root reaches: leaves add it to what they have,
// interior nodes start from zero. False: the callback of a custom operation failed, or who handles a signal wants to
// stop; no mark is left behind, and the gradients below are partial sums.
// Throws std::bad_alloc, and only where such callbacks start sweeps of their own.
bool sweep(Node* root, double seed);

// Whether one has begun and not ended, in any thread: in a callback, then.
bool is_sweeping();

// The gradients of sum(cotangent * output) in the variables, which are leaves with a gradient of 0, by a sweep after
// which every node's gradient is what it was. False: the callback of a custom operation failed. Throws
// std::bad_alloc.
bool gradients(std::span<Node* const> outputs, std::span<const double> cotangents, std::span<Node* const> variables,
               std::span<double> results);

// Sets the gradient to 0, and those of its results where a node has several.
void clear_gradient(Node* node);

// Adds node's gradient, through its local derivatives, to its operands' gradients, and goes no further.
bool step_back(Node* node);

// What a node adds to the gradient of an operand, or of one of its results where it has several.
struct Contribution {
    Node* operand;
    std::optional<std::size_t> result;
    double amount;
};

// What step_back would add if the node's gradient were this one, in the order of a sweep; `results` are the gradients
// of the node's own results where it has several. Nothing for a leaf. Throws std::bad_alloc.
std::vector<Contribution> contributions(const Node& node, double gradient, std::span<const double> results = {});

}  // namespace fastgrad
