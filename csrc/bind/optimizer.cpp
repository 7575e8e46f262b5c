// fastgrad._core.Optimizer, the settings of its rules, and the clipping of gradients.
#include "core/optimizer.hpp"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <utility>

#include "bind/arrays.hpp"
#include "bind/node_refs.hpp"
#include "bind/oom.hpp"
#include "bind/registration.hpp"
#include "bind/tracing.hpp"
#include "bind/value/convert.hpp"
#include "core/grad_clipping.hpp"

namespace py = pybind11;
using namespace py::literals;

namespace fastgrad::bind {

namespace {

void refuse(const char* what) {
    if (refused_while_tracing(what)) throw py::error_already_set();
}

template <class... Arguments>
[[noreturn]] void raise(PyObject* type, const char* message, Arguments... arguments) {
    PyErr_Format(type, message, arguments...);
    throw py::error_already_set();
}

// --- arguments

struct Condition {
    bool (*holds)(double);
    const char* text;
};
constexpr Condition finite{[](double x) { return std::isfinite(x); }, "finite"};
constexpr Condition not_negative{[](double x) { return std::isfinite(x) && x >= 0.0; }, "finite and at least 0"};
constexpr Condition fraction{[](double x) { return x >= 0.0 && x < 1.0; }, "at least 0 and less than 1"};
constexpr Condition limit{[](double x) { return x >= 0.0; }, "at least 0"};
constexpr Condition order{[](double x) { return x > 0.0; }, "above 0"};

double number(py::handle given, const char* name, const Condition& condition) {
    double result;
    if (!require_double(given.ptr(), result, name)) throw py::error_already_set();
    if (!condition.holds(result)) {
        raise(PyExc_ValueError, "%s must be %s, not %R", name, condition.text, given.ptr());
    }
    return result;
}

bool flag(py::handle given, const char* name) {
    py::detail::make_caster<bool> caster;
    if (!caster.load(given, false)) raise(PyExc_TypeError, "%s must be True or False, not %R", name, given.ptr());
    return caster;
}

// Nodes in the order in which they are given, held before anything else can let go of them.
NodeRefs leaves_of(const py::object& parameters) {
    const auto iterator = py::reinterpret_steal<py::object>(PyObject_GetIter(parameters.ptr()));
    if (!iterator) {
        PyErr_Clear();
        raise(PyExc_TypeError, "parameters must be an iterable of Values, such as model.parameters(), not %.200R",
              parameters.ptr());
    }
    const py::list values(iterator);
    std::vector<Node*> nodes = nodes_of(values, "parameters", ": give the leaves, as model.parameters() does");
    require_distinct_leaves(nodes, "parameter");
    return NodeRefs(std::move(nodes));
}

// --- the settings of the rules

Sgd make_sgd(py::handle momentum, py::handle dampening, py::handle weight_decay, py::handle nesterov) {
    const Sgd rule{number(momentum, "momentum", not_negative), number(dampening, "dampening", finite),
                   number(weight_decay, "weight_decay", not_negative), flag(nesterov, "nesterov")};
    if (rule.nesterov && (rule.momentum == 0.0 || rule.dampening != 0.0)) {
        raise(PyExc_ValueError, "nesterov needs a momentum above 0 and a dampening of 0, not %R and %R",
              momentum.ptr(), dampening.ptr());
    }
    return rule;
}

Adam make_adam(py::handle betas, py::handle eps, py::handle weight_decay, bool decoupled) {
    const auto pair = py::reinterpret_steal<py::tuple>(PySequence_Tuple(betas.ptr()));
    if (!pair || pair.size() != 2) {
        PyErr_Clear();
        raise(PyExc_TypeError, "betas must be two numbers, as in (0.9, 0.999), not %R", betas.ptr());
    }
    return {number(pair[0], "betas[0]", fraction), number(pair[1], "betas[1]", fraction),
            number(eps, "eps", not_negative), number(weight_decay, "weight_decay", not_negative), decoupled};
}

RmsProp make_rms_prop(py::handle alpha, py::handle eps, py::handle weight_decay, py::handle momentum,
                      py::handle centered) {
    return {number(alpha, "alpha", fraction), number(eps, "eps", not_negative),
            number(weight_decay, "weight_decay", not_negative), number(momentum, "momentum", not_negative),
            flag(centered, "centered")};
}

template <class Settings>
py::list needed_moments(const Settings& rule) {
    py::list names;
    for (const Moment& moment : rule.moments()) {
        if (moment.needed) names.append(moment.name);
    }
    return names;
}

void register_rules(py::module_& module) {
    constexpr const char* moments = "What these settings make the rule remember.";
    py::class_<Sgd>(module, "SGDRule", checked_allocation(), "The settings of SGD.")
        .def("__init__", init_with(make_sgd), py::detail::is_new_style_constructor(), py::kw_only(), "momentum"_a,
             "dampening"_a, "weight_decay"_a, "nesterov"_a)
        .def_readonly("momentum", &Sgd::momentum)
        .def_readonly("dampening", &Sgd::dampening)
        .def_readonly("weight_decay", &Sgd::weight_decay)
        .def_readonly("nesterov", &Sgd::nesterov)
        .def_property_readonly("moments", &needed_moments<Sgd>, moments);
    py::class_<Adam>(module, "AdamRule", checked_allocation(),
                     "The settings of Adam and of AdamW, whose weight decay is decoupled.")
        .def("__init__", init_with(make_adam), py::detail::is_new_style_constructor(), py::kw_only(), "betas"_a,
             "eps"_a, "weight_decay"_a, "decoupled"_a = false)
        .def_property_readonly("betas", [](const Adam& rule) { return std::pair(rule.beta1, rule.beta2); })
        .def_readonly("eps", &Adam::eps)
        .def_readonly("weight_decay", &Adam::weight_decay)
        .def_property_readonly("moments", &needed_moments<Adam>, moments);
    py::class_<RmsProp>(module, "RMSpropRule", checked_allocation(), "The settings of RMSprop.")
        .def("__init__", init_with(make_rms_prop), py::detail::is_new_style_constructor(), py::kw_only(), "alpha"_a,
             "eps"_a, "weight_decay"_a, "momentum"_a, "centered"_a)
        .def_readonly("alpha", &RmsProp::alpha)
        .def_readonly("eps", &RmsProp::eps)
        .def_readonly("weight_decay", &RmsProp::weight_decay)
        .def_readonly("momentum", &RmsProp::momentum)
        .def_readonly("centered", &RmsProp::centered)
        .def_property_readonly("moments", &needed_moments<RmsProp>, moments);
}

// --- optimizers

class BoundOptimizer : public InitOnly {
 public:
    BoundOptimizer(const py::object& parameters, const Rule& rule, const py::object& lr)
        : leaves_(leaves_of(parameters)), optimizer_(rule, leaves_.nodes().size()) {
        if (leaves_.nodes().empty()) {
            throw py::value_error("there are no parameters to optimise: an iterator that was used up has none left");
        }
        set_lr(lr);
    }

