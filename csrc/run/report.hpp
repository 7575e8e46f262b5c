// Describes a compiled program for people: the runs of its plan, and its size.
#pragma once

#include <cstddef>
#include <string>

#include "run/executable.hpp"

namespace fastgrad::run {

struct Stats {
    std::size_t runs, loops, instructions_in_loops;
};
Stats stats_of(const Plan& plan);

// The runs, one line each.
std::string listing_of(const Plan& plan);

}  // namespace fastgrad::run
