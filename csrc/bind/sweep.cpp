// The reverse sweep step by step, for those who want to see it: its order, and what a node gives.
#include "core/sweep.hpp"

#include <pybind11/stl.h>

#include <ranges>
#include <string>
#include <vector>

#include "bind/registration.hpp"
#include "bind/tracing.hpp"
#include "bind/value/values.hpp"
#include "core/order.hpp"

namespace py = pybind11;

namespace fastgrad::bind {

namespace {

Node* require_node(const py::handle& value) {
    if (!is_value(value.ptr())) throw py::type_error("a Value is needed, not " + std::string(py::repr(value)));
    if (refused_while_tracing("looking at the sweep")) throw py::error_already_set();
    return node_of(value.ptr());
}

py::list sweep_order(const py::handle& root) {
    Node* node = require_node(root);
    const std::vector<Node*> order = topological_order({&node, 1});
    py::list values;
    for (Node* next : std::views::reverse(order)) values.append(value_of(next));
    return values;
}

py::object contributions_of(const py::handle& value, double gradient, const std::vector<double>& results) {
    const Node* node = require_node(value);
    if (node->op == Op::custom && node->x.custom->local_gradients.empty()) return py::none();
    py::list found;
    for (const Contribution& each : contributions(*node, gradient, results)) {
        found.append(py::make_tuple(value_of(each.operand), each.result, each.amount));
    }
    return found;
}

}  // namespace

void register_sweep(py::module_& module) {
    module.def("sweep_order", sweep_order, py::arg("root"), py::pos_only(),
               "The Values below a root as a reverse sweep comes to them, leaves last. Constants stay constants.");
    module.def(
        "contributions", contributions_of, py::arg("value"), py::arg("gradient"),
        py::arg("results") = std::vector<double>(),
        "What a Value adds to its operands for a gradient, in the order of a sweep: the operand, the number of\n"
        "its result if it has several, the amount. `results` are the gradients of the Value's own results, if\n"
        "it has several. None where a `_backward` function decides.");
}

}  // namespace fastgrad::bind
