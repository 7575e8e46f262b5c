// The nodes reachable from some roots, in topological order. Creation order is topological, so nothing is sorted.
#pragma once

#include <span>
#include <vector>

#include "core/node.hpp"

namespace fastgrad {

// The number of operands that are constants.
std::size_t constants(const Node* node);

// Whether interior node `a` was created before interior node `b`.
bool is_older(const Node* a, const Node* b);

// How far to look: everywhere, or only up to the nodes that already have a position in a snapshot.
enum class Reach { everything, up_to_snapshots };

// A point in the creation order: an interior node older than all that are created from now on. The caller owns its
// only reference. Throws std::bad_alloc.
Node* new_epoch();

// Operands before results: first the leaves, then the interior nodes in creation order, without those older than
// `since` if it is given. Throws std::bad_alloc and Interrupted.
std::vector<Node*> topological_order(std::span<Node* const> roots, Reach reach = Reach::everything,
                                     const Node* since = nullptr);

}  // namespace fastgrad
