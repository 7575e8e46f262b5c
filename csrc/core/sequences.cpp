#include "core/sequences.hpp"

#include <cmath>

namespace fastgrad::sequences {

namespace {

// The exponentials of a list's operands, computed into what the list keeps.
template <class Continuation>
double with_exponentials(OperandList& operands, Continuation value) {
    SavedExponentials saved(operands);
    Exponentials<double> exponentials{saved.y, saved.e, saved.total};
    const OperandList::View numbers = operands.view();
    for (std::size_t i = 0; i < numbers.size(); ++i) saved.y[i] = numbers[i];
    compute(exponentials);
    return value(exponentials);
}

}  // namespace

double evaluate(Op op, OperandList& operands) {
    const OperandList::View numbers = operands.view();
    switch (op) {
        case Op::sum: return sum(numbers);
        case Op::mean: return mean(numbers);
        case Op::dot: return dot(numbers);
        case Op::max: return max(numbers);
        case Op::min: return min(numbers);
        case Op::mse: return mse(numbers);
        case Op::norm: return norm(numbers, [&](std::size_t i, double length) { operands.saved()[i] = length; });
        case Op::cross_entropy:
            return with_exponentials(operands, [&](const auto& of) { return cross_entropy(of, operands.target); });
        default: return with_exponentials(operands, logsumexp<double>);
    }
}

void results(Op op, OperandList& operands, std::span<double> results) {
    const SavedExponentials saved(operands);
    const double log_total = std::log(saved.total);
    for (std::size_t i = 0; i < results.size(); ++i) {
        results[i] = op == Op::softmax ? saved.e[i] / saved.total : saved.y[i] - log_total;
    }
}

}  // namespace fastgrad::sequences
