// Operations on sequences as the ordinary nodes that they are made of: captured graphs, derivatives of derivatives
// and drawings know no others.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/node_index.hpp"
#include "core/term.hpp"

namespace fastgrad {

// The operands of an operation on a sequence. Throws std::bad_alloc.
std::vector<Term> terms_of(const OperandList& list);

// What `op` gives for these numbers, as nodes: the number of its own node, and then, if there are several results,
// one for each operand. Throws std::bad_alloc.
std::vector<Term> expand(Op op, const std::vector<Term>& numbers, std::size_t target);

// The graph of some roots in which every operation on a sequence is taken apart. Nodes older than all of these are
// shared; the others have a twin with their data and label, so that the order of creation, in which gradients are
// added, stays what it was. A custom operation has none: it knows its operands by name.
class Expansion {
 public:
    // Throws std::bad_alloc.
    explicit Expansion(std::span<Node* const> roots);

    // The node itself, or its twin.
    Node* operator[](Node* node) { return term_of(node).node(); }

 private:
    Term term_of(Node* node);
    Term operand(const Operand& operand, bool is_constant) {
        return is_constant ? Term(operand.constant) : term_of(operand.node);
    }
    void expand_sequence(Node* node);
    void rebuild(Node* node);
    void put(Node* node, Term twin);

    NodeIndex index_;          // of the nodes that have a twin: where it is in twins_
    std::vector<Term> twins_;  // of a node with several results, its own is followed by theirs
};

}  // namespace fastgrad
