// The primitives of fastgrad.functional: new variables, sweeps that restore gradients, and linearizations.
#include <pybind11/numpy.h>

#include <algorithm>
#include <variant>

#include "bind/arrays.hpp"
#include "bind/grad_mode.hpp"
#include "bind/node_refs.hpp"
#include "bind/oom.hpp"
#include "bind/registration.hpp"
#include "bind/tracing.hpp"
#include "bind/value/apply.hpp"
#include "bind/value/convert.hpp"
#include "bind/value/values.hpp"
#include "core/linearization.hpp"
#include "core/order.hpp"
#include "core/sweep.hpp"

namespace py = pybind11;

namespace fastgrad::bind {

namespace {

// --- the thread's state

thread_local int transforms = 0, tracing_through = 0;

// Returns the state to restore: the number of no_grad blocks around the transform.
int enter_transform(bool trace_through_jit) {
    ++transforms;
    tracing_through += trace_through_jit;
    return exchange_no_grad_depth(0);
}

void leave_transform(bool trace_through_jit, int pauses) {
    --transforms;
    tracing_through -= trace_through_jit;
    exchange_no_grad_depth(pauses);
}

// --- conversion from and to Python objects

py::object new_leaf_value(double number) {
    const py::object leaf = value_of_new(tape.leaf(number));
    if (tracing()) note_leaf(node_of(leaf.ptr()));
    return leaf;
}

// Equal to the last bit, because x + -0.0 is x.
py::object same_value(PyObject* value) {
    return checked<py::object>(apply_binary<Op::add>(SubclassArgument{{value}}, NumberArgument{-0.0}));
}

double number_of(const py::handle object, const char* what) {
    double number;
    if (!require_double(object.ptr(), number, what)) throw py::error_already_set();
    return number;
}

// A leaf for a number; for a Value a separate node, so that the Value's operands are not followed.
py::object new_variable(const py::handle leaf) {
    return is_value(leaf.ptr()) ? same_value(leaf.ptr()) : new_leaf_value(number_of(leaf, "an argument"));
}

// The variables, and a Value that is older than everything computed from them.
py::tuple new_variables(const py::list& leaves) {
    const py::object since = value_of_new(new_epoch());
    py::list variables;
    for (const py::handle leaf : leaves) variables.append(new_variable(leaf));
    return py::make_tuple(variables, since);
}

// If a derivative is a leaf of the caller, returns a different Value, so that setting its data does not change the
// leaf.
py::object value_of(const Term& term) {
    if (!grad_enabled()) return value_of_new(tape.leaf(term.data()));
    if (term.is_constant()) return new_leaf_value(term.data());
    const py::object value = bind::value_of(term.node());
    return term.node()->is_leaf() ? same_value(value.ptr()) : value;
}

py::list values_of(const std::vector<Term>& terms) {
    py::list values;
    for (const Term& term : terms) values.append(value_of(term));
    return values;
}

py::list floats_of(const std::vector<double>& numbers) {
    py::list floats;
    for (const double number : numbers) floats.append(begin_with_zero(number));
    return floats;
}

Term term_of(const py::handle object, const char* what) {
    if (!is_value(object.ptr())) return number_of(object, what);
    hold_if_subclass(object.ptr());
    return Term(node_of(object.ptr()));
}

std::vector<Term> terms_of(const py::list& objects, const char* what) {
    std::vector<Term> terms;
    for (const py::handle object : objects) terms.push_back(term_of(object, what));
    return terms;
}

std::vector<double> numbers_of(const py::list& objects, const char* what) {
    std::vector<double> numbers;
    for (const py::handle object : objects) numbers.push_back(number_of(object, what));
    return numbers;
}

bool holds_values(const py::list& objects) {
    return std::any_of(objects.begin(), objects.end(),
                       [](const py::handle object) { return is_value(object.ptr()); });
}

PyObject* underivable_error = nullptr;

void translate_underivable(std::exception_ptr pending) {
    try {
        if (pending) std::rethrow_exception(pending);
    } catch (const Underivable& underivable) {
        PyErr_Format(underivable_error,
                     "the custom operation '%s' can be differentiated once, and backwards: only its _backward "
                     "function is known. "
                     "Write it with fastgrad's operations, or give local gradients, which are taken for constants",
                     underivable.node->x.custom->symbol.c_str());
    }
}

// --- the functions that fastgrad.functional calls

constexpr const char *a_cotangent = "a cotangent", *a_tangent = "a tangent";

py::list as_results(const py::list& objects) { return values_of(terms_of(objects, "a result")); }

void require_as_many(const py::list& directions, std::size_t size, const char* what) {
    if (directions.size() == size) return;
    throw py::value_error(std::string(what) + " is needed for each of " + std::to_string(size) + ", not " +
                          std::to_string(directions.size()));
}

py::list swept_gradients(const py::list& outputs, const py::list& cotangents, const py::list& variables) {
    require_as_many(cotangents, outputs.size(), a_cotangent);
    std::vector<double> results(variables.size());
    if (!gradients(nodes_of(outputs, "outputs"), numbers_of(cotangents, a_cotangent),
                   nodes_of(variables, "variables"), results)) {
        throw py::error_already_set();
    }
    return floats_of(results);
}

class AnyLinearization : public InitOnly {
 public:
    AnyLinearization(const py::list& outputs, const py::list& variables, const py::object& since, bool as_values)
        : any_(make(nodes_of(outputs, "outputs"), nodes_of(variables, "variables"),
                    nodes_of(py::make_tuple(since), "since").front(), as_values)) {}

