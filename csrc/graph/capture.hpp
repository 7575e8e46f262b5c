// From nodes to a program.
#pragma once

#include <span>
#include <vector>

#include "core/node.hpp"
#include "graph/program.hpp"

namespace fastgrad::graph {

struct Capture {
    Program program;
    std::vector<Node*> bound;  // in the order of Program::leaves; not owned
    std::size_t nodes;         // that the outputs reach, constants not counted
};

// What `outputs` reach, in creation order. `inputs` are leaves; the leaves among `constants` keep their present
// number. Throws std::bad_alloc, std::length_error for more than 2^32 - 2 slots, and OwnOperationCaptured.
Capture capture(std::span<Node* const> outputs, std::span<Node* const> inputs, std::span<Node* const> constants = {});

// A user's own operation has no forward formula, so that it cannot be run again.
struct OwnOperationCaptured {
    const Node* node;
};

}  // namespace fastgrad::graph
