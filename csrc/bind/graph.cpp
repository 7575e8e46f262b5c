// fastgrad._core.Graph: how Python reaches captured graphs.
#include <pybind11/stl.h>

#include <algorithm>

#include "bind/captured_graph.hpp"
#include "bind/jit.hpp"
#include "bind/oom.hpp"
#include "bind/registration.hpp"
#include "bind/value/values.hpp"
#include "core/custom_operation.hpp"
#include "core/tape.hpp"
#include "ir/capture.hpp"
#include "ir/file.hpp"
#include "passes/passes.hpp"

namespace py = pybind11;

namespace fastgrad::bind {

namespace {

void translate_uncapturable(std::exception_ptr pending) {
    try {
        if (pending) std::rethrow_exception(pending);
    } catch (const ir::Uncapturable& uncapturable) {
        const Node* node = uncapturable.node;
        if (node->op == Op::custom) {
            PyErr_Format(
                PyExc_TypeError,
                "the graph has a custom operation ('%s'), which cannot be run again, because only its backward "
                "is known: write it with fastgrad's operations",
                node->x.custom->symbol.c_str());
        } else {
            PyErr_SetString(PyExc_TypeError,
                            "the recorded function uses a Value that was computed outside it, which would never "
                            "change: compute it inside, or pass it as an argument");
        }
    }
}

std::shared_ptr<CapturedGraph> make_graph(const py::sequence& outputs, const py::sequence& inputs,
                                          const py::sequence& constants, const py::sequence& shared,
                                          std::size_t conditions, const py::object& since,
                                          const std::vector<std::string>& passes,
                                          const std::string& instruction_set) {
    CapturedGraph::Recording recording;
    recording.outputs = nodes_of(outputs, "outputs");
    recording.inputs = nodes_of(inputs, "inputs");
    if (recording.outputs.empty()) throw py::value_error("a graph needs an output");
    require_distinct_leaves(recording.inputs, "input");
    recording.constants = nodes_of(constants, "constants");
    recording.shared = nodes_of(shared, "shared");
    recording.conditions = conditions;
    if (!since.is_none()) recording.since = node_of(since.ptr());
    return std::make_shared<CapturedGraph>(recording, passes, instruction_set);
}

// Fresh leaves with the saved numbers and labels.
NodeRefs new_leaves(const ir::BoundLeaves& saved) {
    std::vector<Node*> nodes;
    nodes.reserve(saved.numbers.size());
    const auto unref = [&] { std::for_each(nodes.begin(), nodes.end(), [](Node* node) { tape.release(node); }); };
    try {
        for (const double number : saved.numbers) nodes.push_back(tape.leaf(number));
        for (const auto& [leaf, label] : saved.labels) tape.set_label(nodes[leaf], label);
        NodeRefs held(nodes);
        unref();
        return held;
    } catch (...) {
        unref();
        throw;
    }
}

// Text that Python cannot read would raise only when it is asked for.
void require_unicode(const std::string& text) { static_cast<void>(py::str(text)); }

std::shared_ptr<CapturedGraph> read_graph(const py::bytes& data, const py::object& parameters,
                                          const std::string& instruction_set) {
    ir::SavedGraph saved = ir::from_bytes(std::string_view(data));
    for (const std::string& pass : saved.origin.passes) require_unicode(pass);
    for (const auto& [leaf, label] : saved.bound.labels) require_unicode(label);
    NodeRefs bound;
    if (parameters.is_none()) {
        bound = new_leaves(saved.bound);
    } else {
        bound = NodeRefs(nodes_of(parameters, "parameters"));
        if (bound.nodes().size() != saved.bound.numbers.size()) {
            throw py::value_error("a graph of " + std::to_string(saved.bound.numbers.size()) +
                                  " bound leaves cannot be bound to " + std::to_string(bound.nodes().size()));
        }
        require_distinct_leaves(bound.nodes(), "parameter");
    }
    return std::make_shared<CapturedGraph>(std::move(saved), std::move(bound), instruction_set);
}

}  // namespace

void register_graph(py::module_& module) {
    py::register_exception_translator(translate_uncapturable);
    py::list names;
    for (const passes::Pass& pass : passes::table()) names.append(pass.name);
    module.attr("PASSES") = py::tuple(names);
    module.def("instruction_sets", run::instruction_sets,
               "The instruction sets that captured graphs can use on this machine, the best first.");
    module.def("vector_functions", run::vector_functions,
               "The operations whose values the C library computes on whole registers: what vector_math uses.");

    py::class_<CapturedGraph, std::shared_ptr<CapturedGraph>>(module, "Graph", checked_allocation(),
                                                              "The native half of fastgrad.Graph.")
        .def(py::init(&make_graph), py::arg("outputs"), py::arg("inputs"), py::kw_only(), py::arg("constants"),
             py::arg("shared"), py::arg("conditions"), py::arg("since"), py::arg("passes"),
             py::arg("instruction_set"))
        .def(py::init(&read_graph), py::arg("data"), py::kw_only(), py::arg("parameters"), py::arg("instruction_set"))
        .def(
            "_to_bytes", [](const CapturedGraph& graph) { return new_bytes(graph.to_bytes()); },
            "What Graph(data) reads.")
        .def("__call__", &CapturedGraph::call, py::arg("x") = py::none(), py::kw_only(), py::arg("threads") = 1,
             "The outputs, shape (m,), for inputs x of shape (n,); (batch, m) for (batch, n).\n\n"
             "x may be left out of a graph without inputs. Other numbers than float64, and strided arrays, are\n"
             "converted once. Follows IEEE arithmetic: no number is an error.\n\n"
             "Raises:\n"
             "    TypeError: x is not made of real numbers.\n"
             "    ValueError: x has another shape, or threads is below 1.")
        .def("value_and_grad", &CapturedGraph::value_and_grad, py::arg("x") = py::none(), py::kw_only(),
             py::arg("threads") = 1,
             "The value of the one output, a float, and its gradient, shape (n,); for x of shape (batch, n) the\n"
             "values, (batch,), and the gradients, (batch, n).\n\n"
             "Adds to the grad of the bound leaves, summed over the batch; the sum is the same for any number of\n"
             "threads.\n\n"
             "Raises:\n"
             "    TypeError: x is not made of real numbers.\n"
             "    ValueError: x has another shape, the graph has several outputs, or threads is below 1.")
        .def("vjp", &CapturedGraph::vjp, py::arg("x"), py::arg("cotangents"), py::kw_only(), py::arg("threads") = 1,
             "The outputs, and the gradient of sum(cotangents * outputs) with respect to x, shaped like x.\n\n"
             "cotangents is shaped like the outputs: (m,), or (batch, m). Adds to the grad of the bound leaves, "
             "summed\n"
             "over the batch.\n\n"
             "Raises:\n"
             "    TypeError: x or cotangents is not made of real numbers.\n"
             "    ValueError: one of them has another shape, or threads is below 1.")
        .def("replay", &replay, py::arg("leaves"), py::kw_only(), py::arg("batch"), py::arg("values"),
             py::arg("shared"), py::arg("reduce"), py::arg("answers"), py::arg("name"), py::arg("threads"),
             "A run as nodes of the eager graph, for jit and vmap; None where the comparisons turn out otherwise.")
        .def("stats", &CapturedGraph::stats,
             "What was captured and what the passes made of it: the nodes reached, instructions before and after, "
             "dots\n"
             "and their terms, runs, loops among them, the instructions in those, bytes, the instruction set.")
        .def("listing", &CapturedGraph::listing,
             "The runs, a line each: how many rows, of what, and where the operands lie (f: the same for all "
             "samples,\n"
             "v: varying; +step for each row i, +step for each term k).")
        .def_property_readonly("parameters", &CapturedGraph::parameters, "The bound leaves, as Values.")
        .def_property_readonly("passes", &CapturedGraph::passes, "The names of the passes that were asked for.")
        .def_property_readonly("inputs_count", &CapturedGraph::inputs, "n, the number of inputs.")
        .def_property_readonly("outputs_count", &CapturedGraph::outputs, "m, the number of outputs.");
}

}  // namespace fastgrad::bind
