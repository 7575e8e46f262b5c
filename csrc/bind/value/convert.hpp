// Python numbers as operands, and Python errors for what cannot be one.
#pragma once

#include <Python.h>

#include "bind/value/object.hpp"
#include "core/op.hpp"

namespace fastgrad::bind {

enum class Conversion { done, not_a_number, failed };  // failed: a Python error is set

// What float() takes, except strings, arrays and complex numbers. `number` is touched only where it is done.
Conversion to_double_slowly(PyObject* object, double& number);
inline Conversion to_double(PyObject* object, double& number) {
    if (PyFloat_CheckExact(object)) {
        number = PyFloat_AS_DOUBLE(object);
        return Conversion::done;
    }
    return to_double_slowly(object, number);
}

// The same where nothing but a number will do, a Value included: false with a TypeError that names `what`.
bool require_double(PyObject* object, double& number, const char* what);

// An operand of a known kind: types of their own, so that each pair of kinds has code of its own.
struct ValueArgument {  // of type `value_type`
    static constexpr bool is_constant = false;
    static constexpr bool may_be_subclass = false;
    PyObject* value;  // borrowed
    double data() const { return node_of(value)->data; }
    Operand operand() const { return node_of(value); }
};
struct SubclassArgument : ValueArgument {
    static constexpr bool may_be_subclass = true;
};
struct NumberArgument {
    static constexpr bool is_constant = true;
    static constexpr bool may_be_subclass = false;
    double number;
    double data() const { return number; }
    Operand operand() const { return number; }
};

// An operand of either kind.
struct Argument {
    PyObject* value = nullptr;  // borrowed; null for a number
    double number = 0.0;

    Conversion read(PyObject* object);
    // Calls `continuation` with the one of the two that this is.
    template <class Continuation>
    auto visit(Continuation continuation) const {
        return value ? continuation(SubclassArgument{{value}}) : continuation(NumberArgument{number});
    }
};

// Sets the error that Python would raise for these numbers.
void raise_error(ErrorKind error, Op op, double x, double y);

}  // namespace fastgrad::bind
