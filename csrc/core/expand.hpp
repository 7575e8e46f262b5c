// Expands sequence operations into the ordinary nodes that they stand for. Captured graphs, derivatives of
// derivatives and drawings handle only ordinary nodes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/node_index.hpp"
#include "core/term.hpp"

namespace fastgrad {

// The operands of a sequence operation. Throws std::bad_alloc.
std::vector<Term> terms_of(const OperandList& list);

// The results of `op` for these numbers, as nodes: the node's own number, followed by one result for each operand if
// there are several results. Throws std::bad_alloc.
std::vector<Term> expand(Op op, const std::vector<Term>& numbers, std::size_t target);

// The graph of some roots with every sequence operation expanded. Nodes older than every sequence operation are
// shared. The others get a twin with the same data and label, which preserves the creation order, in which gradients
// are added. A custom operation gets no twin, because its callback refers to its operands directly.
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

    NodeIndex index_;          // of the nodes that have a twin: its position in twins_
    std::vector<Term> twins_;  // the twin of a node with several results is followed by theirs
};

}  // namespace fastgrad
