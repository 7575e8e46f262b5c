// The invariants of the store, for tests. One check looks at every node that lives.
#pragma once

#include <span>
#include <stdexcept>

#include "core/node.hpp"

namespace fastgrad {

// Names the invariant that does not hold, and the node where there is one.
class Inconsistency : public std::logic_error {
 public:
    using std::logic_error::logic_error;
};

// Whether Node::object is an object that stands for the node: the core cannot see inside.
using StandsFor = bool (*)(const Node*);

// Throws Inconsistency; std::logic_error during a sweep, whose marks are in the store; std::bad_alloc. References
// that C++ holds for the length of a call, as another thread may that waits for Python code, look like lost ones.
void check_store(StandsFor stands_for);

// Throws Inconsistency where the reverse by hand of an operation on a sequence gives an operand another sum than the
// reverse derived from its formula, to the last bit but for the sign of a zero: for this gradient of the node, and
// for these of its results if it has several. Nothing changes.
void check_reverse(Node* node, double gradient, std::span<const double> cotangents);

}  // namespace fastgrad
