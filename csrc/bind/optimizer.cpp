// fastgrad._core.Optimizer: a rule together with the leaves that it updates.
#include "core/optimizer.hpp"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "bind/arguments.hpp"
#include "bind/arrays.hpp"
#include "bind/node_refs.hpp"
#include "bind/oom.hpp"
#include "bind/registration.hpp"
#include "bind/rules.hpp"
#include "core/grad_clipping.hpp"

namespace py = pybind11;
using namespace py::literals;

namespace fastgrad::bind {

namespace {

class BoundOptimizer : public InitOnly {
 public:
    BoundOptimizer(const Rule& rule, Settings settings, const py::object& parameters, const py::object& lr)
        : leaves_(leaves_of(parameters)), optimizer_(rule, std::move(settings), leaves_.nodes().size()) {
        if (leaves_.nodes().empty()) {
            throw py::value_error("there are no parameters to optimize: an iterator that was used up has none left");
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
        lr_ = number(lr, "lr", ranges::finite_from_0);
    }

    py::tuple parameters() const { return leaves_.values(); }
    py::dict settings() const { return to_dict(optimizer_.rule(), optimizer_.settings()); }
    std::uint64_t steps() const { return optimizer_.steps; }

    // Copies of the rule's moments, by name.
    py::dict memory() const {
        py::dict result;
        for (const Memory& each : optimizer_.memory) {
            if (each.numbers.empty()) continue;
            result[py::str(std::string(each.name))] =
                Array(static_cast<py::ssize_t>(each.numbers.size()), each.numbers.data());
        }
        return result;
    }

    // `numbers`: an array for each moment that the rule needs. If one does not fit, nothing changes.
    void restore(const py::dict& settings, py::handle lr, py::handle initial_lr, std::uint64_t steps,
                 const std::vector<Array>& numbers) {
        refuse("loading a state");
        Optimizer restored(optimizer_.rule(), settings_of(optimizer_.rule(), settings), leaves_.nodes().size());
        restored.steps = steps;
        auto given = numbers.begin();
        for (Memory& each : restored.memory) {
            if (each.numbers.empty()) continue;
            if (given == numbers.end() || given->size() != static_cast<py::ssize_t>(each.numbers.size())) {
                throw py::value_error("each moment needs a number for each of the " +
                                      std::to_string(leaves_.nodes().size()) + " parameters");
            }
            std::copy_n(given->data(), each.numbers.size(), each.numbers.begin());
            ++given;
        }
        const double checked_lr = number(lr, "lr", ranges::finite_from_0),
                     checked_initial = number(initial_lr, "initial_lr", ranges::finite_from_0);
        optimizer_ = std::move(restored);
        lr_ = checked_lr;
        initial_lr_ = checked_initial;
    }

 private:
    NodeRefs leaves_;
    Optimizer optimizer_;
    double lr_ = 0.0, initial_lr_ = 0.0;
};

}  // namespace

void register_optimizer(py::module_& module) {
    py::class_<BoundOptimizer, std::shared_ptr<BoundOptimizer>>(module, "Optimizer", checked_allocation(),
                                                                "The native half of fastgrad.optim.Optimizer.")
        .def(py::init(
                 [](const py::object& parameters, const Rule& rule, const py::dict& settings, const py::object& lr) {
                     return std::make_shared<BoundOptimizer>(rule, settings_of(rule, settings), parameters, lr);
                 }),
             "parameters"_a, "rule"_a, "settings"_a, "lr"_a)
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
        .def("_settings", &BoundOptimizer::settings, "By their names.")
        .def("_memory", &BoundOptimizer::memory)
        .def("_schedule_lr", &BoundOptimizer::schedule_lr, "lr"_a)
        .def("_restore", &BoundOptimizer::restore, "settings"_a, "lr"_a, "initial_lr"_a, "steps"_a, "memory"_a);
}

}  // namespace fastgrad::bind