    void step() {
        refuse("step()");
        optimizer_.step(leaves_.nodes(), lr_);
    }
    void zero_grad() {
        refuse("zero_grad()");
        zero_gradients(leaves_.nodes());
    }

    double lr() const { return lr_; }
    double initial_lr() const { return initial_lr_; }
    void set_lr(py::handle lr) {
        schedule_lr(lr);
        initial_lr_ = lr_;
    }
    void schedule_lr(py::handle lr) {
        refuse("setting a learning rate");
        lr_ = number(lr, "lr", not_negative);
    }

    py::tuple parameters() const { return leaves_.values(); }
    const Rule& rule() const { return optimizer_.rule(); }
    std::uint64_t steps() const { return optimizer_.steps; }

    // Copies, by their names.
    py::dict memory() const {
        py::dict result;
        for (const Optimizer::Memory& each : optimizer_.memory) {
            if (each.numbers.empty()) continue;
            result[py::str(std::string(each.name))] =
                Array(static_cast<py::ssize_t>(each.numbers.size()), each.numbers.data());
        }
        return result;
    }

    // `numbers`: an array for each moment that the rule needs. Where one does not fit, nothing has changed.
    void restore(const Rule& rule, py::handle lr, py::handle initial_lr, std::uint64_t steps,
                 const std::vector<Array>& numbers) {
        refuse("loading a state");
        Optimizer restored(rule, leaves_.nodes().size());
        restored.steps = steps;
        auto given = numbers.begin();
        for (Optimizer::Memory& each : restored.memory) {
            if (each.numbers.empty()) continue;
            if (given == numbers.end() || given->size() != static_cast<py::ssize_t>(each.numbers.size())) {
                throw py::value_error("each moment needs a number for each of the " +
                                      std::to_string(leaves_.nodes().size()) + " parameters");
            }
            std::copy_n(given->data(), each.numbers.size(), each.numbers.begin());
            ++given;
        }
        const double checked_lr = number(lr, "lr", not_negative),
                     checked_initial = number(initial_lr, "initial_lr", not_negative);
        optimizer_ = std::move(restored);
        lr_ = checked_lr;
        initial_lr_ = checked_initial;
    }

