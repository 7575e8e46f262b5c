// Value(data, _children=(), _op='', label=''): leaves and custom operations.
#include <Python.h>

#include <memory>
#include <new>

#include "bind/grad_mode.hpp"
#include "bind/tracing.hpp"
#include "bind/value/apply.hpp"
#include "bind/value/slots.hpp"
#include "core/tape.hpp"

namespace fastgrad::bind {

namespace {

using Reference = std::unique_ptr<PyObject, decltype([](PyObject* object) { Py_DECREF(object); })>;

bool read_children(PyObject* children, CustomOperation& custom) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(children); ++i) {
        PyObject* child = PyTuple_GET_ITEM(children, i);
        if (!is_value(child)) {
            PyErr_Format(PyExc_TypeError,
                         "_children needs Values, not %.200R of type '%.100s': wrap it as Value(...)", child,
                         Py_TYPE(child)->tp_name);
            return false;
        }
        custom.operands.push_back(node_of(child));
    }
    return true;
}

// Reads the third argument: the operation's symbol, or the local gradients, one for each operand.
bool read_operation(PyObject* operation, std::size_t children, CustomOperation& custom) {
    if (PyUnicode_Check(operation)) {
        Py_ssize_t size;
        const char* symbol = PyUnicode_AsUTF8AndSize(operation, &size);
        if (symbol) custom.symbol.assign(symbol, static_cast<std::size_t>(size));
        return symbol != nullptr;
    }
    if (!Py_TYPE(operation)->tp_iter) {
        PyErr_Format(PyExc_TypeError, "_op needs a str, or a tuple of local gradients, not %.200R", operation);
        return false;
    }
    const Reference listed(PySequence_Tuple(operation));
    if (!listed) return false;
    const auto count = static_cast<std::size_t>(PyTuple_GET_SIZE(listed.get()));
    if (count != children) {
        PyErr_Format(PyExc_ValueError, "%zu local gradients for %zu children: give one for each", count, children);
        return false;
    }
    for (std::size_t i = 0; i < count; ++i) {
        double gradient;
        if (!require_double(PyTuple_GET_ITEM(listed.get(), i), gradient, "a local gradient")) return false;
        custom.local_gradients.push_back(gradient);
    }
    return true;
}

bool set_label(Node* node, PyObject* label) {
    if (!PyUnicode_Check(label)) {
        PyErr_Format(PyExc_TypeError, "label needs a str, not %.200R of type '%.100s': convert it with str()", label,
                     Py_TYPE(label)->tp_name);
        return false;
    }
    Py_ssize_t size;
    const char* text = PyUnicode_AsUTF8AndSize(label, &size);
    if (text) tape.set_label(node, {text, static_cast<std::size_t>(size)});
    return text != nullptr;
}

// The new node, or null with an error set. Without children it is a leaf. Throws std::bad_alloc.
Node* make_node(double data, PyObject* children, PyObject* operation, PyObject* label) {
    auto custom = std::make_unique<CustomOperation>();
    const auto count = static_cast<std::size_t>(children ? PyTuple_GET_SIZE(children) : 0);
    if (operation && !read_operation(operation, count, *custom)) return nullptr;
    // Comes after everything that may run Python code, which could change the nodes of the children.
    if (children && !read_children(children, *custom)) return nullptr;
    const bool is_custom = grad_enabled() && count != 0;
    Node* node = is_custom ? tape.custom(data, std::move(custom)) : tape.leaf(data);
    try {
        if (!is_custom && tracing()) note_leaf(node);
        if (label && !set_label(node, label)) {
            tape.release(node);
            return nullptr;
        }
    } catch (...) {
        tape.release(node);
        throw;
    }
    if (is_custom && children) {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(children); ++i) hold_if_subclass(PyTuple_GET_ITEM(children, i));
    }
    return node;
}

// The node described by the constructor's arguments, or null with an error set.
Node* parse(PyObject* args, PyObject* kwargs) {
    static const char* names[] = {"data", "_children", "_op", "label", nullptr};
    PyObject *data, *children = nullptr, *operation = nullptr, *label = nullptr;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|OOO:Value", const_cast<char**>(names), &data, &children,
                                     &operation, &label)) {
        return nullptr;
    }
    double number;
    if (!require_double(data, number, "Value()")) return nullptr;
    Reference listed(nullptr);
    if (children) {
        if (is_value(children)) {
            PyErr_Format(PyExc_TypeError, "_children needs a tuple of Values, not the single %R: write (v,)",
                         children);
            return nullptr;
        }
        listed.reset(PySequence_Tuple(children));
        if (!listed) return nullptr;
    }
    try {
        return make_node(number, listed.get(), operation, label);
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
        return nullptr;
    }
}

// Notes a leaf of the recording. Takes over the reference.
PyObject* noted(PyObject* leaf) {
    try {
        note_leaf(node_of(leaf));
    } catch (const std::bad_alloc&) {
        Py_DECREF(leaf);
        return PyErr_NoMemory();
    }
    return leaf;
}

}  // namespace

PyObject* new_value(PyTypeObject* type, PyObject*, PyObject*) {
    Node* node;
    try {
        node = tape.leaf(0.0);
    } catch (const std::bad_alloc&) {
        return PyErr_NoMemory();
    }
    return adopt_as(type, node);
}

int init_value(PyObject* self, PyObject* args, PyObject* kwargs) {
    Node* node = parse(args, kwargs);
    if (!node) return -1;
    if (node->op == Op::custom && !PyType_IS_GC(Py_TYPE(self))) {
        tape.release(node);
        PyErr_SetString(PyExc_TypeError, "a Value with children is made by calling Value(...), not by __init__");
        return -1;
    }
    replace_node(self, node);
    return 0;
}

// Bypasses type.__call__, because programs call the constructor in loops.
PyObject* call_value_type(PyObject*, PyObject* const* args, std::size_t count_and_flag, PyObject* names) {
    const Py_ssize_t count = PyVectorcall_NARGS(count_and_flag);
    if (count == 1 && !names) {
        double number;
        if (!require_double(args[0], number, "Value()")) return nullptr;
        PyObject* leaf = new_leaf(number);
        return leaf && tracing() ? noted(leaf) : leaf;
    }
    const Reference positional(PyTuple_New(count));
    const Reference named(PyDict_New());
    if (!positional || !named) return nullptr;
    for (Py_ssize_t i = 0; i < count; ++i) PyTuple_SET_ITEM(positional.get(), i, Py_NewRef(args[i]));
    for (Py_ssize_t i = 0; names && i < PyTuple_GET_SIZE(names); ++i) {
        if (PyDict_SetItem(named.get(), PyTuple_GET_ITEM(names, i), args[count + i]) < 0) return nullptr;
    }
    Node* node = parse(positional.get(), named.get());
    return node ? adopt(node) : nullptr;
}

int set_label_attribute(PyObject* self, PyObject* label, void*) {
    try {
        if (label) return set_label(node_of(self), label) ? 0 : -1;
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
        return -1;
    }
    PyErr_SetString(PyExc_TypeError, "label cannot be deleted: set it to ''");
    return -1;
}

}  // namespace fastgrad::bind
