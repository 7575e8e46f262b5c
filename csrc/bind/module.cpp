// Defines the module fastgrad._core from its parts.
#include <pybind11/pybind11.h>

#include "bind/grad_mode.hpp"
#include "bind/registration.hpp"
#include "bind/tracing.hpp"
#include "bind/value/object.hpp"
#include "bind/value/slots.hpp"

namespace py = pybind11;

// A free-threaded interpreter enables its GIL: eager nodes are in one store without locks.
PYBIND11_MODULE(_core, module, py::mod_gil_used()) {
    using namespace fastgrad::bind;
    module.doc() = "The native half of fastgrad.";
    if (!make_base_type(module.ptr()) || !add_operation_functions(module.ptr()) ||
        !add_sequence_functions(module.ptr())) {
        throw py::error_already_set();
    }
    module.def(
        "set_value_type",
        [](const py::type& type) {
            if (!set_value_type(type.ptr())) throw py::error_already_set();
        },
        py::arg("type"), "Name the subclass of Value that operators make.");
    module.def(
        "enter_no_grad",
        [] {
            if (refused_while_tracing("no_grad")) throw py::error_already_set();
            enter_no_grad();
        },
        "Enter no_grad, in this thread.");
    module.def("leave_no_grad", leave_no_grad, "Leave no_grad, in this thread.");
    module.attr("__version__") = FASTGRAD_VERSION;
    register_operations(module);
    register_sweep(module);
    register_signals();
    register_memory(module);
    register_expansion(module);
    register_scopes(module);
    register_build_info(module);
#ifdef FASTGRAD_CHECKS
    register_checks(module);
#endif
#ifdef FASTGRAD_FAILING_ALLOCATIONS
    register_failing_allocations(module);
#endif
    register_snapshot(module);
    register_tracing(module);
    register_bound_program(module);
    register_graph(module);
    register_program_view(module);
    register_derivatives(module);
    register_rules(module);
    register_optimizer(module);
    register_grad_clipping(module);
}
