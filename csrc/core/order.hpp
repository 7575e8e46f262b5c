// The nodes that some roots reach, in topological order.
#pragma once

#include <span>
#include <vector>

#include "core/custom_operation.hpp"
#include "core/operand_list.hpp"

namespace fastgrad {

// The operands that are nodes, in their order; constants are passed by.
template <class Visit>
void for_each_operand(const Node* node, Visit visit) {
    if (node->op == Op::custom) {
        const CustomOperation& custom = *node->x.custom;
        for (Node* operand : custom.operands) visit(operand);
        if (custom.callback) {
            for (Node* leaf : custom.callback->leaves()) visit(leaf);
        }
        return;
    }
    if (is_sequence(node->op)) {
        const OperandList::View operands = node->x.list->view();
        for (std::size_t i = 0; i < operands.size(); ++i) {
            if (!operands.is_constant(i)) visit(operands.node(i));
        }
        return;
    }
    if (!node->has(Node::x_is_constant)) visit(node->x.node);
    if (!node->has(Node::y_is_constant)) visit(node->y.node);
}

// How many operands are constants.
std::size_t constants(const Node* node);

// Whether interior node `a` was made before interior node `b`.
bool is_older(const Node* a, const Node* b);

// How far to look: everywhere, or not behind the nodes that have a position in a snapshot already.
enum class Reach { everything, up_to_snapshots };

// A place in the order: an interior node that is older than all that are made from now on. The caller owns its one
// reference. Throws std::bad_alloc.
Node* new_epoch();

// Operands before results: the leaves, then the interior nodes in creation order; of these none that is older than
// `since`, if it is given. Throws std::bad_alloc and Interrupted.
std::vector<Node*> topological_order(std::span<Node* const> roots, Reach reach = Reach::everything,
                                     const Node* since = nullptr);

}  // namespace fastgrad
