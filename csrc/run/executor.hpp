// What executes a plan. The interpreter is one implementation; a back end that compiles a program is another.
#pragma once

#include <cstddef>

#include "run/kernels/kernels.hpp"

namespace fastgrad::run {

// The numbers of one thread: what does not vary between samples, as single numbers, and what does, as `lanes` numbers
// a slot. With one lane the two lie one behind the other, so that a slot's number is its place.
struct Memory {
    double *fixed, *varying;
    double *fixed_gradients, *varying_gradients;  // fixed: eight partial sums a slot, if there are several lanes
};

class Executor {
 public:
    virtual ~Executor() = default;

    // The runs [from, to) of the plan, and the same backwards. For several lanes, varying runs only. Called for about
    // a millisecond's work at a time, by several threads at once.
    virtual void forward(Width width, const Memory& memory, std::size_t from, std::size_t to) const = 0;
    virtual void reverse(Width width, const Memory& memory, std::size_t from, std::size_t to) const = 0;
};

}  // namespace fastgrad::run
