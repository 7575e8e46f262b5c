#include "core/expand.hpp"

#include <utility>

#include "core/order.hpp"
#include "core/sequences.hpp"

namespace fastgrad {

namespace {

// The exponentials of some numbers, and the memory that they need.
struct TermExponentials {
    std::vector<Term> y, e;
    Term total;
    sequences::Exponentials<Term> all{y, e, total};

    explicit TermExponentials(std::vector<Term> numbers) : y(std::move(numbers)), e(y.size()) { compute(all); }
};

std::vector<Term> results_of(Op op, std::vector<Term> numbers) {
    const TermExponentials exponentials(std::move(numbers));
    const std::size_t size = exponentials.all.y.size();
    std::vector<Term> results;
    results.reserve(size);
    if (op == Op::softmax) {
        for (std::size_t i = 0; i < size; ++i) results.push_back(softmax(exponentials.all, i));
        return results;
    }
    const Term log_total = log(exponentials.all.total);
    for (std::size_t i = 0; i < size; ++i) results.push_back(log_softmax(exponentials.all, log_total, i));
    return results;
}

Term value_of(Op op, std::vector<Term> numbers, std::uint32_t target) {
    switch (op) {
        case Op::sum: return sequences::sum(numbers);
        case Op::mean: return sequences::mean(numbers);
        case Op::dot: return sequences::dot(numbers);
        case Op::max: return sequences::max(numbers);
        case Op::min: return sequences::min(numbers);
        case Op::mse: return sequences::mse(numbers);
        case Op::norm: return sequences::norm(numbers, [](std::size_t, const Term&) {});
        case Op::cross_entropy: return cross_entropy(TermExponentials(std::move(numbers)).all, target);
        default: return logsumexp(TermExponentials(std::move(numbers)).all);
    }
}

}  // namespace

std::vector<Term> terms_of(const OperandList& list) {
    const OperandList::View operands = list.view();
    std::vector<Term> terms;
    terms.reserve(operands.size());
    for (std::size_t i = 0; i < operands.size(); ++i) {
        terms.push_back(operands.is_constant(i) ? Term(operands.constant(i)) : Term(operands.node(i)));
    }
    return terms;
}

std::vector<Term> expand(Op op, std::vector<Term> numbers, std::uint32_t target) {
    if (has_several_results(op)) return results_of(op, std::move(numbers));
    return {value_of(op, std::move(numbers), target)};
}

Expansion::Expansion(std::span<Node* const> roots) {
    bool has_sequence = false;
    for (Node* node : topological_order(roots)) {
        const scopes::Within within(node->scope);
        if (is_sequence(node->op)) {
            has_sequence = true;
            expand_sequence(node);
        } else if (node->op == Op::element) {
            const std::size_t results = index_[node->x.node] + 1;
            put(node, Term(twins_[results + static_cast<std::size_t>(node->y.constant)]));
        } else if (is_row(node->op) && has_sequence) {
            rebuild(node);
        }
    }
}

Term Expansion::term_of(Node* node) {
    const std::uint32_t position = index_[node];
    return position == NodeIndex::absent ? Term(node) : twins_[position];
}

void Expansion::expand_sequence(Node* node) {
    const OperandList::View operands = node->x.list->view();
    const std::uint32_t target = node->x.list->target;
    std::vector<Term> numbers;
    numbers.reserve(operands.size());
    for (std::size_t i = 0; i < operands.size(); ++i) {
        numbers.push_back(operands.is_constant(i) ? Term(operands.constant(i)) : term_of(operands.node(i)));
    }
    if (!has_several_results(node->op)) return put(node, value_of(node->op, std::move(numbers), target));
    put(node, value_of(Op::logsumexp, numbers, target));
    for (Term& result : results_of(node->op, std::move(numbers))) twins_.push_back(std::move(result));
}

void Expansion::rebuild(Node* node) {
    const bool x_is_constant = node->has(Node::x_is_constant), y_is_constant = node->has(Node::y_is_constant);
    const Term x = operand(node->x, x_is_constant), y = operand(node->y, y_is_constant);
    const auto constants = static_cast<std::uint8_t>(node->flags & (Node::x_is_constant | Node::y_is_constant));
    put(node, Term::adopt(tape.binary(node->op, node->data, x.operand(), y.operand(), constants)));
}

void Expansion::put(Node* node, Term twin) {
    const bool is_new = !twin.node()->object;  // the sum of one number is that number
    if (is_new && node->has(Node::labelled)) tape.set_label(twin.node(), tape.label(node));
    index_[node] = static_cast<std::uint32_t>(twins_.size());
    twins_.push_back(std::move(twin));
}

}  // namespace fastgrad
