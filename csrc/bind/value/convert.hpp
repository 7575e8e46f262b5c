// Converts Python numbers to operands, and raises Python errors for other objects.
#pragma once

#include <Python.h>

#include "bind/value/object.hpp"
#include "core/op.hpp"

namespace fastgrad::bind {

enum class Conversion { done, not_a_number, failed };  // failed: a Python error is set

// Accepts what float() accepts, except strings, arrays and complex numbers. Sets `number` only if the result is
// `done`.
Conversion to_double_slowly(PyObject* object, double& number);
inline Conversion to_double(PyObject* object, double& number) {
    if (PyFloat_CheckExact(object)) {
        number = PyFloat_AS_DOUBLE(object);
        return Conversion::done;
    }
    return to_double_slowly(object, number);
}

// The same if only a number or a Value is allowed: false with a TypeError that names `what`.
bool require_double(PyObject* object, double& number, const char* what);

// An operand of a known kind. Each kind is a separate type, so that each pair of kinds gets specialized code.
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

// An operand of any kind.
struct Argument {
    PyObject* value = nullptr;  // borrowed; null for a number
    double number = 0.0;

    Conversion read(PyObject* object);
    // Calls `continuation` with the operand as its kind.
    template <class Continuation>
    auto visit(Continuation continuation) const {
        return value ? continuation(SubclassArgument{{value}}) : continuation(NumberArgument{number});
    }
};

// Sets the error that Python would raise for these numbers.
void raise_error(ErrorKind error, Op op, double x, double y);

}  // namespace fastgrad::bind
