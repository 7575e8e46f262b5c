// The reverse sweep: one pass over the marked part of the store, which is in topological order already.
#pragma once

#include <span>

#include "core/tape.hpp"

namespace fastgrad {

// Sets root's gradient to `seed` and carries it to every node that root reaches: leaves add it to what they have,
// interior nodes start from zero. False: the callback of a custom operation failed, or who handles a signal wants to
// stop; no mark is left behind, and the gradients below are partial sums.
// Throws std::bad_alloc, in the same way, where such callbacks start sweeps of their own or a reverse is derived.
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

}  // namespace fastgrad
