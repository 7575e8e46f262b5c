// Copies a single Value, and tells which Values can be copied.
#pragma once

#include <Python.h>

#include "core/node.hpp"

namespace fastgrad::bind {

// Sets TypeError and returns false if a copy would be wrong: a callback refers to the original, and a user's own
// class may keep unknown state with a custom operation.
bool is_copyable(const Node* node);

// A new Value of the same type with the same operands and attributes. New reference, or null.
PyObject* copy_value(PyObject* self, PyObject*);

}  // namespace fastgrad::bind
