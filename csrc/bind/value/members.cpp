// Attributes and methods of Value other than operations.
#include <Python.h>

#include <memory>
#include <new>
#include <vector>

#include "bind/guarded.hpp"
#include "bind/tracing.hpp"
#include "bind/value/apply.hpp"
#include "bind/value/callback.hpp"
#include "bind/value/convert.hpp"
#include "bind/value/copying.hpp"
#include "bind/value/slots.hpp"
#include "core/operands.hpp"
#include "core/order.hpp"
#include "core/sequence_table.hpp"
#include "core/sweep.hpp"
#include "core/tape.hpp"

namespace fastgrad::bind {

namespace {

// --- attributes

template <double Node::* member>
PyObject* get_number(PyObject* self, void*) {
    if (refused_while_tracing(member == &Node::data ? "reading .data" : "reading .grad")) return nullptr;
    return PyFloat_FromDouble(node_of(self)->*member);
}

template <double Node::* member>
int set_number(PyObject* self, PyObject* number, void* name) {
    if (refused_while_tracing(member == &Node::data ? "setting .data" : "setting .grad")) return -1;
    if (!number) {
        PyErr_Format(PyExc_TypeError, "%s cannot be deleted: set it to 0.0", static_cast<const char*>(name));
        return -1;
    }
    double value;
    if (!require_double(number, value, static_cast<const char*>(name))) return -1;
    node_of(self)->*member = value;  // only now, because reading the number may have run Python code
    return 0;
}

PyObject* to_str(std::string_view text) {
    return PyUnicode_FromStringAndSize(text.data(), static_cast<Py_ssize_t>(text.size()));
}
PyObject* get_label(PyObject* self, void*) { return to_str(tape.label(node_of(self))); }

PyObject* get_scope(PyObject* self, void*) { return to_str(scopes::path(node_of(self)->scope)); }

PyObject* get_op(PyObject* self, void*) {
    const Node* node = node_of(self);
    switch (kind_of(node->op)) {
        case NodeKind::leaf: return to_str("");
        case NodeKind::custom: return to_str(node->x.custom->symbol);
        case NodeKind::scalar: return to_str(operation(node->op).symbol);
        case NodeKind::element: return PyUnicode_FromFormat("[%zu]", static_cast<std::size_t>(node->y.constant));
        case NodeKind::sequence: return to_str(sequence_operation(node->op).symbol);
    }
    unreachable();
}

template <class Operands, class ToObject>
PyObject* tuple_of(const Operands& operands, ToObject to_object) {
    PyObject* tuple = PyTuple_New(static_cast<Py_ssize_t>(operands.size()));
    for (std::size_t i = 0; tuple && i < operands.size(); ++i) {
        PyObject* object = to_object(operands[i]);
        if (object) {
            PyTuple_SET_ITEM(tuple, static_cast<Py_ssize_t>(i), object);
        } else {
            Py_CLEAR(tuple);
        }
    }
    return tuple;
}

// The operands in order, with constants turned into leaves so that they become visible.
PyObject* operands_of(Node* node) {
    std::vector<Node*> operands;
    tape.materialize_constants(node);
    for_each_operand(node, [&](Node* operand) { operands.push_back(operand); });
    return tuple_of(operands, wrap);
}

// The same, with constants as numbers, so that reading changes nothing.
PyObject* operands_or_constants_of(const Node* node) {
    struct Slot {
        Operand operand;
        bool is_constant;
    };
    std::vector<Slot> slots;
    for_each_slot(node, [&](const Operand& operand, bool is_constant) { slots.push_back({operand, is_constant}); });
    return tuple_of(slots, [](const Slot& slot) {
        return slot.is_constant ? PyFloat_FromDouble(slot.operand.constant) : wrap(slot.operand.node);
    });
}

PyObject* get_operands(PyObject* self, PyObject*) {
    return guarded([self] { return operands_of(node_of(self)); });
}

PyObject* get_operands_or_constants(PyObject* self, PyObject*) {
    return guarded([self] { return operands_or_constants_of(node_of(self)); });
}

PyObject* get_prev(PyObject* self, void*) {
    PyObject* operands = get_operands(self, nullptr);
    PyObject* set = operands ? PySet_New(operands) : nullptr;
    Py_XDECREF(operands);
    return set;
}

PyObject* step(PyObject* self, PyObject*) {
    if (refused_while_tracing("_backward()")) return nullptr;
    return guarded([self]() -> PyObject* {
        if (!step_back(node_of(self))) return nullptr;
        Py_RETURN_NONE;
    });
}

PyMethodDef step_method = {
    "_backward", step, METH_NOARGS,
    "_backward()\n--\n\nAdd this Value's gradient, through its local derivatives, to its operands'."};

PyObject* get_backward(PyObject* self, void*) {
    PyObject* function = callback_function(node_of(self));
    return function ? Py_NewRef(function) : PyCFunction_New(&step_method, self);
}

int set_backward(PyObject* self, PyObject* function, void*) {
    Node* node = node_of(self);
    if (node->op != Op::custom) {
        PyErr_Format(
            PyExc_TypeError,
            "_backward can be set only where the children were named: out = Value(data, (a, b), 'name'), not on %R",
            self);
        return -1;
    }
    if (!function || !PyCallable_Check(function)) {
        PyErr_Format(PyExc_TypeError, "_backward needs a function without arguments, not %.200R",
                     function ? function : Py_None);
        return -1;
    }
    if (!node->x.custom->local_gradients.empty()) {
        PyErr_SetString(PyExc_TypeError, "this Value has local gradients already: give either them or _backward");
        return -1;
    }
    try {
        std::shared_ptr<BackwardCallback> callback = std::make_shared<PythonCallback>(function);
        node->flags |= Node::notifies_last_use;
        node->x.custom->callback.swap(callback);  // frees the old one at the end of the block: the node is complete
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

PyGetSetDef attributes[] = {
    {"data", get_number<&Node::data>, set_number<&Node::data>, "The number.", const_cast<char*>("data")},
    {"grad", get_number<&Node::grad>, set_number<&Node::grad>,
     "The derivative of the last backward() root with respect to this Value.", const_cast<char*>("grad")},
    {"label", get_label, set_label_attribute, "A name for drawings.", nullptr},
    {"_prev", get_prev, nullptr, "The set of operands; constants appear as leaves.", nullptr},
    {"_op", get_op, nullptr, "The symbol of the operation; '' for a leaf.", nullptr},
    {"_scope", get_scope, nullptr,
     "The path of the scope in which it was made, as in 'mlp/layers.0'; '' outside all.", nullptr},
    {"_backward", get_backward, set_backward, "A function that carries the gradient to the operands.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

// --- methods

PyObject* backward(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    const Py_ssize_t named = names ? PyTuple_GET_SIZE(names) : 0;
    double gradient = 1.0;
    if (count + named > 1 ||
        (named && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), "gradient") != 0)) {
        PyErr_SetString(PyExc_TypeError, "backward() takes one optional argument: gradient");
        return nullptr;
    }
    if (refused_while_tracing("backward()")) return nullptr;
    if (count + named == 1 && !require_double(args[0], gradient, "gradient")) return nullptr;
    return guarded([=]() -> PyObject* {
        if (!sweep(node_of(self), gradient)) return nullptr;
        Py_RETURN_NONE;
    });
}

PyObject* topological_order_method(PyObject* self, PyObject*) {
    return guarded([self]() -> PyObject* {
        Node* root = node_of(self);
        for (Node* node : topological_order({&root, 1})) tape.materialize_constants(node);
        const std::vector<Node*> order = topological_order({&root, 1});
        PyObject* list = PyList_New(static_cast<Py_ssize_t>(order.size()));
        for (std::size_t i = 0; list && i < order.size(); ++i) {
            PyObject* value = wrap(order[i]);
            if (value) {
                PyList_SET_ITEM(list, static_cast<Py_ssize_t>(i), value);
            } else {
                Py_CLEAR(list);
            }
        }
        return list;
    });
}

PyObject* count_nodes(PyObject* self, PyObject*) {
    return guarded([self] {
        Node* root = node_of(self);
        std::size_t count = 0;
        for (const Node* node : topological_order({&root, 1})) count += 1 + constants(node);
        return PyLong_FromSize_t(count);
    });
}

PyObject* zero_grad(PyObject* self, PyObject*) {
    if (refused_while_tracing("zero_grad()")) return nullptr;
    return guarded([self]() -> PyObject* {
        Node* root = node_of(self);
        for (Node* node : topological_order({&root, 1})) clear_gradient(node);
        Py_RETURN_NONE;
    });
}

PyObject* detach(PyObject* self, PyObject*) {
    if (tracing()) return apply_unary_of_value<Op::stop_gradient>(self);
    return new_leaf(node_of(self)->data);
}

// Calls a float's method of the same name on the data.
PyObject* as_float(PyObject* self, const char* method, PyObject* const* args, Py_ssize_t count) {
    if (refused_while_tracing(method)) return nullptr;
    PyObject* number = PyFloat_FromDouble(node_of(self)->data);
    PyObject* function = number ? PyObject_GetAttrString(number, method) : nullptr;
    PyObject* result =
        function ? PyObject_Vectorcall(function, args, static_cast<std::size_t>(count), nullptr) : nullptr;
    Py_XDECREF(function);
    Py_XDECREF(number);
    return result;
}
PyObject* round_(PyObject* self, PyObject* const* args, Py_ssize_t count) {
    return as_float(self, "__round__", args, count);
}
PyObject* format(PyObject* self, PyObject* spec) { return as_float(self, "__format__", &spec, 1); }
PyObject* trunc_(PyObject* self, PyObject*) { return as_float(self, "__trunc__", nullptr, 0); }
PyObject* floor_(PyObject* self, PyObject*) { return as_float(self, "__floor__", nullptr, 0); }
PyObject* ceil_(PyObject* self, PyObject*) { return as_float(self, "__ceil__", nullptr, 0); }

PyMethodDef methods[] = {
    {"backward", as_c_function(backward), METH_FASTCALL | METH_KEYWORDS,
     "backward($self, /, gradient=1.0)\n--\n\n"
     "Differentiate this Value with respect to everything it was made of.\n\n"
     "Sets this Value's grad to `gradient` and runs the chain rule backwards. Leaves add to the grad they have;\n"
     "the grad of every other Value starts from zero, so that a second call is right. Never raises, except what an\n"
     "custom operation's _backward raises, and KeyboardInterrupt: after either, grads are partial sums until "
     "zero_grad()."},
    {"topological_order", topological_order_method, METH_NOARGS,
     "topological_order($self, /)\n--\n\nThe Values that this one was made of, and itself: operands before results."},
    {"zero_grad", zero_grad, METH_NOARGS,
     "zero_grad($self, /)\n--\n\nSet the grad of this Value, and of everything it was made of, to 0.0."},
    {"detach", detach, METH_NOARGS, "detach($self, /)\n--\n\nA new leaf with the same data."},
    {"_operands", get_operands, METH_NOARGS, "_operands($self, /)\n--\n\nThe operands, in their order."},
    {"_operands_or_constants", get_operands_or_constants, METH_NOARGS,
     "_operands_or_constants($self, /)\n--\n\n"
     "The operands, in their order; a constant as a float, which makes no leaf of it."},
    {"_node_count", count_nodes, METH_NOARGS,
     "_node_count($self, /)\n--\n\nHow many Values topological_order() would give."},
    {"__copy__", copy_value, METH_NOARGS, "__copy__($self, /)\n--\n\nA new Value with the same operands."},
    {"__round__", as_c_function(round_), METH_FASTCALL, nullptr},
    {"__format__", format, METH_O, nullptr},
    {"__trunc__", trunc_, METH_NOARGS, nullptr},
    {"__floor__", floor_, METH_NOARGS, nullptr},
    {"__ceil__", ceil_, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

void append_slots(PyType_Slot* slots, std::size_t& count) {
    append_number_slots(slots, count);
    slots[count++] = {Py_tp_new, reinterpret_cast<void*>(new_value)};
    slots[count++] = {Py_tp_init, reinterpret_cast<void*>(init_value)};
    slots[count++] = {Py_tp_getset, attributes};
    slots[count++] = {Py_tp_methods, methods};
}

}  // namespace fastgrad::bind
