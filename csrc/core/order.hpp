// The nodes that some roots reach, in topological order: creation order is one, so nothing is sorted.
#pragma once

#include <span>
#include <vector>

#include "core/node.hpp"

namespace fastgrad {

// How many operands are constants.
std::size_t constants(const Node* node);

// Whether interior node `a` was made before interior node `b`.
bool is_older(const Node* a, const Node* b);

// How far to look: everywhere, or not behind the nodes that have a position in a snapshot already.
enum class Reach { everything, up_to_snapshots };

// A place in the order: an interior node that is older than all that are made from now on. The caller owns its one
// reference. Throws std::bad_alloc.
Node* new_epoch();

// Operands before results: the leaves, then the interior nodes in creation order; of these none that is older than
// `since`, if it is given. Throws std::bad_alloc and Interrupted.
std::vector<Node*> topological_order(std::span<Node* const> roots, Reach reach = Reach::everything,
                                     const Node* since = nullptr);

}  // namespace fastgrad
