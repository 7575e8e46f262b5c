// From nodes of the eager graph to a program.
#pragma once

#include <span>
#include <vector>

#include "core/node.hpp"
#include "ir/program.hpp"

namespace fastgrad::ir {

struct Capture {
    Program program;
    std::vector<Node*> bound;  // in the order of Program::leaves; not owned
    std::size_t nodes;         // that the outputs reach, constants not counted
};

// What may stand in a captured graph beside operations.
struct Leaves {
    std::span<Node* const> inputs;     // given anew at each run
    std::span<Node* const> constants;  // keep their present number
    const Node* since = nullptr;       // interior nodes must be newer, if it is given
};

// A condition that was asked for while the nodes were made, and what it answered.
struct Answer {
    Node* condition;
    bool expected;
};

// What `outputs` and the conditions reach, in creation order. Throws std::bad_alloc, Interrupted, std::length_error
// for 2^30 nodes or more, and Uncapturable.
Capture capture(std::span<Node* const> outputs, std::span<const Answer> answers, const Leaves& leaves);

// A node that cannot be run again: a user's custom operation, of which only the backward is known; or one that was
// computed before the recording began, which would never change.
struct Uncapturable {
    const Node* node;
};

}  // namespace fastgrad::ir
