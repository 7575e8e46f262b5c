#include "bind/jit.hpp"

#include <algorithm>

#include "bind/grad_mode.hpp"
#include "bind/value/convert.hpp"
#include "bind/value/values.hpp"
#include "core/custom_operation.hpp"
#include "core/tape.hpp"
#include "run/kernels/lanes.hpp"
#include "run/numbers.hpp"

namespace py = pybind11;

namespace fastgrad::bind {

namespace {

// A Value that supplies one of the inputs or shared leaves, and the position of its gradient.
struct Operand {
    Node* node;
    std::size_t position;  // in the inputs, row by row; for shared ones, among the bound leaves
    bool is_shared;
};

// The numbers of one call, kept because Values may change before backward() runs.
struct Arguments {
    std::shared_ptr<CapturedGraph> graph;
    run::Numbers inputs;               // of one sample
    std::vector<Array> arrays;         // of a batch
    std::vector<run::Column> columns;  // of these arrays
    run::Numbers bound;                // of the bound leaves
    std::vector<Operand> operands;
    std::size_t batch = 1;
    unsigned threads = 1;

    run::Batch call() const {
        run::Batch call;
        call.bound = bound.data();
        call.inputs = inputs.data();
        call.columns = columns.empty() ? nullptr : columns.data();
        call.batch = batch;
        call.threads = threads;
        return call;
    }
};

// The gradients of a call with respect to its arguments.
struct Gradients {
    run::Numbers inputs, bound;

    explicit Gradients(const Arguments& arguments) : bound(arguments.bound.size()) {
        const auto is_input = [](const Operand& operand) { return !operand.is_shared; };
        if (std::any_of(arguments.operands.begin(), arguments.operands.end(), is_input)) {
            inputs.resize(arguments.batch * arguments.graph->inputs());
        }
    }
    // Null if no input's gradient is wanted.
    double* input_gradients() { return inputs.empty() ? nullptr : inputs.data(); }

    void add_to_operands(const Arguments& arguments, double scale) const {
        for (const auto& [node, position, is_shared] : arguments.operands) {
            node->grad += scale * (is_shared ? bound : inputs)[position];
        }
    }
};

class ReplayCallback : public BackwardCallback {
 public:
    explicit ReplayCallback(std::shared_ptr<const Arguments> arguments) : arguments_(std::move(arguments)) {}
    std::span<Node* const> leaves() const override { return arguments_->graph->bound(); }

 protected:
    const std::shared_ptr<const Arguments> arguments_;
};

// For one output: its gradients are computed together with it, and only scaled later.
class ScaledGradients final : public ReplayCallback {
 public:
    ScaledGradients(std::shared_ptr<const Arguments> arguments, Gradients gradients)
        : ReplayCallback(std::move(arguments)), gradients_(std::move(gradients)) {}

    bool run() override {
        gradients_.add_to_operands(*arguments_, node->grad);
        arguments_->graph->add_to_bound(gradients_.bound.data(), node->grad);
        return true;
    }

    const Node* node = nullptr;  // the node that owns this

 private:
    const Gradients gradients_;
};

// For several outputs: each passes its gradient to a node that stands for the call, which runs the reverse once for
// all.
class CallGradients final : public ReplayCallback {
 public:
    CallGradients(std::shared_ptr<const Arguments> arguments, std::size_t outputs)
        : ReplayCallback(std::move(arguments)), cotangents(outputs) {}

    bool run() override {
        try {
            Gradients gradients(*arguments_);
            run::Numbers outputs(arguments_->batch * arguments_->graph->outputs());
            std::vector<double> taken(cotangents.size());
            taken.swap(cotangents);
            run::Batch call = arguments_->call();
            call.outputs = outputs.data();
            call.cotangents = taken.data();
            call.input_gradients = gradients.input_gradients();
            call.bound_gradients = gradients.bound.data();
            arguments_->graph->run(call);
            gradients.add_to_operands(*arguments_, 1.0);
            arguments_->graph->add_to_bound(gradients.bound.data(), 1.0);
        } catch (const std::bad_alloc&) {
            PyErr_NoMemory();
            return false;
        } catch (py::error_already_set& error) {  // a signal stopped the run
            error.restore();
            return false;
        }
        return true;
    }

