// A program that is ready to run, by any number of threads at once.
#pragma once

#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "run/executor.hpp"
#include "run/plan.hpp"
#include "run/workspace.hpp"

namespace fastgrad::run {

// The numbers of one input, one for each sample.
struct Column {
    const double* first;
    std::size_t stride;
};

// One run over a batch. Arrays are row-major, with one row for each sample.
struct Batch {
    const double* bound = nullptr;    // the bound leaves' numbers
    const double* inputs = nullptr;   // batch x inputs
    const Column* columns = nullptr;  // an alternative to `inputs`: one for each input
    std::size_t batch = 1;
    double* outputs = nullptr;  // batch x outputs

    // For the gradients of the sum of cotangent * output; null if only outputs are wanted.
    const double* cotangents = nullptr;  // batch x outputs, or one row for all
    bool one_cotangent_row = false;
    double* input_gradients = nullptr;  // batch x inputs; null if not wanted
    double* bound_gradients = nullptr;  // summed over the batch

    unsigned threads = 1;
};

// How a run ended.
struct Outcome {
    enum Kind : unsigned char { done, stopped, guard_failed };
    Kind kind = done;
    std::size_t row = 0;    // the first sample that fails a guard
    std::size_t guard = 0;  // the first guard that this sample fails
};

class Executable {
 public:
    // `loops`: see make_plan.
    Executable(Program program, bool loops, const Kernels& kernels);

    // The outcome is the same for any `threads`. In a long run, the calling thread calls `stops` from time to time.
    // Unless the outcome is `done`, the results are meaningless. Throws std::bad_alloc.
    using Stops = bool (*)();
    Outcome run(const Batch& batch, Stops stops) const;

    const Program& program() const { return program_; }
    const Plan& plan() const { return plan_; }
    const Kernels& kernels() const { return kernels_; }
    std::size_t bytes() const;

 private:
    class LeasedWorkspace;
    class InterruptPoll;
    class BatchRun;

    Program program_;
    const Plan plan_;
    const Kernels& kernels_;
    const Slot first_varying_;
    const std::unique_ptr<const Executor> executor_;
    const std::size_t runs_a_walk_;  // chosen so that a walk takes about a millisecond
    std::vector<Slot> input_slots_;  // by input number
    mutable std::mutex mutex_;
    mutable std::vector<std::unique_ptr<Workspace>> idle_;
};

}  // namespace fastgrad::run
