// Where C++ may run out of memory below a function that CPython calls.
#pragma once

#include <Python.h>

#include <new>

namespace fastgrad::bind {

// What `body` gives; null with MemoryError set where it throws std::bad_alloc.
template <class Body>
PyObject* guarded(Body body) {
    try {
        return body();
    } catch (const std::bad_alloc&) {
        return PyErr_NoMemory();
    }
}

}  // namespace fastgrad::bind
