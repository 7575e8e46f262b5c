// The reverse sweep in Python: step by step, with the numbers that the engine computed.
#include <pybind11/stl.h>

#include <string>

#include "bind/registration.hpp"
#include "bind/tracing.hpp"
#include "bind/value/values.hpp"
#include "core/sweep_log.hpp"

namespace py = pybind11;

namespace fastgrad::bind {

namespace {

py::tuple as_tuple(const Contribution& given) {
    return py::make_tuple(value_of(given.operand), given.result, given.local, given.amount, given.before,
                          given.after);
}

py::tuple as_tuple(const SweepStep& step) {
    py::list contributions;
    for (const Contribution& each : step.contributions) contributions.append(as_tuple(each));
    return py::make_tuple(value_of(step.node), step.gradient, py::tuple(py::cast(step.results)),
                          py::tuple(contributions), step.by_callback);
}

py::list logged_sweep(const py::handle& root) {
    if (!is_value(root.ptr())) throw py::type_error("a Value is needed, not " + std::string(py::repr(root)));
    if (refused_while_tracing("looking at the sweep")) throw py::error_already_set();
    const SweepLog log(node_of(root.ptr()));
    const auto steps = log.run();
    if (!steps) throw py::error_already_set();
    py::list found;
    for (const SweepStep& step : *steps) found.append(as_tuple(step));
    return found;
}

}  // namespace

void register_sweep(py::module_& module) {
    module.def(
        "logged_sweep", logged_sweep, py::arg("root"), py::pos_only(),
        "The steps of root.backward() with all gradients 0 before it: of each the Value, its gradient, those of\n"
        "its results if it has several, what it gave, and whether a `_backward` function did. What it gave: the\n"
        "operand, the number of its result if it has several, the local derivative, the product, and the\n"
        "operand's gradient before and after. Nothing changes: gradients come back, constants stay constants.");
}

}  // namespace fastgrad::bind
