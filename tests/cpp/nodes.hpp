// Nodes for the tests of the core, held by Terms, whose arithmetic creates nodes as Python's operators do.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <utility>

#include "core/interruption.hpp"
#include "core/tape.hpp"
#include "core/term.hpp"

namespace fastgrad::test {

inline Term leaf(double data) { return Term::adopt(tape.leaf(data)); }

// A custom operation with these local gradients or, if there are none, with this callback.
inline Term custom(std::initializer_list<Node*> operands, std::initializer_list<double> local_gradients,
                   std::shared_ptr<BackwardCallback> callback = nullptr) {
    auto operation = std::make_unique<CustomOperation>();
    operation->operands = operands;
    operation->local_gradients = local_gradients;
    operation->callback = std::move(callback);
    return Term::adopt(tape.custom(0.0, std::move(operation)));
}

// A callback that runs a function.
template <class Run>
class Callback final : public BackwardCallback {
 public:
    explicit Callback(Run run) : run_(std::move(run)) {}
    bool run() override { return run_(); }

 private:
    Run run_;
};

template <class Run>
std::shared_ptr<BackwardCallback> callback(Run run) {
    return std::make_shared<Callback<Run>>(std::move(run));
}

// Simulates a pending Ctrl-C during its lifetime.
class Interrupting {
 public:
    Interrupting() {
        interruption = {[] { return true; }, [] { return true; }};
    }
    ~Interrupting() { interruption = before_; }
    Interrupting(const Interrupting&) = delete;
    Interrupting& operator=(const Interrupting&) = delete;

 private:
    const Interruption before_ = interruption;
};

inline std::size_t live_nodes() { return tape.memory().live_nodes; }

}  // namespace fastgrad::test
