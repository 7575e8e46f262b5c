// The functions that module.cpp calls, one for each topic.
#pragma once

#include <pybind11/pybind11.h>

namespace fastgrad::bind {

void register_operations(pybind11::module_& module);
void register_sweep(pybind11::module_& module);
void register_signals();
void register_memory(pybind11::module_& module);
void register_expansion(pybind11::module_& module);
void register_scopes(pybind11::module_& module);
void register_build_info(pybind11::module_& module);
#ifdef FASTGRAD_CHECKS
void register_checks(pybind11::module_& module);
#endif
#ifdef FASTGRAD_FAILING_ALLOCATIONS
void register_failing_allocations(pybind11::module_& module);
#endif
void register_snapshot(pybind11::module_& module);
void register_tracing(pybind11::module_& module);
void register_bound_program(pybind11::module_& module);
void register_graph(pybind11::module_& module);
void register_program_view(pybind11::module_& module);
void register_derivatives(pybind11::module_& module);
void register_rules(pybind11::module_& module);
void register_optimizer(pybind11::module_& module);
void register_grad_clipping(pybind11::module_& module);

}  // namespace fastgrad::bind
