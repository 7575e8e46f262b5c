// The reverse of an operation on a sequence, derived from its formula: a new row of sequences.def needs no other, and
// the reverses by hand in core/sequence_sweep.hpp are checked against it.
#pragma once

#include <cstddef>
#include <vector>

#include "core/node.hpp"

namespace fastgrad::sequences {

// What the operand at a position receives.
struct OperandGradient {
    std::size_t operand;
    double contribution;
};

// What the node's gradient, and those of its results if it has several, give to its operands: the products, and their
// order, of the ordinary nodes that it stands for. Throws std::bad_alloc.
std::vector<OperandGradient> derived_reverse(const Node* node);

}  // namespace fastgrad::sequences
