// The store's invariants, for tests. One check visits every live node.
#pragma once

#include <span>
#include <stdexcept>

#include "core/node.hpp"

namespace fastgrad {

// Names the broken invariant, and the node if there is one.
class Inconsistency : public std::logic_error {
 public:
    using std::logic_error::logic_error;
};

// Whether Node::object is an object that represents the node, which the core itself cannot tell.
using StandsFor = bool (*)(const Node*);

// Throws Inconsistency; std::logic_error during a sweep, because its marks are in the store; std::bad_alloc. It
// reports references that C++ holds during a call as lost, such as those of another thread that waits for Python
// code.
void check_store(StandsFor stands_for);

// Compares the hand-written reverse of a sequence operation with the reverse derived from its formula, for this
// gradient of the node and, if it has several results, for these gradients of its results. Throws Inconsistency
// unless each operand receives the same sum, to the last bit except for the sign of a zero. Changes nothing.
void check_reverse(Node* node, double gradient, std::span<const double> cotangents);

}  // namespace fastgrad
