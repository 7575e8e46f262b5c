// The interface that executes a plan. The interpreter implements it; a back end that compiles programs is another
// implementation.
#pragma once

#include <cstddef>

#include "run/kernels/kernels.hpp"

namespace fastgrad::run {

// The numbers of one thread: single numbers for slots that are the same in all samples, and `lanes` numbers a slot
// for those that vary. With one lane, the two parts are adjacent, so that a slot's number is its index.
struct Memory {
    double *fixed, *varying;
    double *fixed_gradients, *varying_gradients;  // fixed: eight partial sums a slot, if there are several lanes
};

class Executor {
 public:
    virtual ~Executor() = default;

    // Executes the runs [from, to) of the plan, forwards or backwards; for several lanes, varying runs only. Called
    // for about a millisecond's work at a time, by several threads at once.
    virtual void forward(Width width, const Memory& memory, std::size_t from, std::size_t to) const = 0;
    virtual void reverse(Width width, const Memory& memory, std::size_t from, std::size_t to) const = 0;
};

}  // namespace fastgrad::run
