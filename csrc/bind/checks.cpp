// What only a build with FASTGRAD_CHECKS has: the store's invariants, checked when a test asks.
#include <string>

#include "bind/registration.hpp"
#include "bind/value/object.hpp"
#include "core/check.hpp"

namespace py = pybind11;

namespace fastgrad::bind {

namespace {

bool stands_for(const Node* node) {
    auto* object = static_cast<PyObject*>(node->object);
    return Py_REFCNT(object) > 0 && is_value(object) && node_of(object) == node;
}

void check() {
    try {
        check_store(stands_for);
    } catch (const Inconsistency& inconsistency) {
        PyErr_SetString(PyExc_AssertionError, inconsistency.what());
        throw py::error_already_set();
    }
}

}  // namespace

void register_checks(py::module_& module) {
    module.def("check", check,
               "Raise an AssertionError that names the first invariant of the store that does not hold.");
}

}  // namespace fastgrad::bind
