// Compiles a program into an executable: the passes, then the plan and the kernels.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ir/file.hpp"
#include "run/executable.hpp"

namespace fastgrad::run {

// Runs the named passes and records what they did in `origin`. An empty `instruction_set` chooses the best one.
// Throws std::bad_alloc, Interrupted, and std::invalid_argument for an instruction set that this machine lacks.
std::unique_ptr<Executable> compile(ir::Program program, ir::Origin& origin, const std::vector<std::string>& passes,
                                    std::string_view instruction_set);

}  // namespace fastgrad::run
