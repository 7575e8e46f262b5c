#include "ir/capture.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>
#include <optional>
#include <stdexcept>

#include "core/expand.hpp"
#include "core/interruption.hpp"
#include "core/node_index.hpp"
#include "core/order.hpp"

namespace fastgrad::ir {

namespace {

// Finds most constants that were seen before; those that it misses get a slot of their own, which does no harm.
class ConstantPool {
 public:
    explicit ConstantPool(std::vector<double>& constants) : constants_(constants) { recent_.fill(no_slot); }

    Slot find_or_add(double constant) {
        const auto bits = std::bit_cast<std::uint64_t>(constant);
        Slot& position = recent_[(bits * 0x9e3779b97f4a7c15) >> 56];
        if (position == no_slot || std::bit_cast<std::uint64_t>(constants_[position]) != bits) {
            position = static_cast<Slot>(constants_.size());
            constants_.push_back(constant);
        }
        return position;
    }

 private:
    std::vector<double>& constants_;
    std::array<Slot, 256> recent_;
};

// While nodes are walked, the three kinds of slots grow side by side: the two top bits tell them apart.
constexpr Slot bound_kind = 0, constant_kind = 1, result_kind = 2, kind_shift = 30;
constexpr Slot tagged(Slot kind, Slot number) { return kind << kind_shift | number; }

// A program has no operations on sequences: what they are made of stands in their place.
struct Expanded {
    std::optional<Expansion> expansion;  // owns the twins
    std::vector<Node*> twins;
    std::span<Node* const> outputs;
    std::vector<Node*> order;

    Expanded(std::span<Node* const> given, const Node* since) : outputs(given), order(topological_order(given)) {
        const auto sequence = std::find_if(order.begin(), order.end(), [](Node* n) { return is_sequence(n->op); });
        if (sequence == order.end()) return;
        if (since) throw Uncapturable{*sequence};  // a recording makes none, so it was computed before
        // Its operands would keep their sequences.
        const auto custom = std::find_if(order.begin(), order.end(), [](Node* n) { return n->op == Op::custom; });
        if (custom != order.end()) throw Uncapturable{*custom};
        expansion.emplace(given);
        for (Node* output : given) twins.push_back((*expansion)[output]);
        outputs = twins;
        order = topological_order(outputs);
    }
};

}  // namespace

Capture capture(std::span<Node* const> outputs, const Leaves& leaves) {
    const auto [inputs, constants, since] = leaves;
    Capture result{};
    Program& program = result.program;
    const Expanded expanded(outputs, since);
    outputs = expanded.outputs;
    const std::vector<Node*>& order = expanded.order;
    if (order.size() + inputs.size() >= std::size_t{1} << kind_shift) throw std::length_error("too many nodes");
    result.nodes = order.size();

    NodeIndex slot_of;
    ConstantPool pool(program.constants);
    program.inputs = static_cast<std::uint32_t>(inputs.size());
    program.instructions.reserve(inputs.size() + order.size());
    for (Node* input : inputs) {
        const auto number = static_cast<Slot>(program.instructions.size());
        slot_of[input] = tagged(result_kind, number);
        program.instructions.push_back({Op::leaf, number, 0});
    }
    for (Node* leaf : constants) {
        if (slot_of[leaf] == NodeIndex::absent) slot_of[leaf] = tagged(constant_kind, pool.find_or_add(leaf->data));
    }
    const auto node_slot = [&](Node* node) {
        Slot& slot = slot_of[node];
        if (slot == NodeIndex::absent) {  // a leaf at its first use
            slot = tagged(bound_kind, static_cast<Slot>(result.bound.size()));
            result.bound.push_back(node);
        }
        return slot;
    };
    const auto operand_slot = [&](const Operand& operand, bool is_constant) {
        return is_constant ? tagged(constant_kind, pool.find_or_add(operand.constant)) : node_slot(operand.node);
    };
    for (Node* node : order) {
        interruption.check_at(program.instructions.size());
        if (node->is_leaf()) continue;
        if (node->op == Op::custom || (since && is_older(node, since))) throw Uncapturable{node};
        const Slot x = operand_slot(node->x, node->has(Node::x_is_constant));
        const Slot y = is_unary(node->op) ? 0 : operand_slot(node->y, node->has(Node::y_is_constant));
        slot_of[node] = tagged(result_kind, static_cast<Slot>(program.instructions.size()));
        program.instructions.push_back({node->op, x, y});
    }
    for (Node* output : outputs) program.outputs.push_back(node_slot(output));

    program.leaves.resize(result.bound.size());
    std::iota(program.leaves.begin(), program.leaves.end(), 0);
    const Slot base[] = {0, program.bound(), program.first_result()};
    const auto untag = [&](Slot& slot) { slot = base[slot >> kind_shift] + (slot & ((Slot{1} << kind_shift) - 1)); };
    for (Instruction& instruction : program.instructions) {
        if (instruction.op == Op::leaf) continue;
        untag(instruction.x);
        if (!is_unary(instruction.op)) untag(instruction.y);
    }
    for (Slot& output : program.outputs) untag(output);
    return result;
}

}  // namespace fastgrad::ir
