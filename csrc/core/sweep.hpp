// The reverse sweep.
#pragma once

#include "core/tape.hpp"

namespace fastgrad {

// Sets root's gradient to `seed` and carries it to every node that root reaches: leaves add it to what they have,
// interior nodes start from zero. False: the callback of an own operation failed; no mark is left behind.
// Throws std::bad_alloc, and only where such callbacks start sweeps of their own.
bool sweep(Node* root, double seed);

// Sets the gradient to 0, and those of its results where a node has several.
void clear_gradient(Node* node);

// Adds node's gradient, through its local derivatives, to its operands' gradients, and goes no further.
bool step_back(Node* node);

}  // namespace fastgrad
