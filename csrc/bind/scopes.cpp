// Entering and leaving scopes from Python, by plain functions, because layers call them for each sample.
#include <Python.h>

#include <new>

#include "bind/registration.hpp"
#include "core/scope.hpp"

namespace py = pybind11;

namespace fastgrad::bind {

namespace {

PyObject* enter(PyObject*, PyObject* name) {
    Py_ssize_t size;
    const char* text = PyUnicode_Check(name) ? PyUnicode_AsUTF8AndSize(name, &size) : nullptr;
    if (!text) {
        if (!PyErr_Occurred()) PyErr_Format(PyExc_TypeError, "a scope's name is a str, not %.200R", name);
        return nullptr;
    }
    try {
        return PyLong_FromLong(scopes::exchange(scopes::inner({text, static_cast<std::size_t>(size)})));
    } catch (const std::bad_alloc&) {
        return PyErr_NoMemory();
    }
}

PyObject* leave(PyObject*, PyObject* before) {
    const long scope = PyLong_AsLong(before);
    if (scope == -1 && PyErr_Occurred()) return nullptr;
    if (!scopes::is_known(scope)) return PyErr_Format(PyExc_ValueError, "no scope has the number %ld", scope);
    scopes::exchange(static_cast<Scope>(scope));
    Py_RETURN_NONE;
}

PyMethodDef functions[] = {
    {"enter_scope", enter, METH_O,
     "enter_scope(name, /)\n--\n\nEnter a scope, in this thread; what leave_scope needs."},
    {"leave_scope", leave, METH_O, "leave_scope(before, /)\n--\n\nReturn to the scope before enter_scope."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

void register_scopes(py::module_& module) {
    if (PyModule_AddFunctions(module.ptr(), functions) != 0) throw py::error_already_set();
}

}  // namespace fastgrad::bind
