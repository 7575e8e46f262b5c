#include "bind/bound_program.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "bind/registration.hpp"
#include "bind/value/values.hpp"
#include "core/custom_operation.hpp"
#include "core/node_index.hpp"
#include "core/tape.hpp"
#include "ir/capture.hpp"
#include "ir/text.hpp"

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

// New leaves with the saved numbers and labels.
NodeRefs new_leaves(const ir::BoundLeaves& saved) {
    std::vector<Node*> nodes;
    nodes.reserve(saved.numbers.size());
    const auto release = [&] { std::for_each(nodes.begin(), nodes.end(), [](Node* node) { tape.release(node); }); };
    try {
        for (const double number : saved.numbers) nodes.push_back(tape.leaf(number));
        for (const auto& [leaf, label] : saved.labels) tape.set_label(nodes[leaf], label);
        NodeRefs refs(nodes);
        release();
        return refs;
    } catch (...) {
        release();
        throw;
    }
}

}  // namespace

std::shared_ptr<BoundProgram> capture_program(const py::sequence& outputs, const py::sequence& inputs,
                                              const py::sequence& constants, const py::sequence& shared,
                                              const py::sequence& guards, const py::object& since) {
    const std::vector<Node*> roots = nodes_of(outputs, "outputs"), given = nodes_of(inputs, "inputs");
    if (roots.empty()) throw py::value_error("a graph needs an output");
    require_distinct_leaves(given, "input");
    const std::vector<Node*> kept = nodes_of(constants, "constants"), varied = nodes_of(shared, "shared");
    std::vector<ir::Answer> answers;
    for (const py::handle guard : guards) {
        const auto [condition, expected] = guard.cast<std::pair<py::object, bool>>();
        answers.push_back({node_of(condition.ptr()), expected});
    }
    ir::Capture capture =
        ir::capture(roots, answers, {given, kept, since.is_none() ? nullptr : node_of(since.ptr())});

    auto result = std::make_shared<BoundProgram>();
    result->program = std::move(capture.program);
    result->origin.nodes = capture.nodes;
    result->origin.instructions = result->program.instructions.size() - result->program.inputs;
    NodeIndex position;
    for (std::uint32_t i = 0; i < capture.bound.size(); ++i) position[capture.bound[i]] = i;
    for (Node* node : varied) result->shared.push_back(position[node]);
    result->bound = NodeRefs(std::move(capture.bound));
    return result;
}

std::shared_ptr<BoundProgram> bind_saved(ir::SavedGraph saved, const py::object& parameters) {
    for (const std::string& pass : saved.origin.passes) require_unicode(pass);
    for (const auto& [leaf, label] : saved.bound.labels) require_unicode(label);
    auto result = std::make_shared<BoundProgram>();
    if (parameters.is_none()) {
        result->bound = new_leaves(saved.bound);
    } else {
        NodeRefs bound(nodes_of(parameters, "parameters"));
        if (bound.nodes().size() != saved.bound.numbers.size()) {
            throw py::value_error("a graph of " + std::to_string(saved.bound.numbers.size()) +
                                  " bound leaves cannot be bound to " + std::to_string(bound.nodes().size()));
        }
        require_distinct_leaves(bound.nodes(), "parameter");
        result->bound = std::move(bound);
    }
    result->program = std::move(saved.program);
    result->origin = std::move(saved.origin);
    return result;
}

void register_bound_program(py::module_& module) {
    py::register_exception_translator(translate_uncapturable);
    py::class_<BoundProgram, std::shared_ptr<BoundProgram>>(
        module, "BoundProgram", checked_allocation(),
        "A program with the Values that it is bound to, before it is compiled into a Graph.");
    module.def("capture", &capture_program, py::arg("outputs"), py::arg("inputs"), py::kw_only(),
               py::arg("constants") = py::tuple(), py::arg("shared") = py::tuple(), py::arg("guards") = py::tuple(),
               py::arg("since") = py::none(), "The program that computes the outputs from the inputs.");
    module.def(
        "read_program",
        [](const py::bytes& data, const py::object& parameters) {
            return bind_saved(ir::from_bytes(std::string_view(data)), parameters);
        },
        py::arg("data"), py::kw_only(), py::arg("parameters") = py::none(),
        "The program in what Graph._to_bytes() gave.");
    module.def(
        "parse_program",
        [](std::string_view text, const py::object& parameters) {
            return bind_saved(ir::from_text(text), parameters);
        },
        py::arg("text"), py::kw_only(), py::arg("parameters") = py::none(), "The program in what Graph.text() gave.");
}

}  // namespace fastgrad::bind
