// Instances of pybind11's classes where Python runs out of memory: pybind11 does not look whether it got any.
#pragma once

#include <pybind11/pybind11.h>

#include <new>

namespace fastgrad::bind {

namespace detail {

// Called by pybind11's own C++, and by `make_instance`: never through C.
inline PyObject* allocate_or_throw(PyTypeObject* type, Py_ssize_t items) {
    PyObject* self = PyType_GenericAlloc(type, items);
    if (!self) throw pybind11::error_already_set();
    return self;
}

inline PyObject* make_instance(PyTypeObject* type, PyObject*, PyObject*) {
    try {
        PyObject* self = type->tp_alloc(type, 0);  // Python's own in a subclass
        if (self) reinterpret_cast<pybind11::detail::instance*>(self)->allocate_layout();
        return self;
    } catch (pybind11::error_already_set& error) {
        error.restore();
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
    }
    return nullptr;
}

}  // namespace detail

// An argument of every class_.
inline pybind11::custom_type_setup checked_allocation() {
    return pybind11::custom_type_setup([](PyHeapTypeObject* type) {
        type->ht_type.tp_alloc = detail::allocate_or_throw;
        type->ht_type.tp_new = detail::make_instance;
    });
}

}  // namespace fastgrad::bind
