// The reverse sweep: one pass over the marked part of the store, which is already in topological order.
#pragma once

#include <span>

#include "core/tape.hpp"

namespace fastgrad {

// Sets root's gradient to `seed` and propagates it to every node that root reaches. Leaves accumulate it; interior
// nodes start from zero. Returns false if the callback of a custom operation failed or a signal handler asked to
// stop; then no mark is left, and the gradients below are partial sums. Throws std::bad_alloc, with the same effect,
// if such callbacks start sweeps themselves or a reverse is derived.
bool sweep(Node* root, double seed);

// Whether a sweep is in progress in any thread, as it is inside a callback.
bool is_sweeping();

// The gradients of sum(cotangent * output) in the variables, which are leaves whose gradient is 0. Afterwards every
// node has its previous gradient. False if the callback of a custom operation failed. Throws std::bad_alloc.
bool gradients(std::span<Node* const> outputs, std::span<const double> cotangents, std::span<Node* const> variables,
               std::span<double> results);

// Sets the node's gradient to 0, and its results' gradients if it has several.
void clear_gradient(Node* node);

// Adds contributions to the gradients of the node's operands, and goes no further.
bool step_back(Node* node);

}  // namespace fastgrad
