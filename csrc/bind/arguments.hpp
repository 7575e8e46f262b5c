// Reads the arguments of optimizers and of gradient clipping, with errors that name them.
#pragma once

#include <pybind11/pybind11.h>

#include "bind/node_refs.hpp"
#include "core/range.hpp"

namespace fastgrad::bind {

template <class... Arguments>
[[noreturn]] void raise(PyObject* type, const char* message, Arguments... arguments) {
    PyErr_Format(type, message, arguments...);
    throw pybind11::error_already_set();
}

// Throws TypeError if the calling function is being traced.
void refuse(const char* what);

double number(pybind11::handle given, const char* name, const Range& range);
bool flag(pybind11::handle given, const char* name);

// The leaves in the given order. They are retained immediately, before other code can release them.
NodeRefs leaves_of(const pybind11::object& parameters);

}  // namespace fastgrad::bind
