// A captured graph with the Values that it is bound to.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bind/arrays.hpp"
#include "bind/node_refs.hpp"
#include "bind/oom.hpp"
#include "core/node.hpp"
#include "ir/file.hpp"
#include "run/executable.hpp"

namespace fastgrad::bind {

class CapturedGraph : public InitOnly {
 public:
    struct Recording {
        std::vector<Node*> outputs, inputs, constants;
        std::vector<Node*> shared;  // leaves, bound to other numbers at each call
        std::size_t conditions = 0;
        const Node* since = nullptr;
    };
    CapturedGraph(const Recording& recording, const std::vector<std::string>& passes,
                  const std::string& instruction_set);
    // As it was saved; `bound`: the leaves to bind, as many as it has.
    CapturedGraph(ir::SavedGraph saved, NodeRefs bound, const std::string& instruction_set);

    // What graph/file.hpp describes, with the bound leaves' present numbers and labels.
    std::string to_bytes() const;

    std::size_t inputs() const { return graph_->program().inputs; }
    std::size_t outputs() const { return graph_->program().outputs.size(); }
    const ir::Program& program() const { return graph_->program(); }
    const std::vector<Node*>& bound() const { return bound_.nodes(); }
    // Where the shared leaves are among the bound ones; no_slot for one that no output needs.
    const std::vector<std::uint32_t>& shared() const { return shared_; }

    pybind11::array call(const pybind11::object& x, unsigned threads) const;
    pybind11::tuple value_and_grad(const pybind11::object& x, unsigned threads) const;
    pybind11::tuple vjp(const pybind11::object& x, const pybind11::object& weights, unsigned threads) const;
    pybind11::tuple parameters() const { return bound_.values(); }
    pybind11::dict stats() const;
    std::string listing() const;
    const std::vector<std::string>& passes() const { return origin_.passes; }

    // The bound leaves' present numbers.
    void read_bound(double* numbers) const;
    // Adds to their gradients; a shared leaf gets its share too, which nobody reads.
    void add_to_bound(const double* gradients, double scale) const;
    // Lets other threads run Python meanwhile.
    void run(const run::Batch& call) const;

 private:
    Array as_inputs(const pybind11::object& x) const;
    // Reads the bound leaves, runs, and adds to their gradients if it is to.
    void run_bound(run::Batch& call, bool accumulates) const;

    ir::Origin origin_;
    NodeRefs bound_;
    std::vector<std::uint32_t> shared_;
    std::unique_ptr<run::Executable> graph_;
};

}  // namespace fastgrad::bind
