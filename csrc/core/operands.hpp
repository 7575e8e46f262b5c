// Visits a node's operands, so that only this file knows where each kind of node keeps them.
#pragma once

#include "core/custom_operation.hpp"
#include "core/operand_list.hpp"

namespace fastgrad {

// Calls `visit` with each operand, including constants, and with whether it is a constant.
template <class Visit>
void for_each_slot(const Node* node, Visit visit) {
    switch (kind_of(node->op)) {
        case NodeKind::leaf: return;
        case NodeKind::custom:
            for (Node* operand : node->x.custom->operands) visit(Operand(operand), false);
            return;
        case NodeKind::scalar: {
            visit(node->x, node->has(Node::x_is_constant));
            const bool y_is_constant = node->has(Node::y_is_constant);  // or there is no y
            if (!y_is_constant || arity(node->op) == 2) visit(node->y, y_is_constant);
            return;
        }
        case NodeKind::element: visit(node->x, false); return;
        case NodeKind::sequence: {
            const OperandList::View operands = node->x.list->view();
            for (std::size_t i = 0; i < operands.size(); ++i) visit(operands.operand(i), operands.is_constant(i));
            return;
        }
    }
}

// Visits only the operands that are nodes. The node owns a reference to each.
template <class Visit>
void for_each_operand(const Node* node, Visit visit) {
    for_each_slot(node, [&visit](Operand operand, bool is_constant) {
        if (!is_constant) visit(operand.node);
    });
}

// All nodes that a sweep may reach from this one: the operands, and the leaves that a callback keeps and adds to.
template <class Visit>
void for_each_dependency(const Node* node, Visit visit) {
    for_each_operand(node, visit);
    if (node->op != Op::custom || !node->x.custom->callback) return;
    for (Node* leaf : node->x.custom->callback->leaves()) visit(leaf);
}

}  // namespace fastgrad
