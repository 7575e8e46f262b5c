// What the Value type is made of, by topic; value_object.cpp puts it together.
#pragma once

#include <Python.h>

#include <cstddef>

#include "core/node.hpp"

namespace fastgrad::bind {

// A function of any of CPython's calling conventions, as the table of methods wants it.
template <class Function>
PyCFunction as_c_function(Function* function) {
    return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

// value_object.cpp: lets a Value stand for another node, whose one reference it takes over.
void replace_node(PyObject* value, Node* node);

// value_construct.cpp: Value(data, _children=(), _op='', label='').
PyObject* new_value(PyTypeObject* type, PyObject* args, PyObject* kwargs);
int init_value(PyObject* self, PyObject* args, PyObject* kwargs);
PyObject* call_value_type(PyObject* type, PyObject* const* args, std::size_t count_and_flag, PyObject* names);

// value_number.cpp: operators, conversions, comparisons. operations.cpp: the methods of ops.def's rows.
void append_number_slots(PyType_Slot* slots, std::size_t& count);
extern PyMethodDef operation_methods[];
bool add_operation_functions(PyObject* module);

// sequences.cpp: sum, dot, softmax, ... and what maximum() and minimum() of one sequence are. New references, or
// null.
bool add_sequence_functions(PyObject* module);
PyObject* largest_of(PyObject* xs);
PyObject* smallest_of(PyObject* xs);

int set_label_attribute(PyObject* self, PyObject* label, void*);

// value_members.cpp: attributes, methods, and all slots together.
void append_slots(PyType_Slot* slots, std::size_t& count);

}  // namespace fastgrad::bind
