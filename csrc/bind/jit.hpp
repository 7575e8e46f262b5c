// Runs a recorded function and adds the run to the eager graph as nodes.
#pragma once

#include <pybind11/pybind11.h>

#include <memory>
#include <string>

#include "bind/captured_graph.hpp"

namespace fastgrad::bind {

// The outputs as new Values, or None if a guard fails and the recording therefore does not apply. Gradients flow to
// the Values among `leaves` and `shared`, and to the bound leaves.
//
// `leaves`: the inputs. For one sample (batch None) these are numbers, Values, and arrays of shape (n,), otherwise
// arrays of shape (batch, n). `values`: Values that supply numbers of these arrays, as (row, column, Value).
// `shared`: numbers or Values for the shared leaves. `reduce`: "" for one Value for each output and sample; "sum" or
// "mean" to reduce the only output.
pybind11::object replay(const std::shared_ptr<CapturedGraph>& graph, const pybind11::list& leaves,
                        const pybind11::object& batch, const pybind11::list& values, const pybind11::list& shared,
                        const std::string& reduce, const std::string& name, unsigned threads);

}  // namespace fastgrad::bind
