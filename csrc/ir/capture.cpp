#include "ir/capture.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>

#include "core/expand.hpp"
#include "core/interruption.hpp"
#include "core/node_index.hpp"
#include "core/order.hpp"
#include "ir/builder.hpp"

namespace fastgrad::ir {

namespace {

// A program has no sequence operations; the ordinary nodes that they stand for replace them.
struct Expanded {
    std::optional<Expansion> expansion;  // owns the twins
    std::vector<Node*> twins;
    std::span<Node* const> outputs;
    std::vector<Node*> order;

    Expanded(std::span<Node* const> given, const Node* since) : outputs(given), order(topological_order(given)) {
        const auto sequence = std::find_if(order.begin(), order.end(), [](Node* n) { return is_sequence(n->op); });
        if (sequence == order.end()) return;
        if (since) throw Uncapturable{*sequence};  // a recording makes no such node, so it was computed before
        // The operands of a custom operation would keep their sequences.
        const auto custom = std::find_if(order.begin(), order.end(), [](Node* n) { return n->op == Op::custom; });
        if (custom != order.end()) throw Uncapturable{*custom};
        expansion.emplace(given);
        for (Node* output : given) twins.push_back((*expansion)[output]);
        outputs = twins;
        order = topological_order(outputs);
    }
};

}  // namespace

Capture capture(std::span<Node* const> outputs, std::span<const Answer> answers, const Leaves& leaves) {
    const auto [inputs, constants, since] = leaves;
    Capture result{};
    std::vector<Node*> roots(outputs.begin(), outputs.end());
    for (const Answer& answer : answers) roots.push_back(answer.condition);
    const Expanded expanded(roots, since);
    const std::vector<Node*>& order = expanded.order;
    if (order.size() + inputs.size() >= Builder::most) throw std::length_error("too many nodes");
    result.nodes = order.size();

    NodeIndex slot_of;
    Builder builder;
    builder.program().instructions.reserve(inputs.size() + order.size());
    for (Node* input : inputs) slot_of[input] = builder.input();
    for (Node* leaf : constants) {
        if (slot_of[leaf] == NodeIndex::absent) slot_of[leaf] = builder.constant(leaf->data);
    }
    const auto node_slot = [&](Node* node) {
        Slot& slot = slot_of[node];
        if (slot == NodeIndex::absent) {  // the first use of a leaf
            slot = Builder::bound(static_cast<Slot>(result.bound.size()));
            result.bound.push_back(node);
        }
        return slot;
    };
    const auto operand_slot = [&](const Operand& operand, bool is_constant) {
        return is_constant ? builder.constant(operand.constant) : node_slot(operand.node);
    };
    for (Node* node : order) {
        interruption.check_at(builder.size());
        if (node->is_leaf()) continue;
        if (node->op == Op::custom || (since && is_older(node, since))) throw Uncapturable{node};
        const Slot x = operand_slot(node->x, node->has(Node::x_is_constant));
        const Slot y = operation(node->op).arity == 1 ? 0 : operand_slot(node->y, node->has(Node::y_is_constant));
        slot_of[node] = builder.append({opcode_of(node->op), x, y});
    }
    for (std::size_t i = 0; i < expanded.outputs.size(); ++i) {
        const Slot slot = node_slot(expanded.outputs[i]);
        if (i < outputs.size()) {
            builder.program().outputs.push_back(slot);
        } else {
            builder.program().guards.push_back({slot, answers[i - outputs.size()].expected});
        }
    }
    result.program = builder.finish(result.bound.size());
    return result;
}

}  // namespace fastgrad::ir
