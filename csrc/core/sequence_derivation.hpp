// Derives the reverse of a sequence operation from its formula. A new row of sequences.def needs no other reverse,
// and the hand-written ones in core/sequence_sweep.hpp are checked against it.
#pragma once

#include <cstddef>
#include <vector>

#include "core/node.hpp"

namespace fastgrad::sequences {

// The contribution to the operand at a position.
struct OperandGradient {
    std::size_t operand;
    double contribution;
};

// The contributions of the node's gradient, and of its results' gradients if it has several, to its operands: the
// same products, in the same order, as those of the ordinary nodes that the node stands for. Throws std::bad_alloc.
std::vector<OperandGradient> derived_reverse(const Node* node);

}  // namespace fastgrad::sequences
