// Values as pybind11 objects.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <string_view>

#include "bind/value/object.hpp"

namespace fastgrad::bind {

// Used for objects that may be many or large, because pybind11's own tuple and bytes raise RuntimeError instead of
// MemoryError when there is no memory.
template <class Object>
Object checked(PyObject* object) {
    if (!object) throw pybind11::error_already_set();
    return pybind11::reinterpret_steal<Object>(object);
}
inline pybind11::tuple new_tuple(std::size_t size) {
    return checked<pybind11::tuple>(PyTuple_New(static_cast<Py_ssize_t>(size)));
}
inline pybind11::bytes new_bytes(std::string_view bytes) {
    return checked<pybind11::bytes>(PyBytes_FromStringAndSize(bytes.data(), static_cast<Py_ssize_t>(bytes.size())));
}

// For text from a file: text that Python cannot decode would otherwise raise only when it is used.
inline void require_unicode(std::string_view text) {
    static_cast<void>(
        checked<pybind11::object>(PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), nullptr)));
}

// The object of a node, created if there is none. Throws Python's error.
inline pybind11::object value_of(Node* node) { return checked<pybind11::object>(wrap(node)); }

// The same for a new node. Takes over its only reference.
inline pybind11::object value_of_new(Node* node) { return checked<pybind11::object>(adopt(node)); }

}  // namespace fastgrad::bind
