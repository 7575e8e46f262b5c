// What can be copied, and the copy of a single Value.
#pragma once

#include <Python.h>

#include "core/node.hpp"

namespace fastgrad::bind {

// Sets TypeError and returns false where a copy would be wrong: a callback names the original, and what a user's own
// class keeps beside a custom operation is unknown.
bool is_copyable(const Node* node);

// A new Value with the same operands, of the same type and with the same attributes. New reference, or null.
PyObject* copy_value(PyObject* self, PyObject*);

}  // namespace fastgrad::bind
