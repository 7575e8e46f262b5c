// Reorders the instructions of a program.
#pragma once

#include <vector>

#include "ir/program.hpp"

namespace fastgrad::passes {

using namespace ir;

// `order` names each existing instruction once, operands before results. The terms of dots are reordered too.
void permute(Program& program, const std::vector<std::uint32_t>& order);

// Renumbers bound leaves and constants in the order of their first use; drops unused constants.
void number_by_first_use(Program& program);

}  // namespace fastgrad::passes
