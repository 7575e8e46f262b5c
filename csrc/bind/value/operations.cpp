// The rows of ops.def as methods of Value and as functions of the module.
#include <Python.h>

#include "bind/value/apply.hpp"
#include "bind/value/slots.hpp"

namespace fastgrad::bind {

namespace {

void raise_not_a_number(const char* function, PyObject* object) {
    double ignored;
    if (require_double(object, ignored, function)) {
        PyErr_Format(PyExc_TypeError, "%s() does not take %.200R", function, object);
    }
}

bool read(Argument& argument, PyObject* object, const char* function) {
    const Conversion conversion = argument.read(object);
    if (conversion == Conversion::not_a_number) raise_not_a_number(function, object);
    return conversion == Conversion::done;
}

template <Op op>
PyObject* unary_method(PyObject* self, PyObject*) {
    return apply_unary_of_value<op>(self);
}

template <Op op>
PyObject* unary_function(PyObject*, PyObject* object) {
    Argument x;
    if (!read(x, object, operation(op).name.data())) return nullptr;
    return x.visit([](auto argument) { return apply_unary<op>(argument); });
}

template <Op op>
PyObject* apply(PyObject* first, PyObject* second) {
    const char* name = operation(op).name.data();
    Argument x, y;
    if (!read(x, first, name)) return nullptr;
    if (second) {
        if (!read(y, second, name)) return nullptr;
    } else {
        y.number = operation(op).default_value;
    }
    return x.visit([&](auto left) { return y.visit([&](auto right) { return apply_binary<op>(left, right); }); });
}

template <Op op>
PyObject* binary_method(PyObject* self, PyObject* other) {
    return apply<op>(self, other);
}

// For methods and functions: the second operand may be given by position or by name, or left out.
template <Op op>
PyObject* apply_parametric(PyObject* first, PyObject* const* rest, Py_ssize_t count, PyObject* names) {
    const Operation& row = operation(op);
    const Py_ssize_t named = names ? PyTuple_GET_SIZE(names) : 0;
    const bool is_known = named == 0 || (named == 1 && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0),
                                                                                        row.parameter.data()) == 0);
    if (count + named > 1 || !is_known) {
        return PyErr_Format(PyExc_TypeError, "%s() takes one optional argument besides x: %s", row.name.data(),
                            row.parameter.data());
    }
    return apply<op>(first, count + named == 1 ? rest[0] : nullptr);
}

template <Op op>
PyObject* parametric_method(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return apply_parametric<op>(self, args, count, names);
}

template <Op op>
PyObject* parametric_function(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    if (count < 1) return PyErr_Format(PyExc_TypeError, "%s() needs x", operation(op).name.data());
    return apply_parametric<op>(args[0], args + 1, count - 1, names);
}

template <Op op>
PyObject* binary_function(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (op == Op::maximum && count == 1) return largest_of(args[0]);
    if (op == Op::minimum && count == 1) return smallest_of(args[0]);
    if (count != 2) {
        return PyErr_Format(PyExc_TypeError, "%s() takes two numbers, not %zd", operation(op).name.data(), count);
    }
    return apply<op>(args[0], args[1]);
}

constexpr int with_names = METH_FASTCALL | METH_KEYWORDS;

PyMethodDef operation_functions[] = {
#define FASTGRAD_UNARY(name, title, symbol, ...) \
    {#name, unary_function<Op::name>, METH_O, #name "(x, /)\n--\n\n" title ", of a Value or a number."},
#define FASTGRAD_BINARY(name, title, symbol, ...)                    \
    {#name, as_c_function(binary_function<Op::name>), METH_FASTCALL, \
     #name "(x, y, /)\n--\n\n" title ", of Values or numbers."},
#define FASTGRAD_PARAMETRIC(name, title, symbol, parameter, default_value, ...) \
    {#name, as_c_function(parametric_function<Op::name>), with_names,           \
     #name "(x, /, " #parameter "=" #default_value ")\n--\n\n" title ", of Values or numbers."},
#include "ops.def"
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

PyMethodDef operation_methods[] = {
#define FASTGRAD_UNARY(name, title, symbol, ...) \
    {#name, unary_method<Op::name>, METH_NOARGS, #name "($self, /)\n--\n\n" title "."},
#define FASTGRAD_BINARY(name, title, symbol, ...) \
    {#name, binary_method<Op::name>, METH_O, #name "($self, y, /)\n--\n\n" title "."},
#define FASTGRAD_PARAMETRIC(name, title, symbol, parameter, default_value, ...) \
    {#name, as_c_function(parametric_method<Op::name>), with_names,             \
     #name "($self, /, " #parameter "=" #default_value ")\n--\n\n" title "."},
#include "ops.def"
    {nullptr, nullptr, 0, nullptr},
};

bool add_operation_functions(PyObject* module) { return PyModule_AddFunctions(module, operation_functions) == 0; }

}  // namespace fastgrad::bind
