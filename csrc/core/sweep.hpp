// The reverse sweep.
#pragma once

#include <span>

#include "core/tape.hpp"

namespace fastgrad {

// Sets root's gradient to `seed` and carries it to every node that root reaches: leaves add it to what they have,
// interior nodes start from zero. False: the callback of an own operation failed; no mark is left behind.
// Throws std::bad_alloc, and only where such callbacks start sweeps of their own.
bool sweep(Node* root, double seed);

// The gradients of sum(cotangent * output) in the variables, which are leaves with a gradient of 0, by a sweep after
// which every node's gradient is what it was. False: the callback of an own operation failed. Throws std::bad_alloc.
bool gradients(std::span<Node* const> outputs, std::span<const double> cotangents, std::span<Node* const> variables,
               std::span<double> results);

// Sets the gradient to 0, and those of its results where a node has several.
void clear_gradient(Node* node);

// Adds node's gradient, through its local derivatives, to its operands' gradients, and goes no further.
bool step_back(Node* node);

}  // namespace fastgrad
