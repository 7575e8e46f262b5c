// The Python object that represents a node, from creation to destruction.
#pragma once

#include <Python.h>

#include "core/node.hpp"

namespace fastgrad::bind {

// 32 bytes, one pymalloc size class. The object owns one reference to its node; the node finds it by Node::object.
struct ValueObject {
    PyObject_HEAD Node* node;  // never null
    PyObject* weakrefs;
};

// The type that operators return: fastgrad.engine.Value, once it has been passed to `set_value_type`.
extern PyTypeObject* value_type;
// Its subclass for custom operations, whose closures create cycles: the only one that the garbage collector tracks.
extern PyTypeObject* custom_value_type;
// The base of both, fastgrad._core.Value, which has all slots and methods.
extern PyTypeObject* base_type;

inline bool is_value(PyObject* object) {
    return Py_TYPE(object) == value_type || PyObject_TypeCheck(object, base_type);
}
inline Node* node_of(PyObject* value) { return reinterpret_cast<ValueObject*>(value)->node; }

// The object of a new node. Takes over the node's only reference, even on failure. New reference, or null.
PyObject* adopt(Node* node) noexcept;
PyObject* adopt_as(PyTypeObject* type, Node* node);

// The object of any node, created if there is none. New reference, or null.
PyObject* wrap(Node* node);

// Keeps the object alive as long as operand slots hold its node, if it is an instance of a user's subclass, which may
// have its own state.
void hold_if_subclass(PyObject* value);

// Registers the type with the module; false with an error set.
bool make_base_type(PyObject* module);
bool set_value_type(PyObject* type);

}  // namespace fastgrad::bind
