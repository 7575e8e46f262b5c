// Evaluates an operation on Python operands. Every new node is created here.
#pragma once

#include <cmath>
#include <new>

#include "bind/grad_mode.hpp"
#include "bind/value/convert.hpp"
#include "core/compiler.hpp"
#include "core/rows.hpp"
#include "core/tape.hpp"

namespace fastgrad::bind {

// True, with a Python error set, if Python would raise for these numbers.
template <Op op>
bool fails(double x, double y, double r) {
    if constexpr (Row<op>::never_fails) return false;
    if (std::isfinite(r)) [[likely]]
        return false;
    const ErrorKind error = error_kind_of(op, x, y, r);
    if (error == ErrorKind::none) return false;
    raise_error(error, op, x, y);
    return true;
}

// A new Value for a new leaf.
FASTGRAD_NOINLINE inline PyObject* new_leaf(double data) {
    try {
        return adopt(tape.leaf(data));
    } catch (const std::bad_alloc&) {
        return PyErr_NoMemory();
    }
}

template <Op op, class X>
PyObject* apply_unary(X x) {
    const double r = Row<op>::value(x.data());
    if (fails<op>(x.data(), 0.0, r)) return nullptr;
    if constexpr (X::is_constant) return PyFloat_FromDouble(r);
    if (!grad_enabled()) [[unlikely]]
        return new_leaf(r);
    Node* node;
    try {
        node = tape.unary(op, r, x.operand().node);
    } catch (const std::bad_alloc&) {
        return PyErr_NoMemory();
    }
    if constexpr (X::may_be_subclass) hold_if_subclass(x.value);
    return adopt(node);
}

template <Op op>
PyObject* apply_unary_of_value(PyObject* value) {
    if (Py_TYPE(value) == value_type) [[likely]]
        return apply_unary<op>(ValueArgument{value});
    return apply_unary<op>(SubclassArgument{{value}});
}

template <Op op, class X, class Y>
PyObject* apply_binary(X x, Y y) {
    const double r = Row<op>::value(x.data(), y.data());
    if (fails<op>(x.data(), y.data(), r)) return nullptr;
    if constexpr (X::is_constant && Y::is_constant) return PyFloat_FromDouble(r);
    if (!grad_enabled()) [[unlikely]]
        return new_leaf(r);
    constexpr auto constants = static_cast<std::uint8_t>((X::is_constant ? Node::x_is_constant : 0) |
                                                         (Y::is_constant ? Node::y_is_constant : 0));
    Node* node;
    try {
        node = tape.binary(op, r, x.operand(), y.operand(), constants);
    } catch (const std::bad_alloc&) {
        return PyErr_NoMemory();
    }
    if constexpr (X::may_be_subclass) hold_if_subclass(x.value);
    if constexpr (Y::may_be_subclass) hold_if_subclass(y.value);
    return adopt(node);
}

}  // namespace fastgrad::bind
