// Runs a plan forwards and backwards over the memory of one thread.
#pragma once

#include <memory>
#include <vector>

#include "ir/program.hpp"
#include "run/kernels/kernels.hpp"
#include "run/plan.hpp"

namespace fastgrad::run {

// What does not vary, as single numbers; what varies, as `lanes` numbers a slot. With one lane the two lie one
// behind the other, so that a slot's number is its place.
struct Memory {
    double *fixed, *varying;
    double *fixed_gradients, *varying_gradients;  // fixed: eight partial sums a slot, if there are several lanes
};

class Executor {
 public:
    Executor(const Program& program, const Plan& plan, const Kernels& kernels)
        : program_(program), plan_(plan), kernels_(kernels), first_varying_(program.first_varying()) {}

    // The runs [from, to) of the plan, and the same backwards. For several lanes, varying runs only.
    void forward(Width width, const Memory& memory, std::size_t from, std::size_t to) const;
    void reverse(Width width, const Memory& memory, std::size_t from, std::size_t to) const;

    Slot first_varying() const { return first_varying_; }

 private:
    template <std::size_t lanes>
    friend class LaneInterpreter;

    const Program& program_;
    const Plan& plan_;
    const Kernels& kernels_;
    const Slot first_varying_;
};

}  // namespace fastgrad::run
