// Values as pybind11's objects.
#pragma once

#include <pybind11/pybind11.h>

#include "bind/value_object.hpp"

namespace fastgrad::bind {

// The object of a node, which is made when there is none. Throws what Python raised.
inline pybind11::object value_of(Node* node) {
    PyObject* value = wrap(node);
    if (!value) throw pybind11::error_already_set();
    return pybind11::reinterpret_steal<pybind11::object>(value);
}

// The same for a new node, whose one reference it takes over.
inline pybind11::object value_of_new(Node* node) {
    PyObject* value = adopt(node);
    if (!value) throw pybind11::error_already_set();
    return pybind11::reinterpret_steal<pybind11::object>(value);
}

}  // namespace fastgrad::bind
