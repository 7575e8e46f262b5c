// A Python function as the callback of a custom operation.
#pragma once

#include <Python.h>

#include "bind/gil.hpp"
#include "core/custom_operation.hpp"

namespace fastgrad::bind {

class PythonCallback final : public BackwardCallback {
 public:
    explicit PythonCallback(PyObject* function) : function_(Py_NewRef(function)) {}
    ~PythonCallback() override { Py_DECREF(function_); }
    PythonCallback(const PythonCallback&) = delete;
    PythonCallback& operator=(const PythonCallback&) = delete;

    bool run() override {
        PyObject* result = wait_if_python_ends([this] { return PyObject_CallNoArgs(function_); });
        Py_XDECREF(result);
        return result != nullptr;
    }
    PyObject* function() const { return function_; }

 private:
    PyObject* function_;
};

// The function behind a node's callback; null if it has none. Borrowed.
inline PyObject* callback_function(const Node* node) {
    if (node->op != Op::custom || !node->x.custom->callback) return nullptr;
    const auto* callback = dynamic_cast<const PythonCallback*>(node->x.custom->callback.get());
    return callback ? callback->function() : nullptr;
}

}  // namespace fastgrad::bind
