// Operators, comparisons and conversions of Value.
#include <Python.h>

#include <utility>

#include "bind/tracing.hpp"
#include "bind/value/apply.hpp"
#include "bind/value/slots.hpp"
#include "core/compiler.hpp"

namespace fastgrad::bind {

namespace {

// Not inlined, because it would cost binary_slot() a stack frame.
template <Op op>
FASTGRAD_NOINLINE PyObject* binary_slot_slowly(PyObject* a, PyObject* b) {
    Argument x, y;
    for (auto [argument, object] : {std::pair{&x, a}, std::pair{&y, b}}) {
        switch (argument->read(object)) {
            case Conversion::done: break;
            case Conversion::failed: return nullptr;
            case Conversion::not_a_number: Py_RETURN_NOTIMPLEMENTED;
        }
    }
    return x.visit([&](auto left) { return y.visit([&](auto right) { return apply_binary<op>(left, right); }); });
}

// The pairs that are frequent in loops come first. Compares types directly instead of looking at base classes.
template <Op op>
PyObject* binary_slot(PyObject* a, PyObject* b) {
    if (Py_TYPE(a) == value_type) [[likely]] {
        if (Py_TYPE(b) == value_type) [[likely]]
            return apply_binary<op>(ValueArgument{a}, ValueArgument{b});
        if (PyFloat_CheckExact(b)) return apply_binary<op>(ValueArgument{a}, NumberArgument{PyFloat_AS_DOUBLE(b)});
    } else if (Py_TYPE(b) == value_type && PyFloat_CheckExact(a)) {
        return apply_binary<op>(NumberArgument{PyFloat_AS_DOUBLE(a)}, ValueArgument{b});
    }
    return binary_slot_slowly<op>(a, b);
}

PyObject* power_slot(PyObject* a, PyObject* b, PyObject* modulus) {
    if (modulus != Py_None) Py_RETURN_NOTIMPLEMENTED;
    return binary_slot<Op::pow>(a, b);
}

PyObject* positive(PyObject* self) { return Py_NewRef(self); }

// The result of a comparison while tracing; otherwise a comparison returns a bool.
bool is_condition(const Node* node) { return node->op == Op::less || node->op == Op::less_equal; }

int is_true(PyObject* self) {
    Node* node = node_of(self);
    const bool answer = node->data != 0.0;
    if (!tracing()) [[likely]]
        return answer;
    if (!is_condition(node)) {
        refuse_while_tracing("bool()");
        return -1;
    }
    return note_guard(node, answer) ? answer : -1;
}

PyObject* number_of(PyObject* self) { return PyFloat_FromDouble(node_of(self)->data); }

PyObject* to_float(PyObject* self) { return refused_while_tracing("float()") ? nullptr : number_of(self); }

PyObject* as_int(PyObject* self) {
    PyObject* number = refused_while_tracing("int()") ? nullptr : number_of(self);
    PyObject* result = number ? PyNumber_Long(number) : nullptr;
    Py_XDECREF(number);
    return result;
}

// A Value that is 1 if the relation holds; testing its truth adds a guard to the recording.
PyObject* compare_traced(PyObject* a, const Argument& other, int relation) {
    const SubclassArgument self{{a}};
    return other.visit([&](auto argument) {
        switch (relation) {
            case Py_LT: return apply_binary<Op::less>(self, argument);
            case Py_LE: return apply_binary<Op::less_equal>(self, argument);
            case Py_GT: return apply_binary<Op::less>(argument, self);
            default: return apply_binary<Op::less_equal>(argument, self);
        }
    });
}

// Order is by data; equality is by identity, as in Python by default.
PyObject* compare(PyObject* a, PyObject* b, int relation) {
    if (relation == Py_EQ || relation == Py_NE) {
        if (is_condition(node_of(a)) && refused_while_tracing("== of a comparison")) return nullptr;
        Py_RETURN_NOTIMPLEMENTED;
    }
    const double x = node_of(a)->data;
    Argument other;
    switch (other.read(b)) {
        case Conversion::done: break;
        case Conversion::failed: return nullptr;
        case Conversion::not_a_number: Py_RETURN_NOTIMPLEMENTED;
    }
    if (tracing()) [[unlikely]]
        return compare_traced(a, other, relation);
    const double y = other.visit([](auto argument) { return argument.data(); });
    Py_RETURN_RICHCOMPARE(x, y, relation);
}

// Uses the object's address, as Python does by default: sets find Values by identity.
Py_hash_t hash(PyObject* self) {
    const auto address = reinterpret_cast<std::uintptr_t>(self);
    const auto rotated = static_cast<Py_hash_t>((address >> 4) | (address << (8 * sizeof(address) - 4)));
    return rotated == -1 ? -2 : rotated;
}

PyObject* repr(PyObject* self) {
    PyObject* number = number_of(self);
    PyObject* result = number ? PyUnicode_FromFormat("Value(data=%R)", number) : nullptr;
    Py_XDECREF(number);
    return result;
}

}  // namespace

void append_number_slots(PyType_Slot* slots, std::size_t& count) {
    const PyType_Slot number_slots[] = {
        {Py_nb_add, reinterpret_cast<void*>(binary_slot<Op::add>)},
        {Py_nb_subtract, reinterpret_cast<void*>(binary_slot<Op::sub>)},
        {Py_nb_multiply, reinterpret_cast<void*>(binary_slot<Op::mul>)},
        {Py_nb_true_divide, reinterpret_cast<void*>(binary_slot<Op::div>)},
        {Py_nb_power, reinterpret_cast<void*>(power_slot)},
        {Py_nb_negative, reinterpret_cast<void*>(apply_unary_of_value<Op::neg>)},
        {Py_nb_absolute, reinterpret_cast<void*>(apply_unary_of_value<Op::abs>)},
        {Py_nb_positive, reinterpret_cast<void*>(positive)},
        {Py_nb_bool, reinterpret_cast<void*>(is_true)},
        {Py_nb_float, reinterpret_cast<void*>(to_float)},
        {Py_nb_int, reinterpret_cast<void*>(as_int)},
        {Py_tp_richcompare, reinterpret_cast<void*>(compare)},
        {Py_tp_hash, reinterpret_cast<void*>(hash)},
        {Py_tp_repr, reinterpret_cast<void*>(repr)},
    };
    for (const PyType_Slot& slot : number_slots) slots[count++] = slot;
}

}  // namespace fastgrad::bind
