// Executes a plan run by run with compiled kernels. It works on every machine, and other back ends are tested against
// it.
#pragma once

#include "ir/program.hpp"
#include "run/executor.hpp"
#include "run/plan.hpp"

namespace fastgrad::run {

class Interpreter final : public Executor {
 public:
    Interpreter(const Program& program, const Plan& plan, const Kernels& kernels)
        : program_(program), plan_(plan), kernels_(kernels), first_varying_(program.first_varying()) {}

    void forward(Width width, const Memory& memory, std::size_t from, std::size_t to) const override;
    void reverse(Width width, const Memory& memory, std::size_t from, std::size_t to) const override;

 private:
    template <std::size_t lanes>
    friend class LaneInterpreter;

    const Program& program_;
    const Plan& plan_;
    const Kernels& kernels_;
    const Slot first_varying_;
};

}  // namespace fastgrad::run
