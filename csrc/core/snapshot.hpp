// Turns a graph into positions and bytes, for pickle and deepcopy.
//
// A live snapshot owns its nodes, and each node knows its position in it. A second snapshot that reaches such a node
// refers to it instead of writing it again, so Values that are pickled together stay connected.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/node_index.hpp"
#include "core/node_owner.hpp"

namespace fastgrad {

class Snapshot : private NodeOwner {
 public:
    // The graph of `root`. Nodes for which `is_shared` holds, and nodes of other snapshots, are referred to instead
    // of written. Throws std::bad_alloc, Interrupted, and what `is_shared` throws.
    using Predicate = bool (*)(const Node*);
    Snapshot(Node* root, Predicate is_shared);

    // The graph that `bytes` describe, with `shared_nodes` in place of the nodes that were only referred to. Throws
    // std::bad_alloc, Interrupted, and std::invalid_argument for bytes that a snapshot does not write.
    Snapshot(std::string_view bytes, const std::vector<Node*>& shared_nodes);

    ~Snapshot();
    Snapshot(const Snapshot&) = delete;
    Snapshot& operator=(const Snapshot&) = delete;

    // The written nodes, as bytes. Throws std::bad_alloc and Interrupted.
    std::string bytes() const;
    const std::vector<Node*>& nodes() const { return nodes_; }
    const std::vector<Node*>& shared_nodes() const { return shared_nodes_; }

    // The live snapshot in which `node` has a position, or null; and that position.
    static const Snapshot* find(const Node* node);
    std::uint32_t position(const Node* node) const {
        return (*index_)[node] - static_cast<std::uint32_t>(shared_nodes_.size());
    }

 private:
    std::vector<Node*> held() const override;
    void release_all();

    std::vector<Node*> shared_nodes_;  // owned references, which count as operand slots
    std::vector<Node*> nodes_;         // owned references, operands before results
    // A node's number in the bytes: first shared_nodes, then the nodes. Null in a snapshot that was read.
    std::unique_ptr<NodeIndex> index_;
};

}  // namespace fastgrad
