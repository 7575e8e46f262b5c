#include "bind/value/object.hpp"

#include <structmember.h>

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

#include "bind/value/callback.hpp"
#include "bind/value/slots.hpp"
#include "core/compiler.hpp"
#include "core/tape.hpp"

namespace fastgrad::bind {

PyTypeObject* value_type = nullptr;
PyTypeObject* custom_value_type = nullptr;
PyTypeObject* base_type = nullptr;

namespace {

// --- memory of plain Values: a free list, as floats have; pymalloc would cost 4 ns more per Value

#ifdef Py_REF_DEBUG
constexpr int free_objects_limit = 0;  // keeps sys.gettotalrefcount() accurate
#else
constexpr int free_objects_limit = 1024;
#endif
ValueObject* free_objects = nullptr;  // linked through `weakrefs`
int free_object_count = 0;

ValueObject* new_plain_object() {
    ValueObject* self = free_objects;
    if (self) {
        free_objects = reinterpret_cast<ValueObject*>(self->weakrefs);
        --free_object_count;
        Py_INCREF(value_type);
        Py_SET_REFCNT(reinterpret_cast<PyObject*>(self), 1);
        return self;
    }
    return PyObject_New(ValueObject, value_type);
}

void free_plain_object(ValueObject* self) {
    if (free_object_count >= free_objects_limit) {
        PyObject_Free(self);
        return;
    }
    self->weakrefs = reinterpret_cast<PyObject*>(free_objects);
    free_objects = self;
    ++free_object_count;
}

PyObject* attach(ValueObject* self, Node* node) {
    self->node = node;
    self->weakrefs = nullptr;
    node->object = self;
    return reinterpret_cast<PyObject*>(self);
}

// --- destroying an object

// Inlined: as a call it takes 6 of the 157 instructions of an operation.
FASTGRAD_INLINE void unref_node(ValueObject* self) {
    self->node->object = nullptr;  // before any callback runs, which might look the node's object up
    if (self->weakrefs) PyObject_ClearWeakRefs(reinterpret_cast<PyObject*>(self));
    tape.release(self->node);
}

void dealloc(PyObject* object) {
    auto* self = reinterpret_cast<ValueObject*>(object);
    PyTypeObject* type = Py_TYPE(object);
    if (type == value_type) [[likely]] {
        unref_node(self);
        free_plain_object(self);
    } else {
        if (type == custom_value_type) PyObject_GC_UnTrack(object);
        unref_node(self);
        type->tp_free(object);
    }
    Py_DECREF(type);
}

// --- garbage collection
//
// A custom operation's callback is usually a closure that refers to its own output: object -> node -> closure ->
// object. The object shows the closure to the collector only while nothing else can reach the node, because operand
// slots that hold the node need the closure. Plain Values hold no Python object, so they stay untracked.

PyObject* own_closure(PyObject* object) {
    const Node* node = node_of(object);
    PyObject* function = callback_function(node);
    const bool is_ours_alone = function && node->refs == 1 && node->x.custom->callback.use_count() == 1;
    return is_ours_alone ? function : nullptr;
}

int traverse(PyObject* object, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(own_closure(object));
    return 0;
}

int clear(PyObject* object) {
    if (own_closure(object)) {
        const auto doomed = std::move(node_of(object)->x.custom->callback);
    }
    return 0;
}

// Counts the references to one object from everything that only the root keeps alive.
class OwnedReferences {
 public:
    OwnedReferences(PyObject* root, PyObject* sought) : sought_(sought) { explore(root); }
    Py_ssize_t count() const { return count_; }

 private:
    // A closure reaches its output in three steps (function, cells, cell), a bound method in three or four.
    static constexpr int deepest = 6;
    static constexpr int most_objects = 64;

    void explore(PyObject* object) {
        if (Py_REFCNT(object) != 1 || !PyObject_IS_GC(object) || depth_ == deepest) return;
        ++depth_;
        Py_TYPE(object)->tp_traverse(object, visit, this);
        --depth_;
    }
    static int visit(PyObject* object, void* arg) {
        auto* self = static_cast<OwnedReferences*>(arg);
        if (object == self->sought_) {
            ++self->count_;
        } else if (++self->visited_ <= most_objects) {
            self->explore(object);
        }
        return 0;
    }

