// Captured graphs: fastgrad._core.Graph.
#include "graph/graph.hpp"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bind/convert.hpp"
#include "bind/registration.hpp"
#include "bind/value_object.hpp"
#include "core/tape.hpp"
#include "graph/capture.hpp"
#include "graph/passes.hpp"

namespace py = pybind11;

namespace fastgrad::bind {

namespace {

using Array = py::array_t<double, py::array::c_style | py::array::forcecast>;

// Nodes that live as long as this does.
class HeldNodes {
 public:
    HeldNodes() = default;
    explicit HeldNodes(std::vector<Node*> nodes) : nodes_(std::move(nodes)) {
        for (Node* node : nodes_) {
            Tape::retain(node);
            if (node->object) hold_if_subclass(static_cast<PyObject*>(node->object));
        }
    }
    ~HeldNodes() {
        for (Node* node : nodes_) tape.release_slot(node);
    }
    HeldNodes(HeldNodes&& other) noexcept : nodes_(std::exchange(other.nodes_, {})) {}
    HeldNodes& operator=(HeldNodes&&) = delete;

    const std::vector<Node*>& nodes() const { return nodes_; }

 private:
    std::vector<Node*> nodes_;
};

std::vector<Node*> nodes_of(const py::sequence& values, const char* what) {
    std::vector<Node*> nodes;
    nodes.reserve(values.size());
    for (const py::handle value : values) {
        if (!is_value(value.ptr())) {
            throw py::type_error(std::string(what) + " must be Values, not " + std::string(py::repr(value)));
        }
        nodes.push_back(node_of(value.ptr()));
    }
    return nodes;
}

// What the passes did, for stats().
struct Origin {
    std::size_t nodes = 0, instructions = 0;
};

class CapturedGraph {
 public:
    CapturedGraph(const py::sequence& outputs, const py::sequence& inputs, const py::sequence& constants,
                  const std::vector<std::string>& passes, const std::string& instruction_set)
        : passes_(passes) {
        const std::vector<Node*> input_nodes = nodes_of(inputs, "inputs");
        graph::Capture capture =
            graph::capture(nodes_of(outputs, "outputs"), input_nodes, nodes_of(constants, "constants"));
        origin_ = {capture.nodes, capture.program.instructions.size()};
        bool rolls = false;
        for (const graph::Pass& pass : graph::passes()) {
            if (std::find(passes.begin(), passes.end(), pass.name) == passes.end()) continue;
            pass.run(capture.program);
            rolls = rolls || pass.run == graph::reroll;
        }
        std::vector<Node*> bound;
        for (std::uint32_t& leaf : capture.program.leaves) {
            bound.push_back(capture.bound[leaf]);
            leaf = static_cast<std::uint32_t>(bound.size() - 1);
        }
        bound_ = std::make_unique<HeldNodes>(std::move(bound));
        graph_ = std::make_unique<graph::Graph>(std::move(capture.program), rolls, graph::kernels(instruction_set));
    }

    std::size_t inputs() const { return graph_->program().inputs; }
    std::size_t outputs() const { return graph_->program().outputs.size(); }

    py::array call(const py::object& x, unsigned threads) const {
        const Array given = as_inputs(x);
        const bool is_batch = given.ndim() == 2;
        Array results = is_batch ? Array({given.shape(0), count(outputs())}) : Array(count(outputs()));
        graph::Call call = start(given, threads);
        call.outputs = results.mutable_data();
        run(call, nullptr);
        return std::move(results);
    }

    py::tuple value_and_grad(const py::object& x, unsigned threads) const {
        if (outputs() != 1) {
            throw py::value_error("value_and_grad() needs a graph with one output, not " + std::to_string(outputs()) +
                                  ": use vjp(x, cotangents)");
        }
        const Array given = as_inputs(x);
        static constexpr double one = 1.0;
        graph::Call call = start(given, threads);
        call.cotangents = &one;
        call.one_cotangent_row = true;
        if (given.ndim() == 2) {
            Array values(given.shape(0)), gradients({given.shape(0), given.shape(1)});
            differentiate(call, values, gradients);
            return py::make_tuple(values, gradients);
        }
        double value;
        Array gradients(given.shape(0));
        call.outputs = &value;
        call.input_gradients = gradients.mutable_data();
        run(call, bound_.get());
        return py::make_tuple(value, gradients);
    }

    py::tuple vjp(const py::object& x, const Array& cotangents, unsigned threads) const {
        const Array given = as_inputs(x);
        const bool is_batch = given.ndim() == 2;
        const bool fits = is_batch ? cotangents.ndim() == 2 && cotangents.shape(0) == given.shape(0) &&
                                         cotangents.shape(1) == count(outputs())
                                   : cotangents.ndim() == 1 && cotangents.shape(0) == count(outputs());
        if (!fits) {
            throw py::value_error("cotangents of shape " + shape_text(cotangents) + " for outputs of shape " +
                                  (is_batch ? "(" + std::to_string(given.shape(0)) + ", " : "(") +
                                  std::to_string(outputs()) + (is_batch ? ")" : ",)"));
        }
        Array results = is_batch ? Array({given.shape(0), count(outputs())}) : Array(count(outputs()));
        Array gradients = is_batch ? Array({given.shape(0), given.shape(1)}) : Array(given.shape(0));
        graph::Call call = start(given, threads);
        call.cotangents = cotangents.data();
        differentiate(call, results, gradients);
        return py::make_tuple(results, gradients);
    }

    py::tuple parameters() const {
        py::tuple values(bound_->nodes().size());
        for (std::size_t i = 0; i < values.size(); ++i) {
            PyObject* value = wrap(bound_->nodes()[i]);
            if (!value) throw py::error_already_set();
            PyTuple_SET_ITEM(values.ptr(), static_cast<Py_ssize_t>(i), value);
        }
        return values;
    }

