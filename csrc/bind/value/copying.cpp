#include "bind/value/copying.hpp"

#include <new>

#include "bind/tracing.hpp"
#include "bind/value/callback.hpp"
#include "bind/value/object.hpp"
#include "core/tape.hpp"

namespace fastgrad::bind {

bool is_copyable(const Node* node) {
    if (node->op != Op::custom) return true;
    if (node->x.custom->callback && !callback_function(node)) {
        PyErr_Format(PyExc_TypeError,
                     "a result of the recorded function %s() cannot be copied or pickled: copy what it was made of, "
                     "or its detach()",
                     node->x.custom->symbol.c_str());
        return false;
    }
    if (node->x.custom->callback) {
        PyErr_SetString(
            PyExc_TypeError,
            "a Value with a _backward function cannot be copied or pickled, because the function names "
            "the original: give local gradients as the third argument of Value, or copy what it is made of");
        return false;
    }
    auto* object = static_cast<PyObject*>(node->object);
    if (object && Py_TYPE(object) != custom_value_type) {
        PyErr_Format(PyExc_TypeError,
                     "a %s with children cannot be copied or pickled, because what its class adds is unknown: "
                     "copy what it is made of",
                     Py_TYPE(object)->tp_name);
        return false;
    }
    return true;
}

PyObject* copy_value(PyObject* self, PyObject*) {
    if (refused_while_tracing("copy()") || !is_copyable(node_of(self))) return nullptr;
    PyTypeObject* type = Py_TYPE(self);
    PyObject* twin;
    try {
        Node* node = tape.copy(node_of(self));
        twin = node->is_leaf() ? adopt_as(type, node) : adopt(node);
    } catch (const std::bad_alloc&) {
        return PyErr_NoMemory();
    }
    if (!twin || type == value_type || type == custom_value_type) return twin;
    PyObject* attributes = PyObject_GetAttrString(self, "__dict__");
    PyObject* copied = attributes ? PyObject_GetAttrString(twin, "__dict__") : nullptr;
    if (copied ? PyDict_Update(copied, attributes) < 0 : !PyErr_ExceptionMatches(PyExc_AttributeError)) {
        Py_CLEAR(twin);
    } else {
        PyErr_Clear();  // a subclass with __slots__ has no dict
    }
    Py_XDECREF(copied);
    Py_XDECREF(attributes);
    return twin;
}

}  // namespace fastgrad::bind
