#include "bind/captured_graph.hpp"

#include <algorithm>
#include <numeric>
#include <optional>

#include "bind/gil.hpp"
#include "core/tape.hpp"
#include "ir/differentiate.hpp"
#include "ir/text.hpp"
#include "run/compile.hpp"
#include "run/report.hpp"

namespace py = pybind11;

namespace fastgrad::bind {

namespace {

py::ssize_t signed_size(std::size_t n) { return static_cast<py::ssize_t>(n); }

std::string shape_text(const py::array& array) { return py::str(array.attr("shape")); }

run::Batch start(const Array& given, unsigned threads) {
    if (threads == 0) throw py::value_error("threads must be 1 or more");
    run::Batch call;
    call.inputs = given.data();
    call.batch = given.ndim() == 2 ? static_cast<std::size_t>(given.shape(0)) : 1;
    call.threads = threads;
    return call;
}

// Real numbers, as NumPy defines them.
Array numbers_of(const py::object& given, const char* what) {
    if (Array::check_(given)) {  // does not check the alignment
        const auto array = py::reinterpret_borrow<Array>(given);
        if (array.flags() & py::detail::npy_api::NPY_ARRAY_ALIGNED_) return array;
    }
    const py::array array(given);
    if (std::string_view("biufO").find(array.dtype().kind()) == std::string_view::npos) {
        throw py::type_error(std::string(what) + " must be real numbers, not " +
                             std::string(py::str(array.attr("dtype"))));
    }
    return Array(array);
}

// If true, an exception is set.
bool signals_stop_run() {
    return wait_if_python_ends([] {
        const PyGILState_STATE state = PyGILState_Ensure();
        const bool stop = PyErr_CheckSignals() != 0;
        PyGILState_Release(state);
        return stop;
    });
}

// An array for one row of numbers, or for one row per sample.
Array rows_for(const Array& given, std::size_t columns) {
    if (given.ndim() == 2) return Array({given.shape(0), signed_size(columns)});
    return Array(signed_size(columns));
}

}  // namespace

CapturedGraph::CapturedGraph(const BoundProgram& source, const std::vector<std::string>& passes,
                             const std::string& instruction_set)
    : origin_(source.origin), graph_(run::compile(source.program, origin_, passes, instruction_set)) {
    // Passes reorder the bound leaves.
    std::vector<Node*> bound;
    std::vector<std::uint32_t> place(source.bound.nodes().size(), ir::no_slot);
    for (const std::uint32_t leaf : program().leaves) {
        place[leaf] = static_cast<std::uint32_t>(bound.size());
        bound.push_back(source.bound.nodes()[leaf]);
    }
    bound_ = NodeRefs(std::move(bound));
    for (const std::uint32_t leaf : source.shared) shared_.push_back(leaf == ir::no_slot ? ir::no_slot : place[leaf]);
}

ir::BoundLeaves CapturedGraph::bound_leaves() const {
    ir::BoundLeaves leaves;
    leaves.numbers.resize(bound().size());
    read_bound(leaves.numbers.data());
    for (std::uint32_t i = 0; i < bound().size(); ++i) {
        if (bound()[i]->has(Node::labeled)) leaves.labels.emplace_back(i, tape.label(bound()[i]));
    }
    return leaves;
}

std::string CapturedGraph::to_bytes() const { return ir::to_bytes(program(), origin_, bound_leaves()); }

std::string CapturedGraph::to_text() const { return ir::to_text(program(), origin_, bound_leaves()); }

std::shared_ptr<BoundProgram> CapturedGraph::gradient(bool values, bool parameters) const {
    auto result = std::make_shared<BoundProgram>();
    result->program =
        ir::differentiate(program(), {.outputs = values, .input_gradients = true, .bound_gradients = parameters});
    std::iota(result->program.leaves.begin(), result->program.leaves.end(), 0);
    result->origin.nodes = origin_.nodes;
    result->origin.instructions = result->program.instructions.size() - result->program.inputs;
    result->bound = NodeRefs(std::vector<Node*>(bound()));
    return result;
}

py::array CapturedGraph::call(const py::object& x, unsigned threads) const {
    const Array given = as_inputs(x);
    Array results = rows_for(given, outputs());
    run::Batch call = start(given, threads);
    call.outputs = results.mutable_data();
    run_bound(call, false);
    return results;
}

py::tuple CapturedGraph::value_and_grad(const py::object& x, unsigned threads) const {
    if (outputs() != 1) {
        throw py::value_error("value_and_grad() needs a graph with one output, not " + std::to_string(outputs()) +
                              ": use vjp(x, cotangents)");
    }
    const Array given = as_inputs(x);
    static constexpr double one = 1.0;
    run::Batch call = start(given, threads);
    call.cotangents = &one;
    call.one_cotangent_row = true;
    if (given.ndim() == 2) {
        Array values(given.shape(0)), gradients({given.shape(0), given.shape(1)});
        call.outputs = values.mutable_data();
        call.input_gradients = gradients.mutable_data();
        run_bound(call, true);
        begin_with_zero(gradients);
        return py::make_tuple(values, gradients);
    }
    double value;
    Array gradients(given.shape(0));
    call.outputs = &value;
    call.input_gradients = gradients.mutable_data();
    run_bound(call, true);
    begin_with_zero(gradients);
    return py::make_tuple(value, gradients);
}

py::tuple CapturedGraph::vjp(const py::object& x, const py::object& weights, unsigned threads) const {
    const Array given = as_inputs(x), cotangents = numbers_of(weights, "cotangents");
    const bool is_batch = given.ndim() == 2;
    const bool fits = is_batch ? cotangents.ndim() == 2 && cotangents.shape(0) == given.shape(0) &&
                                     cotangents.shape(1) == signed_size(outputs())
                               : cotangents.ndim() == 1 && cotangents.shape(0) == signed_size(outputs());
    if (!fits) {
        throw py::value_error("cotangents of shape " + shape_text(cotangents) + " for outputs of shape " +
                              (is_batch ? "(" + std::to_string(given.shape(0)) + ", " : "(") +
                              std::to_string(outputs()) + (is_batch ? ")" : ",)"));
    }
    Array results = rows_for(given, outputs());
    Array gradients = rows_for(given, inputs());
    run::Batch call = start(given, threads);
    call.cotangents = cotangents.data();
    call.outputs = results.mutable_data();
    call.input_gradients = gradients.mutable_data();
    run_bound(call, true);
    begin_with_zero(gradients);
    return py::make_tuple(results, gradients);
}

py::dict CapturedGraph::stats() const {
    const run::Stats stats = run::stats_of(graph_->plan());
    py::dict result;
    result["nodes"] = origin_.nodes;
    result["inputs"] = inputs();
    result["outputs"] = outputs();
    result["bound"] = program().bound();
    result["constants"] = program().constants.size();
    result["guards"] = program().guards.size();
    result["instructions_before"] = origin_.instructions;
    result["instructions_after"] = program().instructions.size() - inputs();
    result["dots"] = program().dots.size();
    result["terms"] = program().left.size();
    result["runs"] = stats.runs;
    result["loops"] = stats.loops;
    result["instructions_in_loops"] = stats.instructions_in_loops;
    result["bytes"] = graph_->bytes();
    result["instruction_set"] = graph_->kernels().name;
    return result;
}

std::string CapturedGraph::listing() const { return run::listing_of(graph_->plan()); }

Array CapturedGraph::as_inputs(const py::object& x) const {
    if (x.is_none()) {
        if (inputs() == 0) return Array(0);
        throw py::type_error("the graph has " + std::to_string(inputs()) + " inputs: give their numbers");
    }
    Array given = numbers_of(x, "inputs");
    if ((given.ndim() != 1 && given.ndim() != 2) || given.shape(given.ndim() - 1) != signed_size(inputs())) {
        throw py::value_error("inputs of shape " + shape_text(given) + " for a graph of " + std::to_string(inputs()) +
                              " inputs: give shape (" + std::to_string(inputs()) + ",) or (batch, " +
                              std::to_string(inputs()) + ")");
    }
    return given;
}

void CapturedGraph::read_bound(double* numbers) const {
    for (const Node* node : bound()) *numbers++ = node->data;
}

void CapturedGraph::add_to_bound(const double* gradients, double scale) const {
    for (Node* node : bound()) node->grad += scale * *gradients++;
}

run::Outcome CapturedGraph::run(const run::Batch& call) const {
    // Releasing the GIL and taking it back costs 45 ns, as much as some tens of instructions.
    const bool is_long = program().instructions.size() * call.batch > 1000;
    std::optional<WithoutGil> without_gil;
    if (is_long) without_gil.emplace();
    const run::Outcome outcome = graph_->run(call, signals_stop_run);
    without_gil.reset();
    if (outcome.kind == run::Outcome::stopped) throw py::error_already_set();
    return outcome;
}

void CapturedGraph::run_bound(run::Batch& call, bool accumulates) const {
    const std::size_t count = bound().size();
    const auto numbers = std::make_unique_for_overwrite<double[]>(2 * count);
    read_bound(numbers.get());
    call.bound = numbers.get();
    call.bound_gradients = numbers.get() + count;
    const run::Outcome outcome = run(call);
    if (outcome.kind == run::Outcome::guard_failed) {
        const ir::Guard& guard = program().guards[outcome.guard];
        throw py::value_error("sample " + std::to_string(outcome.row) +
                              " takes another branch than this recording: %" + std::to_string(guard.condition) +
                              " is " + (guard.expected ? "false" : "true") +
                              ": call the recorded function, which chooses the recording");
    }
    if (accumulates) add_to_bound(call.bound_gradients, 1.0);
}

}  // namespace fastgrad::bind
