// Makes allocation failure in pybind11 classes raise MemoryError. pybind11 (checked with 3.1) does not test the
// pointers that Python's allocator returns, so this header replaces the two places where it would crash.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <new>
#include <utility>

namespace fastgrad::bind {

// Instances are created by std::make_shared, which does not use this operator new. pybind11 uses these operators in
// two cases.
struct InitOnly {
    // For the first use of an instance whose __init__ has not run; pybind11 would use uninitialized memory.
    static void* operator new(std::size_t) {
        throw pybind11::type_error("__init__() has not been called yet: call super().__init__(...) first");
    }
    // For an instance that pybind11 could not add to its map of instances; the shared_ptr has already freed it.
    static void operator delete(void*) {}
};

// Implements __init__ for a class of plain numbers made by `make`: py::init would add the instance to that map where
// nothing catches std::bad_alloc. Goes with pybind11::detail::is_new_style_constructor.
template <class T, class... Arguments>
auto init_with(T (*make)(Arguments...)) {
    return [make](pybind11::detail::value_and_holder& instance, Arguments... arguments) {
        instance.value_ptr() = new T(make(std::forward<Arguments>(arguments)...));
        instance.type->init_instance(instance.inst, nullptr);
    };
}

namespace detail {

// Called by pybind11's C++ code and by `make_instance`, never through C.
inline PyObject* allocate_or_throw(PyTypeObject* type, Py_ssize_t items) {
    PyObject* self = PyType_GenericAlloc(type, items);
    if (!self) throw pybind11::error_already_set();
    return self;
}

inline PyObject* make_instance(PyTypeObject* type, PyObject*, PyObject*) {
    try {
        PyObject* self = type->tp_alloc(type, 0);  // in a subclass, Python's own function
        if (self) reinterpret_cast<pybind11::detail::instance*>(self)->allocate_layout();
        return self;
    } catch (pybind11::error_already_set& error) {
        error.restore();
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
    }
    return nullptr;
}

}  // namespace detail

// An argument for every class_.
inline pybind11::custom_type_setup checked_allocation() {
    return pybind11::custom_type_setup([](PyHeapTypeObject* type) {
        type->ht_type.tp_alloc = detail::allocate_or_throw;
        type->ht_type.tp_new = detail::make_instance;
    });
}

}  // namespace fastgrad::bind
