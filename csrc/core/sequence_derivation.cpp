#include "core/sequence_derivation.hpp"

#include "core/active.hpp"
#include "core/sequences.hpp"

namespace fastgrad::sequences {

std::vector<OperandGradient> derived_reverse(const Node* node) {
    const OperandList& list = *node->x.list;
    const OperandList::View operands = list.view();
    LocalTape tape(operands.size());
    std::vector<Active> numbers;
    numbers.reserve(operands.size());
    for (std::size_t i = 0; i < operands.size(); ++i) {
        numbers.push_back(operands.is_constant(i) ? Active(operands.constant(i)) : tape.operand(i, operands[i]));
    }
    std::vector<Active> saved(sequence_operation(node->op).saved(operands.size())), results(list.cotangents().size());
    const Active value = evaluate(node->op, numbers, Frame<Active>{saved, results, list.target});
    // If only its results are used, a node's own gradient is 0.
    if (results.empty() || node->grad != 0.0) tape.seed(value, node->grad);
    for (std::size_t i = results.size(); i-- > 0;) {
        if (!OperandList::is_nothing(list.cotangents()[i])) tape.seed(results[i], list.cotangents()[i]);
    }
    std::vector<OperandGradient> gradients;
    tape.reverse([&](std::size_t i, double contribution) { gradients.push_back({i, contribution}); });
    return gradients;
}

}  // namespace fastgrad::sequences
