// The node: one scalar of a graph.
#pragma once

#include <cstdint>

#include "core/op.hpp"
#include "core/scope.hpp"

namespace fastgrad {

struct Node;
class OperandList;
class CustomOperation;

// A node's operand: another node, or a constant that needs none. Which one, the node's flags tell.
union Operand {
    Node* node;
    double constant;
    CustomOperation* custom;  // in Node::x of a custom operation
    OperandList* list;        // in Node::x of an operation on a sequence

    constexpr Operand() : node(nullptr) {}
    constexpr Operand(Node* n) : node(n) {}
    constexpr Operand(double c) : constant(c) {}
    constexpr Operand(CustomOperation* o) : custom(o) {}
    constexpr Operand(OperandList* l) : list(l) {}
};

// Ownership: `refs` counts the operand slots that hold the node, and one more while a Python object stands for
// it. A node owns its operands and nothing else; when `refs` reaches zero it dies and lets go of them. The
// Python object is not owned: it is the handle that owns the node, and `object` only finds it again.
struct Node {
    enum Flag : std::uint8_t {
        x_is_constant = 1,
        y_is_constant = 2,
        accumulates = 4,         // gradients add up: always on a leaf, on others once a sweep has reached them
        visited = 8,             // by a traversal that is under way
        labelled = 16,           // has an entry in the tape's labels
        notifies_last_use = 32,  // the binding is told when the last operand slot lets go
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
    // Its x and y are an operation's operands, and not what a leaf, a custom operation or a sequence keeps there.
    bool has_plain_operands() const {
        return (flags & (x_is_constant | y_is_constant)) != (x_is_constant | y_is_constant);
    }
    double x_data() const { return has(x_is_constant) ? x.constant : x.node->data; }
    double y_data() const { return has(y_is_constant) ? y.constant : y.node->data; }
};
static_assert(sizeof(Node) <= 48);

}  // namespace fastgrad
