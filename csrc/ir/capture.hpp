// Captures nodes of the eager graph as a program.
#pragma once

#include <span>
#include <vector>

#include "core/node.hpp"
#include "ir/program.hpp"

namespace fastgrad::ir {

struct Capture {
    Program program;
    std::vector<Node*> bound;  // in the order of Program::leaves; not owned
    std::size_t nodes;         // reached from the outputs, not counting constants
};

// What a captured graph may contain besides operations.
struct Leaves {
    std::span<Node* const> inputs;     // given new numbers at each run
    std::span<Node* const> constants;  // keep their current numbers
    const Node* since = nullptr;       // interior nodes must be newer, if it is given
};

// A condition that was tested while the nodes were made, and its answer.
struct Answer {
    Node* condition;
    bool expected;
};

// Everything that `outputs` and the conditions reach, in creation order. Throws std::bad_alloc, Interrupted,
// std::length_error for 2^30 nodes or more, and Uncapturable.
Capture capture(std::span<Node* const> outputs, std::span<const Answer> answers, const Leaves& leaves);

// A node that cannot be run again: a user's custom operation, for which only the backward is known; or a node
// computed before the recording began, which would never change.
struct Uncapturable {
    const Node* node;
};

}  // namespace fastgrad::ir
