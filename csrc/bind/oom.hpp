// Out of memory in pybind11's classes becomes MemoryError. pybind11 (checked with 3.1) does not test the pointers
// that Python's allocator returns, so this header replaces the two places where it would crash.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <new>
#include <utility>

namespace fastgrad::bind {

// Such a class is made by std::make_shared, which does not ask it for memory; pybind11 does, in two cases.
struct InitOnly {
    // For an instance whose __init__ has not run, at the first use; it would use what is in that memory.
    static void* operator new(std::size_t) {
        throw pybind11::type_error("__init__() has not been called yet: call super().__init__(...) first");
    }
    // For an instance that it could not enter into its map of instances; then the shared_ptr has freed it already.
    static void operator delete(void*) {}
};

// For __init__ of a class of plain numbers, which `make` makes: py::init would enter the instance into that map where
// nobody catches std::bad_alloc. Goes with pybind11::detail::is_new_style_constructor.
template <class T, class... Arguments>
auto init_with(T (*make)(Arguments...)) {
    return [make](pybind11::detail::value_and_holder& instance, Arguments... arguments) {
        instance.value_ptr() = new T(make(std::forward<Arguments>(arguments)...));
        instance.type->init_instance(instance.inst, nullptr);
    };
}

namespace detail {

// Called by pybind11's own C++, and by `make_instance`: never through C.
inline PyObject* allocate_or_throw(PyTypeObject* type, Py_ssize_t items) {
    PyObject* self = PyType_GenericAlloc(type, items);
    if (!self) throw pybind11::error_already_set();
    return self;
}

inline PyObject* make_instance(PyTypeObject* type, PyObject*, PyObject*) {
    try {
        PyObject* self = type->tp_alloc(type, 0);  // Python's own in a subclass
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

// An argument of every class_.
inline pybind11::custom_type_setup checked_allocation() {
    return pybind11::custom_type_setup([](PyHeapTypeObject* type) {
        type->ht_type.tp_alloc = detail::allocate_or_throw;
        type->ht_type.tp_new = detail::make_instance;
    });
}

}  // namespace fastgrad::bind