    PyObject* sought_;
    Py_ssize_t count_ = 0;
    int depth_ = 0, visited_ = 0;
};

// The last operand slot has released the node. Releases the object if it was kept alive for these slots, and breaks a
// cycle through the node's own callback immediately: otherwise a graph with many layers of custom operations would
// need one run of the collector for each layer.
void on_last_slot_gone(Node* node) {
    auto* object = static_cast<PyObject*>(node->object);
    if (!object) return;
    const bool held = node->has(Node::keeps_object);
    node->flags &= static_cast<std::uint8_t>(~Node::keeps_object);
    PyObject* function = callback_function(node);
    if (function && node->x.custom->callback.use_count() == 1 &&
        Py_REFCNT(object) == OwnedReferences(function, object).count() + held) {
        const auto doomed = std::move(node->x.custom->callback);
    }
    if (held) Py_DECREF(object);
}

PyMemberDef members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(ValueObject, weakrefs), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

}  // namespace

PyObject* adopt_as(PyTypeObject* type, Node* node) {
    if (type == value_type) return adopt(node);
    PyObject* self = type->tp_alloc(type, 0);
    if (!self) {
        tape.release(node);
        return nullptr;
    }
    return attach(reinterpret_cast<ValueObject*>(self), node);
}

PyObject* adopt(Node* node) noexcept {
    if (node->op == Op::custom) [[unlikely]]
        return adopt_as(custom_value_type, node);
    ValueObject* self = new_plain_object();
    if (!self) {
        tape.release(node);
        return nullptr;
    }
    return attach(self, node);
}

PyObject* wrap(Node* node) {
    if (node->object) return Py_NewRef(static_cast<PyObject*>(node->object));
    Tape::retain(node);
    return adopt(node);
}

void hold_if_subclass(PyObject* value) {
    if (Py_TYPE(value) == value_type || Py_TYPE(value) == custom_value_type) return;
    Node* node = node_of(value);
    if (node->has(Node::keeps_object)) return;
    node->flags |= Node::keeps_object | Node::notifies_last_use;
    Py_INCREF(value);
}

void replace_node(PyObject* value, Node* node) {
    auto* self = reinterpret_cast<ValueObject*>(value);
    Node* before = std::exchange(self->node, node);
    before->object = nullptr;
    node->object = value;
    if (before->has(Node::keeps_object)) {
        before->flags &= static_cast<std::uint8_t>(~Node::keeps_object);
        Py_DECREF(value);  // the caller has another reference
    }
    tape.release(before);
}

bool make_base_type(PyObject* module) {
    PyType_Slot slots[32] = {
        {Py_tp_doc, const_cast<char*>("A scalar of a computational graph: the native half of fastgrad.Value.")},
        {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
        {Py_tp_members, members},
    };
    std::size_t count = 3;
    append_slots(slots, count);
    slots[count] = {0, nullptr};
    PyType_Spec spec{"fastgrad._core.Value", sizeof(ValueObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};
    base_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
    if (!base_type) return false;
    tape.set_on_last_use(on_last_slot_gone);
    return PyModule_AddObjectRef(module, "Value", reinterpret_cast<PyObject*>(base_type)) == 0;
}

bool set_value_type(PyObject* type) {
    if (value_type) {
        PyErr_SetString(PyExc_RuntimeError, "the type of Values has been set already");
        return false;
    }
    if (!PyType_Check(type) || !PyType_IsSubtype(reinterpret_cast<PyTypeObject*>(type), base_type) ||
        reinterpret_cast<PyTypeObject*>(type)->tp_basicsize != base_type->tp_basicsize) {
        PyErr_SetString(PyExc_TypeError, "needs a subclass of _core.Value with __slots__ = ()");
        return false;
    }
    value_type = reinterpret_cast<PyTypeObject*>(Py_NewRef(type));
    // type() created a class whose instances the collector tracks and whose dealloc walks the bases (11 ns a Value).
    // Plain Values hold no Python object and have no collector header, so the collector must not look for one.
    value_type->tp_flags &= ~Py_TPFLAGS_HAVE_GC;
    value_type->tp_free = PyObject_Free;
    value_type->tp_dealloc = dealloc;
    // The collector tracks users' subclasses, which look up these two functions in their bases.
    value_type->tp_traverse = traverse;
    value_type->tp_clear = clear;
    value_type->tp_vectorcall = call_value_type;
    // Defined on the type itself rather than its base: CPython calls a method fastest if the object's type defines it
    // (16 ns for a.exp(), against 23).
    for (PyMethodDef* method = operation_methods; method->ml_name; ++method) {
        PyObject* descriptor = PyDescr_NewMethod(value_type, method);
        const int failed = descriptor ? PyObject_SetAttrString(type, method->ml_name, descriptor) : -1;
        Py_XDECREF(descriptor);
        if (failed) return false;
    }
    PyType_Modified(value_type);

    PyType_Slot slots[] = {
        {Py_tp_doc, const_cast<char*>("A Value that the user's custom operation made.")},
        {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
        {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
        {Py_tp_clear, reinterpret_cast<void*>(clear)},
        {0, nullptr},
    };
    PyType_Spec spec{"fastgrad._core.CustomValue", sizeof(ValueObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
                     slots};
    PyObject* bases = PyTuple_Pack(1, type);
    if (!bases) return false;
    custom_value_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpecWithBases(&spec, bases));
    Py_DECREF(bases);
    return custom_value_type != nullptr;
}

}  // namespace fastgrad::bind
