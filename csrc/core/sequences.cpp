#include "core/sequences.hpp"

namespace fastgrad::sequences {

double evaluate(Op op, OperandList& operands, std::span<double> results) {
    return evaluate(op, operands.view(), Frame<double>{operands.saved(), results, operands.target});
}

}  // namespace fastgrad::sequences
