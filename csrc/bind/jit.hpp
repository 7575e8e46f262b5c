// A run of a recorded function, as nodes of the eager graph.
#pragma once

#include <pybind11/pybind11.h>

#include <memory>
#include <string>

#include "bind/captured_graph.hpp"

namespace fastgrad::bind {

// The outputs as new Values, or None where a guard fails, so that the recording does not fit. Gradients flow to the
// Values among `leaves` and `shared`, and to the bound leaves.
//
// `leaves`: the inputs; for one sample (batch None) numbers, Values, and arrays of shape (n,), else arrays of shape
// (batch, n). `values`: Values that stand behind numbers of those arrays, as (row, column, Value). `shared`: numbers
// or Values for the shared leaves. `reduce`: "" for one Value an output and sample; "sum" or "mean" of the one
// output.
pybind11::object replay(const std::shared_ptr<CapturedGraph>& graph, const pybind11::list& leaves,
                        const pybind11::object& batch, const pybind11::list& values, const pybind11::list& shared,
                        const std::string& reduce, const std::string& name, unsigned threads);

}  // namespace fastgrad::bind
