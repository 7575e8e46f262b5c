// Nodes that something in C++ holds on to, and how Python names them.
#pragma once

#include <pybind11/pybind11.h>

#include <utility>
#include <vector>

#include "core/node_owner.hpp"

namespace fastgrad::bind {

// Nodes that live as long as this does.
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

// Throws TypeError, which says what they are in the plural, for something else than a Value.
std::vector<Node*> nodes_of(const pybind11::sequence& values, const char* what, const char* hint = "");

// Throws ValueError, which says what one of them is, for a node that was computed or that is there twice.
void require_distinct_leaves(const std::vector<Node*>& nodes, const char* what);

}  // namespace fastgrad::bind
