// The node: one scalar of a graph.
#pragma once

#include <cstdint>

#include "core/op.hpp"
#include "core/scope.hpp"

namespace fastgrad {

struct Node;
class OperandList;
class CustomOperation;

// A node's operand: another node, or a constant without a node. The node's flags tell which.
union Operand {
    Node* node;
    double constant;
    CustomOperation* custom;  // in Node::x of a custom operation
    OperandList* list;        // in Node::x of a sequence operation

    constexpr Operand() : node(nullptr) {}
    constexpr Operand(Node* n) : node(n) {}
    constexpr Operand(double c) : constant(c) {}
    constexpr Operand(CustomOperation* o) : custom(o) {}
    constexpr Operand(OperandList* l) : list(l) {}
};

// Ownership: `refs` counts the operand slots that hold the node, plus one while a Python object stands for it. A node
// owns its operands and nothing else; when `refs` reaches zero it is freed and releases them. The Python object owns
// the node, not the other way round: `object` only finds it again.
struct Node {
    enum Flag : std::uint8_t {
        x_is_constant = 1,
        y_is_constant = 2,
        accumulates = 4,         // gradients add up: always on a leaf, on other nodes once a sweep reaches them
        visited = 8,             // by a traversal in progress
        labeled = 16,            // has an entry in the tape's labels
        notifies_last_use = 32,  // the binding is notified when the last operand slot releases the node
        keeps_object = 64,       // the binding keeps the Python object while operand slots hold the node
        in_snapshot = 128        // has a position in a snapshot
    };

    double data;
    double grad;
    Operand x, y;
    void* object;
    std::uint32_t refs;
    Op op;
    std::uint8_t flags;
    Scope scope;

    bool has(Flag flag) const { return (flags & flag) != 0; }
    bool is_leaf() const { return op == Op::leaf; }
    // Whether x and y are an operation's operands, rather than the contents of a leaf, custom operation or sequence.
    bool has_plain_operands() const {
        return (flags & (x_is_constant | y_is_constant)) != (x_is_constant | y_is_constant);
    }
    double x_data() const { return has(x_is_constant) ? x.constant : x.node->data; }
    double y_data() const { return has(y_is_constant) ? y.constant : y.node->data; }
};
static_assert(sizeof(Node) <= 48);

}  // namespace fastgrad
