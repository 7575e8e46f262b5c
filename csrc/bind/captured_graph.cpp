#include "bind/captured_graph.hpp"

#include <algorithm>
#include <optional>

#include "bind/gil.hpp"
#include "core/interruption.hpp"
#include "core/node_index.hpp"
#include "core/tape.hpp"
#include "ir/capture.hpp"
#include "passes/passes.hpp"

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

// Real numbers, as NumPy understands them.
Array numbers_of(const py::object& given, const char* what) {
    if (Array::check_(given)) {  // which does not look at the alignment
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

// A leaf's gradient is a sum that begins with 0.0, so that none of its zeros is negative.
void begin_with_zero(Array& gradients) {
    double* const end = gradients.mutable_data() + gradients.size();
    for (double* gradient = gradients.mutable_data(); gradient != end; ++gradient) *gradient += 0.0;
}

// True with an exception set.
bool signals_stop_run() {
    return wait_if_python_ends([] {
        const PyGILState_STATE state = PyGILState_Ensure();
        const bool stop = PyErr_CheckSignals() != 0;
        PyGILState_Release(state);
        return stop;
    });
}

// An array for one row of numbers, or for one row a sample.
Array rows_for(const Array& given, std::size_t columns) {
    if (given.ndim() == 2) return Array({given.shape(0), signed_size(columns)});
    return Array(signed_size(columns));
}

}  // namespace

CapturedGraph::CapturedGraph(const Recording& recording, const std::vector<std::string>& passes,
                             const std::string& instruction_set)
    : origin_{passes} {
    ir::Capture capture = ir::capture(recording.outputs, {recording.inputs, recording.constants, recording.since});
    ir::Program& program = capture.program;
    program.conditions = static_cast<std::uint32_t>(recording.conditions);
    origin_.nodes = capture.nodes;
    origin_.instructions = program.instructions.size() - program.inputs;
    for (const passes::Pass& pass : passes::table()) {
        if (std::find(passes.begin(), passes.end(), pass.name) == passes.end()) continue;
        interruption.check();
        if (pass.run) pass.run(program);
        origin_.rolls = origin_.rolls || pass.run == passes::reroll;
        origin_.vector_math = origin_.vector_math || !pass.run;
    }
    std::vector<Node*> bound;
    bound.reserve(program.leaves.size());
    NodeIndex position;
    for (std::uint32_t& leaf : program.leaves) {
        Node* node = capture.bound[leaf];
        leaf = position[node] = static_cast<std::uint32_t>(bound.size());
        bound.push_back(node);
    }
    for (Node* node : recording.shared) shared_.push_back(position[node]);
    bound_ = NodeRefs(std::move(bound));
    graph_ = std::make_unique<run::Executable>(std::move(program), origin_.rolls,
                                               run::kernels(instruction_set, origin_.vector_math));
}

CapturedGraph::CapturedGraph(ir::SavedGraph saved, NodeRefs bound, const std::string& instruction_set)
    : origin_(std::move(saved.origin)),
      bound_(std::move(bound)),
      graph_(std::make_unique<run::Executable>(std::move(saved.program), origin_.rolls,
                                               run::kernels(instruction_set, origin_.vector_math))) {}

std::string CapturedGraph::to_bytes() const {
    ir::BoundLeaves leaves;
    leaves.numbers.resize(bound().size());
    read_bound(leaves.numbers.data());
    for (std::uint32_t i = 0; i < bound().size(); ++i) {
        if (bound()[i]->has(Node::labelled)) leaves.labels.emplace_back(i, tape.label(bound()[i]));
    }
    return ir::to_bytes(program(), origin_, leaves);
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
    const ir::Program& program = graph_->program();
    std::size_t loops = 0, rows = 0;
    for (const run::Run& run : graph_->plan().runs) {
        loops += run.count > 1 && (run.kind == run::Run::map || run.kind == run::Run::dots);
        rows += run.count > 1 && (run.kind == run::Run::map || run.kind == run::Run::dots) ? run.instructions() : 0;
    }
    py::dict result;
    result["nodes"] = origin_.nodes;
    result["inputs"] = inputs();
    result["outputs"] = outputs();
    result["bound"] = program.bound();
    result["constants"] = program.constants.size();
    result["instructions_before"] = origin_.instructions;
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

std::string CapturedGraph::listing() const {
    const auto place = [](const run::Access& access) {
        if (access.is_absent()) return std::string();
        std::string text = (access.varies ? " v" : " f") + std::to_string(access.first);
        if (access.row_stride) text += "+" + std::to_string(access.row_stride) + "i";
        if (access.term_stride) text += "+" + std::to_string(access.term_stride) + "k";
        if (access.repeat_stride) text += "+" + std::to_string(access.repeat_stride) + "j";
        return text;
    };
    std::string text;
    for (const run::Run& run : graph_->plan().runs) {
        const std::string count =
            (run.vectors > 1 ? std::to_string(run.vectors) + " x " : "") + std::to_string(run.count);
        switch (run.kind) {
            case run::Run::scalars: text += count + " operations"; break;
            case run::Run::gathered: text += count + " dots of scattered terms"; break;
            case run::Run::map:
                text += count + " x " + std::string(operation(run.op).name) + place(run.x) + place(run.y);
                break;
            case run::Run::dots:
                text += count + " x dot of " + std::to_string(run.terms) + place(run.x) + place(run.y) +
                        place(run.addend);
                break;
        }
        text += "\n";
    }
    return text;
}

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

void CapturedGraph::run(const run::Batch& call) const {
    // Giving the GIL away and taking it back costs 45 ns: as much as some tens of instructions.
    const bool is_long = program().instructions.size() * call.batch > 1000;
    std::optional<WithoutGil> without_gil;
    if (is_long) without_gil.emplace();
    const bool is_done = graph_->run(call, signals_stop_run);
    without_gil.reset();
    if (!is_done) throw py::error_already_set();
}

void CapturedGraph::run_bound(run::Batch& call, bool accumulates) const {
    const std::size_t count = bound().size();
    const auto numbers = std::make_unique_for_overwrite<double[]>(2 * count);
    read_bound(numbers.get());
    call.bound = numbers.get();
    call.bound_gradients = numbers.get() + count;
    run(call);
    if (accumulates) add_to_bound(call.bound_gradients, 1.0);
}

}  // namespace fastgrad::bind
