#include "bind/arguments.hpp"

#include <utility>
#include <vector>

#include "bind/tracing.hpp"
#include "bind/value/convert.hpp"

namespace py = pybind11;

namespace fastgrad::bind {

void refuse(const char* what) {
    if (refused_while_tracing(what)) throw py::error_already_set();
}

double number(py::handle given, const char* name, const Range& range) {
    double result;
    if (!require_double(given.ptr(), result, name)) throw py::error_already_set();
    if (!range.holds(result)) raise(PyExc_ValueError, "%s must be %s, not %R", name, range.text, given.ptr());
    return result;
}

bool flag(py::handle given, const char* name) {
    py::detail::make_caster<bool> caster;
    if (!caster.load(given, false)) raise(PyExc_TypeError, "%s must be True or False, not %R", name, given.ptr());
    return caster;
}

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

}  // namespace fastgrad::bind