    py::dict stats() const {
        const graph::Program& program = graph_->program();
        std::size_t loops = 0, rows = 0;
        for (const graph::Run& run : graph_->plan().runs) {
            loops += run.count > 1 && (run.kind == graph::Run::map || run.kind == graph::Run::dots);
            rows += run.count > 1 && (run.kind == graph::Run::map || run.kind == graph::Run::dots) ? run.count : 0;
        }
        py::dict result;
        result["nodes"] = origin_.nodes;
        result["inputs"] = inputs();
        result["outputs"] = outputs();
        result["bound"] = program.bound();
        result["constants"] = program.constants.size();
        result["instructions_before"] = origin_.instructions - inputs();
        result["instructions_after"] = program.instructions.size() - inputs();
        result["dots"] = program.dots.size();
        result["terms"] = program.left.size();
        result["runs"] = graph_->plan().runs.size();
        result["loops"] = loops;
        result["instructions_in_loops"] = rows;
        result["bytes"] = graph_->bytes();
        result["instruction_set"] = graph_->kernels().name;
        return result;
    }

    const std::vector<std::string>& passes() const { return passes_; }

 private:
    static py::ssize_t count(std::size_t n) { return static_cast<py::ssize_t>(n); }

    static std::string shape_text(const py::array& array) { return py::str(array.attr("shape")); }

    Array as_inputs(const py::object& x) const {
        if (x.is_none()) {
            if (inputs() == 0) return Array(0);
            throw py::type_error("the graph has " + std::to_string(inputs()) + " inputs: give their numbers");
        }
        Array given = Array::ensure(x);
        if (!given) throw py::error_already_set();
        if ((given.ndim() != 1 && given.ndim() != 2) || given.shape(given.ndim() - 1) != count(inputs())) {
            throw py::value_error("inputs of shape " + shape_text(given) + " for a graph of " +
                                  std::to_string(inputs()) + " inputs: give shape (" + std::to_string(inputs()) +
                                  ",) or (batch, " + std::to_string(inputs()) + ")");
        }
        return given;
    }

    static graph::Call start(const Array& given, unsigned threads) {
        if (threads == 0) throw py::value_error("threads must be 1 or more");
        graph::Call call;
        call.inputs = given.data();
        call.batch = given.ndim() == 2 ? static_cast<std::size_t>(given.shape(0)) : 1;
        call.threads = threads;
        return call;
    }

    void differentiate(graph::Call& call, Array& results, Array& gradients) const {
        call.outputs = results.mutable_data();
        call.input_gradients = gradients.mutable_data();
        run(call, bound_.get());
    }

    // Reads the bound leaves, lets other threads run Python meanwhile, and adds to the gradients of `accumulate`.
    void run(graph::Call& call, const HeldNodes* accumulate) const {
        const std::vector<Node*>& nodes = bound_->nodes();
        const auto numbers = std::make_unique_for_overwrite<double[]>(2 * nodes.size());
        double* gradients = numbers.get() + nodes.size();
        for (std::size_t i = 0; i < nodes.size(); ++i) numbers[i] = nodes[i]->data;
        call.bound = numbers.get();
        call.bound_gradients = gradients;
        {
            py::gil_scoped_release release;
            graph_->run(call);
        }
        if (!accumulate) return;
        for (std::size_t i = 0; i < nodes.size(); ++i) nodes[i]->grad += gradients[i];
    }

    std::vector<std::string> passes_;
    Origin origin_;
    std::unique_ptr<HeldNodes> bound_;
    std::unique_ptr<graph::Graph> graph_;
};

}  // namespace

void register_graph(py::module_& module) {
    py::register_exception_translator([](std::exception_ptr pending) {
        try {
            if (pending) std::rethrow_exception(pending);
        } catch (const graph::OwnOperationCaptured& captured) {
            const std::string& symbol = captured.node->x.own->symbol;
            PyErr_Format(PyExc_TypeError,
                         "the graph has an own operation ('%s'), which cannot be run again: only its backward is "
                         "known; write it with fastgrad's operations",
                         symbol.c_str());
        }
    });
    py::list names;
    for (const graph::Pass& pass : graph::passes()) names.append(pass.name);
    module.attr("PASSES") = py::tuple(names);
    module.def("instruction_sets", graph::instruction_sets,
               "The instruction sets that captured graphs can use here.");

    py::class_<CapturedGraph>(module, "Graph", "A graph that was built once and runs again natively.")
        .def(py::init<const py::sequence&, const py::sequence&, const py::sequence&, const std::vector<std::string>&,
                      const std::string&>(),
             py::arg("outputs"), py::arg("inputs"), py::arg("constants"), py::arg("passes"),
             py::arg("instruction_set"))
        .def("__call__", &CapturedGraph::call, py::arg("x") = py::none(), py::kw_only(), py::arg("threads") = 1)
        .def("value_and_grad", &CapturedGraph::value_and_grad, py::arg("x") = py::none(), py::kw_only(),
             py::arg("threads") = 1)
        .def("vjp", &CapturedGraph::vjp, py::arg("x"), py::arg("cotangents"), py::kw_only(), py::arg("threads") = 1)
        .def("stats", &CapturedGraph::stats)
        .def_property_readonly("parameters", &CapturedGraph::parameters)
        .def_property_readonly("passes", &CapturedGraph::passes)
        .def_property_readonly("inputs_count", &CapturedGraph::inputs)
        .def_property_readonly("outputs_count", &CapturedGraph::outputs);
}

}  // namespace fastgrad::bind
