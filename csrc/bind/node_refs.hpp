// Nodes that C++ objects own, and their lists in Python.
#pragma once

#include <pybind11/pybind11.h>

#include <utility>
#include <vector>

#include "core/node_owner.hpp"

namespace fastgrad::bind {

// Keeps nodes alive as long as this object lives.
class NodeRefs final : private NodeOwner {
 public:
    NodeRefs() = default;
    explicit NodeRefs(std::vector<Node*> nodes);
    ~NodeRefs();
    NodeRefs(NodeRefs&& other) noexcept : NodeOwner(other), nodes_(std::exchange(other.nodes_, {})) {}
    NodeRefs& operator=(NodeRefs&& other) noexcept {
        std::swap(nodes_, other.nodes_);
        return *this;
    }

    const std::vector<Node*>& nodes() const { return nodes_; }
    pybind11::tuple values() const;

 private:
    std::vector<Node*> held() const override { return nodes_; }

    std::vector<Node*> nodes_;
};

// Throws TypeError for anything but a Value; `what` describes the Values in the plural.
std::vector<Node*> nodes_of(const pybind11::sequence& values, const char* what, const char* hint = "");

// Throws ValueError for a node that was computed or appears twice; `what` describes one of them.
void require_distinct_leaves(const std::vector<Node*>& nodes, const char* what);

}  // namespace fastgrad::bind
