// A program's instructions in another order.
#pragma once

#include <vector>

#include "ir/program.hpp"

namespace fastgrad::passes {

using namespace ir;

// `order` names each present instruction once, operands before results. The terms of dots follow the order too.
void permute(Program& program, const std::vector<std::uint32_t>& order);

// Bound leaves and constants in the order of their first use; constants without one are dropped.
void number_by_first_use(Program& program);

}  // namespace fastgrad::passes