    std::vector<double> cotangents;
};

class OutputGradient final : public BackwardCallback {
 public:
    OutputGradient(std::shared_ptr<CallGradients> call, std::size_t position)
        : call_(std::move(call)), position_(position) {}

    bool run() override {
        call_->cotangents[position_] = node->grad;
        return true;
    }

    const Node* node = nullptr;  // the node that owns this

 private:
    const std::shared_ptr<CallGradients> call_;
    const std::size_t position_;
};

py::object custom_value(double data, std::unique_ptr<CustomOperation> operation, Node*& node) {
    node = tape.custom(data, std::move(operation));
    return value_of_new(node);
}

// --- reading the arguments

void read_number(const py::handle leaf, Arguments& arguments) {
    double number;
    if (!require_double(leaf.ptr(), number, "an argument")) throw py::error_already_set();
    if (is_value(leaf.ptr())) {
        arguments.operands.push_back({node_of(leaf.ptr()), arguments.inputs.size(), false});
    }
    arguments.inputs.push_back(number);
}

void read_sample(const py::list& leaves, Arguments& arguments) {
    for (const py::handle leaf : leaves) {
        if (!py::isinstance<py::array>(leaf)) {
            read_number(leaf, arguments);
            continue;
        }
        const Array numbers(py::reinterpret_borrow<py::object>(leaf));
        arguments.inputs.insert(arguments.inputs.end(), numbers.data(), numbers.data() + numbers.size());
    }
}

// Reads the caller's arrays in place: what a thread read at the last call may still be in its core's cache.
void read_batch(const py::list& leaves, Arguments& arguments) {
    for (const py::handle leaf : leaves) {
        const Array& numbers = arguments.arrays.emplace_back(py::reinterpret_borrow<py::object>(leaf));
        const auto width = static_cast<std::size_t>(numbers.shape(1));
        for (std::size_t column = 0; column < width; ++column) {
            arguments.columns.push_back({numbers.data() + column, width});
        }
    }
}

// Copies the arrays for a backward() that reads them again, because the caller may change them before.
void copy_batch(Arguments& arguments) {
    arguments.columns.clear();
    py::list copies;
    for (const Array& numbers : arguments.arrays) copies.append(numbers.attr("copy")());
    arguments.arrays.clear();
    read_batch(copies, arguments);
}

void read_shared(const py::list& shared, Arguments& arguments) {
    for (std::size_t i = 0; i < shared.size(); ++i) {
        const std::uint32_t position = arguments.graph->shared()[i];
        const py::handle leaf = shared[i];
        double number;
        if (!require_double(leaf.ptr(), number, "an argument")) throw py::error_already_set();
        if (position == ir::no_slot) continue;
        arguments.bound[position] = number;
        if (is_value(leaf.ptr())) arguments.operands.push_back({node_of(leaf.ptr()), position, true});
    }
}

std::unique_ptr<CustomOperation> operation_of(const Arguments& arguments, const std::string& name) {
    auto operation = std::make_unique<CustomOperation>();
    operation->symbol = name;
    for (const Operand& operand : arguments.operands) operation->operands.push_back(operand.node);
    return operation;
}

void hold_operands(const Arguments& arguments) {
    for (const Operand& operand : arguments.operands) {
        if (operand.node->object) hold_if_subclass(static_cast<PyObject*>(operand.node->object));
    }
}

// Uses eight partial sums, so that additions do not have to wait for one another.
double first_column_sum(const run::Numbers& results, std::size_t columns) {
    if (results.size() == columns) return results[0];
    double sums[run::lane_count] = {};
    std::size_t i = 0;
    for (std::size_t at = 0; at < results.size(); at += columns) sums[i++ % run::lane_count] += results[at];
    return run::sum_of_lanes(sums);
}

py::object one_output(std::shared_ptr<Arguments> arguments, double scale, const std::string& name,
                      bool wants_gradients) {
    Gradients gradients(*arguments);
    const std::size_t outputs = arguments->graph->outputs();
    run::Numbers results(arguments->batch * outputs);
    run::Batch call = arguments->call();
    call.outputs = results.data();
    if (wants_gradients) {
        call.cotangents = &scale;
        call.one_cotangent_row = true;
        call.input_gradients = gradients.input_gradients();
        call.bound_gradients = gradients.bound.data();
    }
    const run::Outcome outcome = arguments->graph->run(call);
    arguments->arrays.clear();
    if (outcome.kind == run::Outcome::guard_failed) return py::none();
    const double value = scale * first_column_sum(results, outputs);
    if (!wants_gradients) return value_of_new(tape.leaf(value));

    auto operation = operation_of(*arguments, name);
    auto callback = std::make_shared<ScaledGradients>(arguments, std::move(gradients));
    operation->callback = callback;
    Node* node;
    const py::object result = custom_value(value, std::move(operation), node);
    callback->node = node;
    hold_operands(*arguments);
    return result;
}

py::object all_outputs(std::shared_ptr<const Arguments> arguments, const std::string& name, bool wants_gradients) {
    const CapturedGraph& graph = *arguments->graph;
    const std::size_t outputs = graph.outputs();
    run::Numbers results(arguments->batch * outputs);
    run::Batch call = arguments->call();
    call.outputs = results.data();
    if (graph.run(call).kind == run::Outcome::guard_failed) return py::none();

    std::shared_ptr<CallGradients> gradients;
    Node* call_node = nullptr;
    py::object call_value;
    if (wants_gradients) {
        gradients = std::make_shared<CallGradients>(arguments, arguments->batch * outputs);
        auto operation = operation_of(*arguments, name);
        operation->callback = gradients;
        call_value = custom_value(0.0, std::move(operation), call_node);
        hold_operands(*arguments);
    }
    py::tuple values = new_tuple(arguments->batch * outputs);
    for (std::size_t row = 0; row < arguments->batch; ++row) {
        for (std::size_t i = 0; i < outputs; ++i) {
            const std::size_t position = row * outputs + i;
            const double data = results[position];
            if (!wants_gradients) {
                values[position] = value_of_new(tape.leaf(data));
                continue;
            }
            auto operation = std::make_unique<CustomOperation>();
            operation->symbol = name;
            operation->operands.push_back(call_node);
            auto callback = std::make_shared<OutputGradient>(gradients, position);
            operation->callback = callback;
            Node* node;
            values[position] = custom_value(data, std::move(operation), node);
            callback->node = node;
        }
    }
    return values;
}

}  // namespace

py::object replay(const std::shared_ptr<CapturedGraph>& graph, const py::list& leaves, const py::object& batch,
                  const py::list& values, const py::list& shared, const std::string& reduce, const std::string& name,
                  unsigned threads) {
    auto arguments = std::make_shared<Arguments>();
    arguments->graph = graph;
    arguments->threads = threads;
    arguments->bound.resize(graph->bound().size());
    graph->read_bound(arguments->bound.data());
    if (batch.is_none()) {
        read_sample(leaves, *arguments);
    } else {
        arguments->batch = batch.cast<std::size_t>();
        read_batch(leaves, *arguments);
    }
    for (const py::handle entry : values) {
        const auto [row, column, value] = entry.cast<std::tuple<std::size_t, std::size_t, py::object>>();
        arguments->operands.push_back({node_of(value.ptr()), row * graph->inputs() + column, false});
    }
    read_shared(shared, *arguments);

    const bool wants_gradients = grad_enabled() && (!arguments->operands.empty() || !graph->bound().empty());
    const bool is_one = !reduce.empty() || (batch.is_none() && graph->outputs() == 1);
    if (!is_one && wants_gradients) copy_batch(*arguments);
    if (!is_one) return all_outputs(std::move(arguments), name, wants_gradients);
    const double scale = reduce == "mean" ? 1.0 / static_cast<double>(arguments->batch) : 1.0;
    return one_output(std::move(arguments), scale, name, wants_gradients);
}

}  // namespace fastgrad::bind
