#include "bind/value/convert.hpp"

#include <string>

#include "bind/tracing.hpp"
#include "core/error_kind.hpp"

namespace fastgrad::bind {

namespace {

// Some complex numbers (numpy.complex64) have a __float__ that drops the imaginary part.
int is_complex(PyObject* object) {
    static PyObject* complex_type = nullptr;
    static PyObject* real_type = nullptr;
    if (!real_type) {
        PyObject* numbers = PyImport_ImportModule("numbers");
        if (!numbers) return -1;
        complex_type = PyObject_GetAttrString(numbers, "Complex");
        real_type = complex_type ? PyObject_GetAttrString(numbers, "Real") : nullptr;
        Py_DECREF(numbers);
        if (!real_type) return -1;
    }
    const int is_any = PyObject_IsInstance(object, complex_type);
    if (is_any <= 0) return is_any;
    const int is_real = PyObject_IsInstance(object, real_type);
    return is_real < 0 ? -1 : !is_real;
}

bool has_length(PyTypeObject* type) {
    return (type->tp_as_sequence && type->tp_as_sequence->sq_length) ||
           (type->tp_as_mapping && type->tp_as_mapping->mp_length);
}

}  // namespace

Conversion to_double_slowly(PyObject* object, double& number) {
    if (!PyFloat_Check(object) && !PyLong_Check(object)) {
        const PyNumberMethods* methods = Py_TYPE(object)->tp_as_number;
        if (!methods || (!methods->nb_float && !methods->nb_index) || has_length(Py_TYPE(object))) {
            return Conversion::not_a_number;
        }
        const int complex = is_complex(object);
        if (complex != 0) return complex < 0 ? Conversion::failed : Conversion::not_a_number;
    }
    const double result = PyFloat_AsDouble(object);
    if (result == -1.0 && PyErr_Occurred()) return Conversion::failed;
    number = result;
    return Conversion::done;
}

bool require_double(PyObject* object, double& number, const char* what) {
    if (is_value(object)) {
        if (refused_while_tracing("taking a Value for a number")) return false;
        number = node_of(object)->data;
        return true;
    }
    switch (to_double(object, number)) {
        case Conversion::done: return true;
        case Conversion::failed: return false;
        case Conversion::not_a_number: break;
    }
    const char* hint = "convert it with float() first";
    if (PyComplex_Check(object)) {
        hint = "take its .real or abs()";
    } else if (PyUnicode_Check(object) || PyBytes_Check(object)) {
        hint = "read the number with float() first";
    } else if (has_length(Py_TYPE(object))) {
        hint = "take one element at a time, as in [Value(x) for x in data]";
    } else if (object == Py_None) {
        hint = "give a float or an int";
    }
    PyErr_Format(PyExc_TypeError, "%s needs a real number, not %.200R of type '%.100s': %s", what, object,
                 Py_TYPE(object)->tp_name, hint);
    return false;
}

Conversion Argument::read(PyObject* object) {
    if (is_value(object)) {
        value = object;
        return Conversion::done;
    }
    return to_double(object, number);
}

void raise_error(ErrorKind error, Op op, double x, double y) {
    const Operation& row = operation(op);
    PyObject* a = PyFloat_FromDouble(x);
    PyObject* b = PyFloat_FromDouble(y);
    PyObject* call = nullptr;
    if (a && b) {
        const std::string symbol(row.symbol);
        const bool is_operator = op <= Op::pow;
        call = is_operator      ? PyUnicode_FromFormat("%R %s %R", a, symbol.c_str(), b)
               : row.arity == 2 ? PyUnicode_FromFormat("%s(%R, %R)", symbol.c_str(), a, b)
                                : PyUnicode_FromFormat("%s(%R)", symbol.c_str(), a);
    }
    if (call) {
        switch (error) {
            case ErrorKind::zero_division: PyErr_Format(PyExc_ZeroDivisionError, "%U: division by zero", call); break;
            case ErrorKind::overflow:
                PyErr_Format(PyExc_OverflowError, "%U: the result is too large for a float", call);
                break;
            default:
                PyErr_Format(PyExc_ValueError,
                             op == Op::pow
                                 ? "%U: the result would be complex; take abs() of the base, or an integer power"
                                 : "%U: outside the function's domain, or at a pole",
                             call);
        }
    }
    Py_XDECREF(call);
    Py_XDECREF(b);
    Py_XDECREF(a);
}

}  // namespace fastgrad::bind
