// fastgrad._core.Graph: captured graphs in Python.
#include <pybind11/stl.h>

#include "bind/captured_graph.hpp"
#include "bind/jit.hpp"
#include "bind/oom.hpp"
#include "bind/registration.hpp"
#include "bind/value/values.hpp"
#include "core/rewrites.hpp"
#include "passes/passes.hpp"

namespace py = pybind11;

namespace fastgrad::bind {

void register_graph(py::module_& module) {
    module.def(
        "passes",
        [] {
            py::list rows;
            for (const passes::Pass& pass : passes::table()) {
                rows.append(py::make_tuple(pass.name, name_of(pass.keeps), pass.effect));
            }
            return py::tuple(rows);
        },
        "The table of passes: name, what it keeps, and its effect.");
    module.def("instruction_sets", run::instruction_sets,
               "The instruction sets that captured graphs can use on this machine, the best first.");
    module.def("vector_functions", run::vector_functions,
               "The operations whose values the C library computes on whole registers: what vector_math uses.");

    py::class_<CapturedGraph, std::shared_ptr<CapturedGraph>>(module, "Graph", checked_allocation(),
                                                              "The native half of fastgrad.Graph.")
        .def(py::init([](const BoundProgram& program, const std::vector<std::string>& passes,
                         const std::string& instruction_set) {
                 return std::make_shared<CapturedGraph>(program, passes, instruction_set);
             }),
             py::arg("program"), py::kw_only(), py::arg("passes") = std::vector<std::string>(),
             py::arg("instruction_set") = "")
        .def(
            "_to_bytes", [](const CapturedGraph& graph) { return new_bytes(graph.to_bytes()); },
            "What read_program() reads.")
        .def("text", &CapturedGraph::to_text,
             "The program as text, an instruction a line, with the bound leaves' present data and labels:\n"
             "Graph.from_text() reads it.")
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
        .def("_gradient", &CapturedGraph::gradient, py::kw_only(), py::arg("values"), py::arg("parameters"),
             "The program that computes the gradient.")
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
    module.def(
        "rewrites",
        [] {
            py::list rows;
            for (const Rewrite& rule : rewrites()) {
                rows.append(py::make_tuple(rule.pattern_text, rule.result_text, name_of(rule.keeps)));
            }
            return py::tuple(rows);
        },
        "The table of rewrites: pattern, result, and what it keeps.");
    module.def("replay", &replay, py::arg("graph"), py::arg("leaves"), py::kw_only(), py::arg("batch"),
               py::arg("values"), py::arg("shared"), py::arg("reduce"), py::arg("name"), py::arg("threads"),
               "A run as nodes of the eager graph, for jit and vmap; None where a guard fails.");
}

}  // namespace fastgrad::bind
