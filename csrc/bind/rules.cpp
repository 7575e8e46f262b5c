// The table of the optimizers' rules, as Python sees it. No rule is named here.
#include "bind/rules.hpp"

#include <algorithm>
#include <string>

#include "bind/arguments.hpp"
#include "bind/oom.hpp"
#include "bind/registration.hpp"

namespace py = pybind11;
using namespace py::literals;

namespace fastgrad::bind {

namespace {

// One overload for each setting type; the second argument selects it.
SettingValue read(py::handle given, double, const Setting& setting) {
    return number(given, setting.name, setting.range);
}
SettingValue read(py::handle given, bool, const Setting& setting) { return flag(given, setting.name); }
SettingValue read(py::handle given, const std::array<double, 2>&, const Setting& setting) {
    const auto pair = py::reinterpret_steal<py::tuple>(PySequence_Tuple(given.ptr()));
    if (!pair || pair.size() != 2) {
        PyErr_Clear();
        raise(PyExc_TypeError, "%s must be two numbers, as in (0.9, 0.999), not %R", setting.name, given.ptr());
    }
    const std::string name = setting.name;
    return std::array{number(pair[0], (name + "[0]").c_str(), setting.range),
                      number(pair[1], (name + "[1]").c_str(), setting.range)};
}

py::object written(double value) { return py::float_(value); }
py::object written(bool value) { return py::bool_(value); }
py::object written(const std::array<double, 2>& value) { return py::make_tuple(value[0], value[1]); }

py::tuple names_of_settings(const Rule& rule) {
    py::list names;
    for (const Setting& setting : rule.settings) names.append(setting.name);
    return py::tuple(names);
}

py::list needed_moments(const Rule& rule, const py::dict& settings) {
    py::list names;
    for (const Moment& moment : rule.moments(settings_of(rule, settings))) {
        if (moment.needed) names.append(moment.name);
    }
    return names;
}

}  // namespace

Settings settings_of(const Rule& rule, const py::dict& given) {
    Settings result;
    for (const Setting& setting : rule.settings) {
        if (!given.contains(setting.name)) raise(PyExc_TypeError, "%s needs its setting %s", rule.name, setting.name);
        const py::object value = given[setting.name];
        result.push_back(std::visit([&](const auto& type) { return read(value, type, setting); }, setting.type));
    }
    if (given.size() != rule.settings.size()) {
        raise(PyExc_TypeError, "%s has the settings %R, not %R", rule.name, names_of_settings(rule).ptr(),
              py::list(given).ptr());
    }
    if (const char* conflict = rule.conflict(result)) {
        throw py::value_error(py::str(py::str(conflict).attr("format")(**given)));
    }
    return result;
}

py::dict to_dict(const Rule& rule, const Settings& settings) {
    py::dict result;
    for (std::size_t i = 0; i < settings.size(); ++i) {
        result[rule.settings[i].name] = std::visit([](const auto& value) { return written(value); }, settings[i]);
    }
    return result;
}

void register_rules(py::module_& module) {
    py::class_<Rule>(module, "Rule", checked_allocation(), "One row of the table of the optimizers' rules.")
        .def_property_readonly("name", [](const Rule& rule) { return rule.name; })
        .def_property_readonly("update", [](const Rule& rule) { return rule.update; })
        .def_property_readonly("source", [](const Rule& rule) { return rule.source; })
        .def_property_readonly("settings", &names_of_settings, "The names of its settings.")
        .def("moments", &needed_moments, "settings"_a, "The names of what these settings make the rule remember.")
        .def("__repr__", [](const Rule& rule) { return "Rule(" + std::string(rule.name) + ")"; });
    py::dict rows;
    for (const Rule& rule : rules()) rows[rule.name] = py::cast(&rule, py::return_value_policy::reference);
    const auto view = py::reinterpret_steal<py::object>(PyDictProxy_New(rows.ptr()));
    if (!view) throw py::error_already_set();
    module.attr("RULES") = view;
}

}  // namespace fastgrad::bind
