#include "core/expand.hpp"

#include <utility>

#include "core/order.hpp"
#include "core/sequences.hpp"

namespace fastgrad {

std::vector<Term> terms_of(const OperandList& list) {
    const OperandList::View operands = list.view();
    std::vector<Term> terms;
    terms.reserve(operands.size());
    for (std::size_t i = 0; i < operands.size(); ++i) {
        terms.push_back(operands.is_constant(i) ? Term(operands.constant(i)) : Term(operands.node(i)));
    }
    return terms;
}

std::vector<Term> expand(Op op, const std::vector<Term>& numbers, std::size_t target) {
    const SequenceOperation& row = sequence_operation(op);
    std::vector<Term> saved(row.saved(numbers.size()));
    std::vector<Term> expanded(row.results == Results::each ? 1 + numbers.size() : 1);
    const std::span<Term> results = std::span(expanded).subspan(1);
    expanded.front() = sequences::evaluate(op, numbers, sequences::Frame<Term>{saved, results, target});
    for (Term& each : expanded) {
        if (each.is_constant()) each = Term::adopt(tape.leaf(each.data()));
    }
    return expanded;
}

Expansion::Expansion(std::span<Node* const> roots) {
    bool has_sequence = false;
    for (Node* node : topological_order(roots)) {
        const scopes::Within within(node->scope);
        switch (kind_of(node->op)) {
            case NodeKind::leaf:
            case NodeKind::custom: break;
            case NodeKind::scalar:
                if (has_sequence) rebuild(node);
                break;
            case NodeKind::element: {
                const std::size_t results = index_[node->x.node] + 1;
                put(node, Term(twins_[results + static_cast<std::size_t>(node->y.constant)]));
                break;
            }
            case NodeKind::sequence:
                has_sequence = true;
                expand_sequence(node);
                break;
        }
    }
}

Term Expansion::term_of(Node* node) {
    const std::uint32_t position = index_[node];
    return position == NodeIndex::absent ? Term(node) : twins_[position];
}

void Expansion::expand_sequence(Node* node) {
    std::vector<Term> numbers = terms_of(*node->x.list);
    for (Term& number : numbers) {
        if (!number.is_constant()) number = term_of(number.node());
    }
    std::vector<Term> expanded = expand(node->op, numbers, node->x.list->target);
    put(node, std::move(expanded.front()));
    for (Term& result : std::span(expanded).subspan(1)) twins_.push_back(std::move(result));
}

void Expansion::rebuild(Node* node) {
    const bool x_is_constant = node->has(Node::x_is_constant), y_is_constant = node->has(Node::y_is_constant);
    const Term x = operand(node->x, x_is_constant), y = operand(node->y, y_is_constant);
    const auto constants = static_cast<std::uint8_t>(node->flags & (Node::x_is_constant | Node::y_is_constant));
    put(node, Term::adopt(tape.binary(node->op, node->data, x.operand(), y.operand(), constants)));
}

void Expansion::put(Node* node, Term twin) {
    const bool is_new = !twin.node()->object;  // the sum of one number is that number
    if (is_new && node->has(Node::labeled)) tape.set_label(twin.node(), tape.label(node));
    index_[node] = static_cast<std::uint32_t>(twins_.size());
    twins_.push_back(std::move(twin));
}

}  // namespace fastgrad
