// Checks of the store's invariants, for tests. Only a build with FASTGRAD_CHECKS has them.
#include <pybind11/stl.h>

#include <vector>

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

template <class Check>
void asserting(Check check) {
    try {
        check();
    } catch (const Inconsistency& inconsistency) {
        PyErr_SetString(PyExc_AssertionError, inconsistency.what());
        throw py::error_already_set();
    }
}

}  // namespace

void register_checks(py::module_& module) {
    module.def(
        "check", [] { asserting([] { check_store(stands_for); }); },
        "Raise an AssertionError that names the first invariant of the store that does not hold.");
    module.def(
        "check_reverse",
        [](const py::handle& value, double gradient, const std::vector<double>& cotangents) {
            Node* node = is_value(value.ptr()) ? node_of(value.ptr()) : nullptr;
            if (!node || !is_sequence(node->op)) throw py::type_error("needs the node of an operation on a sequence");
            asserting([&] { check_reverse(node, gradient, cotangents); });
        },
        "Raise an AssertionError where an operation's reverse by hand differs from the one that its formula gives,\n"
        "for a gradient of the node and for those of its results.");
}

}  // namespace fastgrad::bind
