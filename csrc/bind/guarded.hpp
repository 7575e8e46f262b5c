// Where C++ may run out of memory, or be interrupted, below a function that CPython calls.
#pragma once

#include <Python.h>

#include <new>

#include "core/interruption.hpp"

namespace fastgrad::bind {

// What `body` gives; null with MemoryError or KeyboardInterrupt set where it throws.
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
