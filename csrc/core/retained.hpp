// References to nodes for the duration of a call, because a callback may drop all other references.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "core/tape.hpp"

namespace fastgrad {

class Retained {
 public:
    explicit Retained(Node* node) : node_(node) { Tape::retain(node); }
    ~Retained() { tape.release(node_); }
    Retained(const Retained&) = delete;
    Retained& operator=(const Retained&) = delete;

 private:
    Node* node_;
};

// References to several nodes, which count as operand slots.
class RetainedNodes {
 public:
    explicit RetainedNodes(std::vector<Node*> nodes) : nodes_(std::move(nodes)) {
        for (Node* node : nodes_) Tape::retain(node);
    }
    ~RetainedNodes() {
        for (Node* node : nodes_) tape.release_slot(node);
    }
    RetainedNodes(const RetainedNodes&) = delete;
    RetainedNodes& operator=(const RetainedNodes&) = delete;

    operator std::span<Node* const>() const { return nodes_; }

 private:
    std::vector<Node*> nodes_;
};

}  // namespace fastgrad
