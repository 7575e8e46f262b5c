// Tells the core about signals, mainly Ctrl-C.
#include <Python.h>

#include "bind/guarded.hpp"
#include "bind/registration.hpp"
#include "core/interruption.hpp"

namespace py = pybind11;

namespace fastgrad::bind {

namespace {

// Whether Ctrl-C raises KeyboardInterrupt and does nothing else.
bool is_handled_by_default() {
    const PyObject* module = PyImport_AddModule("_signal");  // borrowed; exists since the interpreter started
    PyObject* dict = module ? PyModule_GetDict(const_cast<PyObject*>(module)) : nullptr;
    PyObject* standard = dict ? PyDict_GetItemString(dict, "default_int_handler") : nullptr;
    PyObject* function = dict ? PyDict_GetItemString(dict, "getsignal") : nullptr;
    PyObject* present = function ? PyObject_CallFunction(function, "i", 2) : nullptr;
    Py_XDECREF(present);
    PyErr_Clear();
    return standard && present == standard;
}

// Only checks, because no Python code may run in the middle of a traversal. Python runs all other handlers when the
// traversal is done, as after any call into C.
bool is_requested() {
    if (!PyOS_InterruptOccurred()) return false;
    if (is_handled_by_default()) return true;
    PyErr_SetInterrupt();
    return false;
}

void translate_interrupted(std::exception_ptr pending) {
    try {
        if (pending) std::rethrow_exception(pending);
    } catch (const Interrupted&) {
        PyErr_SetNone(PyExc_KeyboardInterrupt);
    }
}

}  // namespace

void register_signals() {
    interruption = {is_requested, [] { return PyErr_CheckSignals() != 0; }};
    py::register_exception_translator(translate_interrupted);
}

}  // namespace fastgrad::bind
