// Turns C++ exceptions for exhausted memory and interruption into Python errors, in functions that CPython calls.
#pragma once

#include <Python.h>

#include <new>

#include "core/interruption.hpp"

namespace fastgrad::bind {

// The result of `body`; null with MemoryError or KeyboardInterrupt set if it throws.
template <class Body>
PyObject* guarded(Body body) {
    try {
        return body();
    } catch (const std::bad_alloc&) {
        return PyErr_NoMemory();
    } catch (const Interrupted&) {
        PyErr_SetNone(PyExc_KeyboardInterrupt);
        return nullptr;
    }
}

}  // namespace fastgrad::bind
