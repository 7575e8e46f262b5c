// The parts of the Value type, by topic; object.cpp puts them together.
#pragma once

#include <Python.h>

#include <cstddef>

#include "core/node.hpp"

namespace fastgrad::bind {

// Casts a function of any CPython calling convention to the type that method tables use.
template <class Function>
PyCFunction as_c_function(Function* function) {
    return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

// object.cpp: makes a Value represent another node, and takes over the node's only reference.
void replace_node(PyObject* value, Node* node);

// construct.cpp: Value(data, _children=(), _op='', label='').
PyObject* new_value(PyTypeObject* type, PyObject* args, PyObject* kwargs);
int init_value(PyObject* self, PyObject* args, PyObject* kwargs);
PyObject* call_value_type(PyObject* type, PyObject* const* args, std::size_t count_and_flag, PyObject* names);

// number.cpp: operators, conversions, comparisons. operations.cpp: the methods for the rows of ops.def.
void append_number_slots(PyType_Slot* slots, std::size_t& count);
extern PyMethodDef operation_methods[];
bool add_operation_functions(PyObject* module);

// sequences.cpp: sum, dot, softmax, ..., and maximum() and minimum() of one sequence. New references, or null.
bool add_sequence_functions(PyObject* module);
PyObject* largest_of(PyObject* xs);
PyObject* smallest_of(PyObject* xs);

int set_label_attribute(PyObject* self, PyObject* label, void*);

// members.cpp: attributes, methods, and all slots together.
void append_slots(PyType_Slot* slots, std::size_t& count);

}  // namespace fastgrad::bind
