// A captured graph with the Values that it is bound to.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bind/arrays.hpp"
#include "bind/bound_program.hpp"
#include "bind/node_refs.hpp"
#include "bind/oom.hpp"
#include "core/node.hpp"
#include "ir/file.hpp"
#include "run/executable.hpp"

namespace fastgrad::bind {

class CapturedGraph : public InitOnly {
 public:
    // Throws std::bad_alloc, Interrupted, and std::invalid_argument for an instruction set that this machine lacks.
    CapturedGraph(const BoundProgram& source, const std::vector<std::string>& passes,
                  const std::string& instruction_set);

    // The formats of ir/file.hpp and ir/text.hpp, with the bound leaves' current numbers and labels.
    std::string to_bytes() const;
    std::string to_text() const;

    std::size_t inputs() const { return graph_->program().inputs; }
    std::size_t outputs() const { return graph_->program().outputs.size(); }
    const ir::Program& program() const { return graph_->program(); }
    const ir::Origin& origin() const { return origin_; }
    const run::Plan& plan() const { return graph_->plan(); }
    const std::vector<Node*>& bound() const { return bound_.nodes(); }
    // The positions of the shared leaves among the bound ones; no_slot for one that no output needs.
    const std::vector<std::uint32_t>& shared() const { return shared_; }

    // The program that computes the gradients; see ir/differentiate.hpp.
    std::shared_ptr<BoundProgram> gradient(bool values, bool parameters) const;

    pybind11::array call(const pybind11::object& x, unsigned threads) const;
    pybind11::tuple value_and_grad(const pybind11::object& x, unsigned threads) const;
    pybind11::tuple vjp(const pybind11::object& x, const pybind11::object& weights, unsigned threads) const;
    pybind11::tuple parameters() const { return bound_.values(); }
    pybind11::dict stats() const;
    std::string listing() const;
    const std::vector<std::string>& passes() const { return origin_.passes; }

    // The bound leaves' current numbers.
    void read_bound(double* numbers) const;
    // Adds to the bound leaves' gradients. A shared leaf gets its contribution too, but nothing reads it.
    void add_to_bound(const double* gradients, double scale) const;
    // Releases the GIL meanwhile in long runs.
    run::Outcome run(const run::Batch& call) const;

 private:
    ir::BoundLeaves bound_leaves() const;
    Array as_inputs(const pybind11::object& x) const;
    // Reads the bound leaves, runs, and adds to their gradients if `accumulates`.
    void run_bound(run::Batch& call, bool accumulates) const;

    ir::Origin origin_;
    NodeRefs bound_;
    std::vector<std::uint32_t> shared_;
    std::unique_ptr<run::Executable> graph_;
};

}  // namespace fastgrad::bind