 private:
    NodeRefs leaves_;
    Optimizer optimizer_;
    double lr_ = 0.0, initial_lr_ = 0.0;
};

// --- clipping

double clip_grad_norm(const py::object& parameters, py::handle max_norm, py::handle norm_type,
                      py::handle error_if_nonfinite) {
    refuse("clip_grad_norm_()");
    const double most = number(max_norm, "max_norm", limit), p = number(norm_type, "norm_type", order);
    const bool refuses_nonfinite = flag(error_if_nonfinite, "error_if_nonfinite");
    const NodeRefs leaves = leaves_of(parameters);
    const double norm = gradient_norm(leaves.nodes(), p);
    if (refuses_nonfinite && !std::isfinite(norm)) {
        raise(PyExc_RuntimeError,
              "the norm of the gradients is %R, to which they cannot be clipped: look where the loss stopped being "
              "finite, or let error_if_nonfinite be False",
              py::float_(norm).ptr());
    }
    limit_gradient_norm(leaves.nodes(), norm, most);
    return norm;
}

void clip_grad_value(const py::object& parameters, py::handle clip_value) {
    refuse("clip_grad_value_()");
    const double most = number(clip_value, "clip_value", limit);
    limit_gradients(leaves_of(parameters).nodes(), most);
}

}  // namespace

void register_optimizer(py::module_& module) {
    register_rules(module);
    py::class_<BoundOptimizer, std::shared_ptr<BoundOptimizer>>(module, "Optimizer", checked_allocation(),
                                                                "The native half of fastgrad.optim.Optimizer.")
        .def(py::init(&std::make_shared<BoundOptimizer, const py::object&, const Rule&, const py::object&>),
             "parameters"_a, "rule"_a, "lr"_a)
        .def("step", &BoundOptimizer::step,
             "Change every parameter's data by its grad, once: one native call, in place.\n\n"
             "Never raises for a number: a gradient that is nan makes its parameter nan.\n\n"
             "Raises:\n"
             "    TypeError: inside a function that is being recorded.")
        .def("zero_grad", &BoundOptimizer::zero_grad,
             "Set every parameter's grad to 0.\n\n"
             "Raises:\n"
             "    TypeError: inside a function that is being recorded.")
        .def_property("lr", &BoundOptimizer::lr, &BoundOptimizer::set_lr,
                      "The learning rate of the next step. Setting it sets `initial_lr` too.")
        .def_property_readonly("initial_lr", &BoundOptimizer::initial_lr,
                               "The learning rate as it was given or set: what schedules start from.")
        .def_property_readonly("parameters", &BoundOptimizer::parameters, "The leaves, in their order.")
        .def_property_readonly("steps", &BoundOptimizer::steps, "How many steps have been made.")
        .def_property_readonly("_rule", &BoundOptimizer::rule, py::return_value_policy::copy)
        .def("_memory", &BoundOptimizer::memory)
        .def("_schedule_lr", &BoundOptimizer::schedule_lr, "lr"_a)
        .def("_restore", &BoundOptimizer::restore, "rule"_a, "lr"_a, "initial_lr"_a, "steps"_a, "memory"_a);
    module.def("clip_grad_norm_", &clip_grad_norm, "parameters"_a, "max_norm"_a, "norm_type"_a = 2.0,
               "error_if_nonfinite"_a = false,
               "Scale the gradients down so that all of them together have at most the norm max_norm.\n\n"
               "Each is multiplied by min(1, max_norm / (norm + 1e-6)), as ``torch.nn.utils.clip_grad_norm_`` does,\n"
               "so that a norm of inf makes finite gradients 0, and a norm of nan all of them nan.\n\n"
               "Args:\n"
               "    parameters: An iterable of leaf Values.\n"
               "    max_norm: At least 0; with inf the gradients stay, and the norm is only found.\n"
               "    norm_type: The norm's order, above 0; inf for the largest gradient's size.\n"
               "    error_if_nonfinite: Whether a norm of inf or nan is an error; the gradients stay then.\n\n"
               "Returns:\n"
               "    The norm before the gradients were scaled, a float; 0.0 without parameters.\n\n"
               "Raises:\n"
               "    TypeError: something among the parameters is no Value, max_norm or norm_type no number; or\n"
               "        inside a function that is being recorded.\n"
               "    ValueError: a parameter is no leaf or is given twice, or a number is out of range.\n"
               "    RuntimeError: the norm is not finite, and error_if_nonfinite is true.");
    module.def("clip_grad_value_", &clip_grad_value, "parameters"_a, "clip_value"_a,
               "Clip each gradient into [-clip_value, clip_value]; nan stays.\n\n"
               "Args:\n"
               "    parameters: An iterable of leaf Values.\n"
               "    clip_value: At least 0.\n\n"
               "Raises:\n"
               "    TypeError: something among the parameters is no Value, or clip_value no number; or inside a\n"
               "        function that is being recorded.\n"
               "    ValueError: a parameter is no leaf or is given twice, or clip_value is below 0 or nan.");
}

}  // namespace fastgrad::bind