    py::list pull(const py::list& cotangents) const {
        std::visit([&](const auto& of) { require_as_many(cotangents, of.outputs(), a_cotangent); }, any_);
        return run(cotangents, a_cotangent, [](const auto& of, auto given) { return of.pull(given); });
    }
    py::list push(const py::list& tangents) const {
        std::visit([&](const auto& of) { require_as_many(tangents, of.variables(), a_tangent); }, any_);
        return run(tangents, a_tangent, [](const auto& of, auto given) { return of.push(given); });
    }
    py::array jacobian() const {
        const auto& of = std::get<Linearization<double>>(any_);
        Array rows({static_cast<py::ssize_t>(of.outputs()), static_cast<py::ssize_t>(of.variables())});
        of.jacobian(rows.mutable_data());
        begin_with_zero(rows);
        return rows;
    }

 private:
    using Any = std::variant<Linearization<double>, Linearization<Term>>;

    static Any make(const std::vector<Node*>& outputs, const std::vector<Node*>& variables, const Node* since,
                    bool as_values) {
        if (as_values) return Linearization<Term>(outputs, variables, since);
        return Linearization<double>(outputs, variables, since);
    }

    // Returns Values if the linearization consists of Values or some are given; otherwise floats.
    template <class Function>
    py::list run(const py::list& directions, const char* what, Function function) const {
        const auto* in_numbers = std::get_if<Linearization<double>>(&any_);
        if (in_numbers && !holds_values(directions)) {
            return floats_of(function(*in_numbers, std::span<const double>(numbers_of(directions, what))));
        }
        const std::vector<Term> terms = terms_of(directions, what);
        return values_of(std::visit([&](const auto& of) { return function(of, std::span(terms)); }, any_));
    }

    Any any_;
};

}  // namespace

void register_derivatives(py::module_& module) {
    underivable_error =
        checked<py::object>(PyErr_NewException("fastgrad._core.Underivable", PyExc_TypeError, nullptr))
            .release()
            .ptr();
    module.attr("Underivable") = py::handle(underivable_error);
    py::register_exception_translator(translate_underivable);
    module.def("enter_transform", enter_transform, py::arg("trace_through_jit"),
               "This thread differentiates a function from now on; what leave_transform needs.");
    module.def("leave_transform", leave_transform, py::arg("trace_through_jit"), py::arg("pauses"), "It is done.");
    module.def(
        "is_transforming", [] { return transforms != 0 || tracing(); },
        "Whether this thread differentiates or records a function, so that derivatives are Values.");
    module.def(
        "traces_through_jit", [] { return tracing_through != 0 || tracing(); },
        "Whether recorded functions run as plain Python, so that derivatives can be taken of all that they do.");
    module.def("new_variables", new_variables, py::arg("leaves"),
               "A Value for each number or Value to differentiate by, and a Value older than what follows.");
    module.def("as_results", as_results, py::arg("results"),
               "Values or numbers as Values: leaves under no_grad, and no leaf that was there before.");
    module.def("swept_gradients", swept_gradients, py::arg("outputs"), py::arg("cotangents"), py::arg("variables"),
               "The gradient of sum(cotangents * outputs), by a sweep after which every grad is what it was.");
    py::class_<AnyLinearization, std::shared_ptr<AnyLinearization>>(
        module, "Linearization", checked_allocation(), "How some outputs depend on some variables, to first order.")
        .def(py::init(&std::make_shared<AnyLinearization, const py::list&, const py::list&, const py::object&, bool>),
             py::arg("outputs"), py::arg("variables"), py::arg("since"), py::kw_only(), py::arg("as_values"))
        .def("pull", &AnyLinearization::pull, py::arg("cotangents"), "The gradient of sum(cotangents * outputs).")
        .def("push", &AnyLinearization::push, py::arg("tangents"),
             "How the outputs change where the variables move along tangents.")
        .def("jacobian", &AnyLinearization::jacobian,
             "The derivative of each output in each variable, shape (outputs, variables).");
}

}  // namespace fastgrad::bind
